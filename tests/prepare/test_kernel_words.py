"""Words behind `` -- `` go to init, words behind a comment to nobody: ours are read, and put, before both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prepare.boot_hosts import KERNELSTUB, build_family, plan_for

from gpucloud.inventory.system.kernel import parse_arguments
from gpucloud.model.boot import BootFiles
from gpucloud.model.change import Content, FileState
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.loaders import BootEntries, KernelInstall, Loader, ProxmoxBoot
from gpucloud.prepare.boot.loaders import Kernelstub as Stub
from gpucloud.prepare.boot.loaders.loader import add_to_cmdline, add_words, kernel_words
from gpucloud.prepare.boot.paths import GRUB, GRUB_DROP_INS, KERNEL_CMDLINE
from gpucloud.prepare.boot.paths import KERNELSTUB as STUB_FILE

NEW = ["iommu=pt", "intel_iommu=on"]
WORDS = st.sampled_from(
    ["ro", "quiet", "iommu=pt", "--", "---", "#", "#x", "a#b", 'a="b -- c"', 'd="e', "x=--"]
)
LINES = st.lists(WORDS, max_size=7).map(" ".join)
ENTRIES = "/boot/efi/loader/entries"


def files_of(texts: dict[str, str]) -> BootFiles:
    folders = dict.fromkeys((GRUB_DROP_INS, ENTRIES, "/boot/loader/entries", "/efi/loader/entries"), ())
    names = {path.rpartition("/")[2] for path in texts if path.startswith(ENTRIES)}
    states = {path: FileState(Content(text)) for path, text in texts.items()}
    return BootFiles(states, {**folders, ENTRIES: tuple(sorted(names)), "/boot": ("vmlinuz-6.12",)})


def told(loader: Loader, texts: dict[str, str]) -> list[str] | str:
    found = loader.arguments(files_of(texts))
    return found.why if isinstance(found, Unknown) else [argument.text for argument in found]


@given(LINES)
def test_words_are_added_where_every_reader_takes_them_for_the_kernel(line: str) -> None:
    after = add_words(line, NEW)
    for is_grubs in (False, True):
        before = kernel_words(line, is_grubs=is_grubs)
        now = kernel_words(after, is_grubs=is_grubs)
        assert {*before, *NEW} == {*now}
        assert [word for word in now if word not in NEW] == [word for word in before if word not in NEW]


@given(LINES)
def test_adding_words_takes_none_away_and_a_second_time_adds_nothing(line: str) -> None:
    after = add_words(line, NEW)
    assert [word for word in parse_arguments(after) if word not in NEW] == [
        word for word in parse_arguments(line) if word not in NEW
    ]
    assert add_words(after, NEW) == after


@given(st.text('ab -#"=\n', max_size=40))
def test_any_line_takes_words(line: str) -> None:
    assert {*NEW} <= {*kernel_words(add_words(line, NEW), is_grubs=True)}


@given(st.lists(st.one_of(LINES, LINES.map("# {}".format)), max_size=4).map("\n".join))
def test_the_file_of_kernel_install_takes_words_once(text: str) -> None:
    after = add_to_cmdline(text, NEW)
    assert add_to_cmdline(after, NEW) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("root=1 ro -- single\n", "root=1 ro iommu=pt intel_iommu=on -- single\n"),
        ("root=1 -- iommu=pt\n", "root=1 iommu=pt intel_iommu=on -- iommu=pt\n"),
        ("root=1 iommu=pt # intel_iommu=on\n", "root=1 iommu=pt intel_iommu=on # intel_iommu=on\n"),
        ("# by hand\nroot=1\nro -- x", "# by hand\nroot=1 iommu=pt intel_iommu=on\nro -- x\n"),
        ("root=1 iommu=pt intel_iommu=on", "root=1 iommu=pt intel_iommu=on"),
    ],
)
def test_a_line_for_kernel_install_is_changed_before_its_end(before: str, after: str) -> None:
    assert add_to_cmdline(before, NEW) == after


def test_what_goes_to_init_is_not_said_to_the_kernel() -> None:
    entry = {f"{ENTRIES}/a-6.12.conf": "linux /l\noptions root=1 ro\n"}
    line = {KERNEL_CMDLINE: "root=1 ro\nquiet -- iommu=pt\n"}
    assert told(KernelInstall(), entry | line) == ["root=1", "ro", "quiet"]
    assert told(ProxmoxBoot(), {GRUB: 'GRUB_CMDLINE_LINUX="iommu=pt"\n'} | line) == []
    options = KERNELSTUB | {"user": {"kernel_options": ["quiet", "--", "iommu=pt"]}}
    assert told(Stub(), {STUB_FILE: json.dumps(options)}) == ["quiet"]


def test_kernelstub_is_given_words_before_those_of_init() -> None:
    options = KERNELSTUB | {"user": {"kernel_options": ["quiet", "--", "iommu=pt"]}}
    (after,) = Stub().add(files_of({STUB_FILE: json.dumps(options)}), NEW).values()
    assert json.loads(after or "")["user"]["kernel_options"] == ["quiet", *NEW, "--", "iommu=pt"]


def of_kernel_install(options: str, line: str) -> list[str] | str:
    entry = {f"{ENTRIES}/a-6.12.conf": f"linux /l\noptions {options}\n"}
    return told(KernelInstall(), entry | {KERNEL_CMDLINE: line})


def test_entries_show_whether_comments_are_arguments() -> None:
    """Before systemd 257 kernel-install takes lines with # for arguments."""
    line = "# iommu=pt intel_iommu=off\nroot=1 ro\n"
    assert of_kernel_install("root=1 ro", line) == ["root=1", "ro"]
    assert of_kernel_install("# iommu=pt intel_iommu=off root=1 ro", line) == [
        "#",
        "iommu=pt",
        "intel_iommu=off",
        "root=1",
        "ro",
    ]


def test_where_no_entry_shows_it_what_a_comment_switches_off_is_off_and_no_more() -> None:
    line = "# iommu=pt intel_iommu=off\nroot=1 ro\n"
    assert set(of_kernel_install("root=2", line)) == {"root=1", "ro", "intel_iommu=off"}


def test_two_dashes_in_a_comment_that_may_be_arguments_are_refused() -> None:
    assert "a comment in /etc/kernel/cmdline has --" in of_kernel_install("root=2", "# a -- b\nroot=1 ro\n")
    assert of_kernel_install("root=1 ro", "# a -- b\nroot=1 ro\n") == ["root=1", "ro"]


@pytest.mark.parametrize(
    "options", ["root=1 ro -- x", "# why root=1 ro -- x", "root=1 ro -- x systemd.machine_id=1"]
)
def test_an_entry_may_be_of_either_kernel_install(options: str) -> None:
    entry = {f"{ENTRIES}/a-6.12.conf": f"linux /l\noptions {options}\n"}
    line = {KERNEL_CMDLINE: "# why\nroot=1 ro -- x\n"}
    assert KernelInstall().edited(files_of(entry | line)) == ()


def test_an_entry_that_says_something_else_to_init_is_edited() -> None:
    path = f"{ENTRIES}/a-6.12.conf"
    line = {KERNEL_CMDLINE: "root=1 ro -- x\n"}
    assert KernelInstall().edited(files_of({path: "linux /l\noptions root=1 ro -- y\n"} | line)) == (path,)


def test_the_old_start_is_known_by_a_word_before_those_of_init(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-12")
    (tmp_path / "proc/cmdline").write_text("BOOT_IMAGE=/boot/vmlinuz-6.1.0-42-amd64 ro -- single\n")
    (kept,) = (step.change for step in plan_for(kernel).steps if step.change.kind == "keep-old-start")
    assert "'ro' 'gpucloud=old' '--' 'single'\n" in kept.after.text


FOLDER = "/boot/loader/entries"
GRUB_BLOCK = "/boot/grub2/grubenv"


def entry_of(text: str, block: str = "") -> BootFiles:
    states = {f"{FOLDER}/a.conf": FileState(Content(text)), GRUB_BLOCK: FileState(Content(block))}
    return BootFiles(states, dict.fromkeys((ENTRIES, "/efi/loader/entries"), ()) | {FOLDER: ("a.conf",)})


def changed(text: str, block: str = "", *, has_grub: bool = True) -> dict[str, str | None]:
    files = entry_of(text, block)
    return {
        path: after
        for path, after in BootEntries(has_grub=has_grub).add(files, ["iommu=pt"]).items()
        if after != files.text(path)
    }


@pytest.mark.parametrize(
    ("options", "after"),
    [
        ("options ro -- single", "options ro iommu=pt -- single"),
        ("options ro -- iommu=pt", "options ro iommu=pt -- iommu=pt"),
        ("options ro # iommu=pt", "options ro iommu=pt # iommu=pt"),
        ("  options\tro", "  options\tro iommu=pt"),
        ("options ro\noptions quiet -- x", "options ro iommu=pt\noptions quiet -- x"),
        ('options dyndbg="file a -- b"', 'options dyndbg="file a -- b" iommu=pt'),
    ],
)
def test_an_entry_is_changed_before_the_end_of_its_kernels_words(options: str, after: str) -> None:
    assert changed(f"linux /l\n{options}\n") == {f"{FOLDER}/a.conf": f"linux /l\n{after}\n"}


def test_a_word_counts_where_both_boot_loaders_take_it_and_what_either_takes_off_is_off() -> None:
    text = "linux /l\noptions ro iommu=pt\noptions quiet intel_iommu=off -- a\n"
    found = BootEntries(has_grub=True).arguments(entry_of(text))
    assert not isinstance(found, Unknown)
    assert [each.text for each in found] == ["ro", "iommu=pt", "intel_iommu=off"]
    found = BootEntries(has_grub=False).arguments(entry_of(text))
    assert not isinstance(found, Unknown)
    assert [each.text for each in found] == ["ro", "iommu=pt", "quiet", "intel_iommu=off"]


def test_an_entry_that_refers_to_the_environment_only_for_init_is_changed_itself() -> None:
    block = "kernelopts=ro quiet\n".ljust(1024, "#")
    path = f"{FOLDER}/a.conf"
    assert path not in changed("linux /l\noptions $kernelopts -- x\n", block)
    assert changed("linux /l\noptions ro -- $kernelopts\n", block)[path] == (
        "linux /l\noptions ro iommu=pt -- $kernelopts\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "title Memtest\nefi /EFI/memtest86+x64.efi\noptions console=ttyS0\n",
        "title Memtest\nlinux /memtest86+/Memtest.bin\noptions nofb\n",
        "title Shell\nefi /shellx64.efi\noptions -nostartup\n",
    ],
)
def test_an_entry_of_another_program_than_linux_stays_as_it_is(text: str) -> None:
    assert changed(text) == {}
    assert isinstance(BootEntries(has_grub=False).arguments(entry_of(text)), Unknown)


@pytest.mark.parametrize(
    "program", ["linux /l", "efi /vmlinuz-6.1\ninitrd /i", "efi /EFI/a/vmlinuz.efi", "uki /u.efi"]
)
def test_an_entry_of_linux_is_changed_whatever_names_it(program: str) -> None:
    assert changed(f"{program}\noptions ro\n") == {f"{FOLDER}/a.conf": f"{program}\noptions ro iommu=pt\n"}
