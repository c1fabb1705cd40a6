"""What a capture keeps of the files that decide how a host starts."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inventory.test_shell import FILES
from tests.prepare.boot_hosts import FAMILIES, SPEC, build_family, plan_for

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.redact import Redactor
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.inventory.system.boot import settings_only, split_setting
from gpucloud.inventory.system.grub import assignments_only
from gpucloud.inventory.system.kernel import parse_arguments
from gpucloud.model.boot import BootFiles
from gpucloud.model.change import Content, FileState, WriteFile
from gpucloud.model.plan import Plan
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot import plan_boot, read_boot_files
from gpucloud.prepare.boot.loaders import GrubDropIn
from gpucloud.spec import parse_spec

pytestmark = pytest.mark.proof


def capture(root: Path, path: Path) -> str:
    """Write a capture of a tree; give what is in it, unpacked."""
    data = render_capture(collect_here(str(root)))
    path.write_bytes(data)
    return gzip.decompress(data).decode(errors="replace")


def plan_from(path: Path) -> Plan:
    reader = open_capture(path)
    return plan_boot(read_host(reader), read_boot_files(reader), parse_spec(SPEC), "gpu01")


def added(plan: Plan) -> dict[str, set[str]]:
    """Words that each file gets, by its path; entries are named otherwise in a capture."""
    found = {}
    for change in (step.change for step in plan.steps):
        if isinstance(change, WriteFile):
            before = _words(change.before.text) if change.before is not None else []
            folder, _, name = change.path.rpartition("/")
            place = folder if folder.endswith("entries") else f"{folder}/{name}"
            after = (word for word in _words(change.after.text) if not word.startswith("##"))
            found[place] = set(after) - set(before)
    return found


def _words(text: str) -> list[str]:
    return re.sub("[\"']", " ", text).split()


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "pop-22.04"])
def test_a_capture_is_planned_for_like_its_host(name: str, tmp_path: Path) -> None:
    kernel = build_family(tmp_path / "root", name)
    capture(kernel.root, tmp_path / "capture.tar.gz")
    elsewhere, here = plan_from(tmp_path / "capture.tar.gz"), plan_for(kernel)
    assert elsewhere.refusals == ()
    assert added(elsewhere) == added(here)
    kinds = [step.change.kind for step in here.steps]
    assert [step.change.kind for step in elsewhere.steps] == [one for one in kinds if one not in _OLD_START]
    is_told = any("read on the host itself only" in (step.risk or "") for step in elsewhere.steps)
    assert is_told or _OLD_START.isdisjoint(kinds)


_OLD_START = frozenset(("keep-old-start", "try-new-start"))
"""What GRUB can do is read on the host itself only (``prepare.boot.read``): from a capture it is a risk."""


def test_a_prepared_host_is_as_its_spec_wants_it_in_a_capture_too(tmp_path: Path) -> None:
    kernel = build_family(tmp_path / "root", "ubuntu-24.04-cloud")
    for change in (step.change for step in plan_for(kernel).steps):
        if isinstance(change, WriteFile):
            place = kernel.root / change.path[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(change.after.text)
    capture(kernel.root, tmp_path / "capture.tar.gz")
    changes = [step.change for step in plan_from(tmp_path / "capture.tar.gz").steps]
    assert [change for change in changes if isinstance(change, WriteFile) and change.before is None] == []


def test_kernelstubs_settings_are_in_no_capture(tmp_path: Path) -> None:
    kernel = build_family(tmp_path / "root", "pop-22.04")
    assert "config_rev" not in capture(kernel.root, tmp_path / "capture.tar.gz")
    (refusal,) = plan_from(tmp_path / "capture.tar.gz").refusals
    assert refusal.cause == "arguments-unknown"


def test_only_arguments_that_are_everybodys_leave_the_host(tmp_path: Path) -> None:
    kernel = build_family(tmp_path / "root", "alma-9")
    (kernel.root / "etc/default/grub").write_text(
        "# for alice\nGRUB_PASSWORD=hunter2\n"
        'GRUB_CMDLINE_LINUX="quiet cryptdevice=UUID=3e6be9de-8139-11d1-9106-a43f08d823a6 correcthorse '
        'token=battery $GRUB_CMDLINE_LINUX_DEFAULT iommu=pt"\n'
    )
    entries = kernel.root / "boot/loader/entries"
    (entries / "a-5.14.conf").rename(entries / "6a9857a393724b7a981ebb5b8495b9ea-5.14.conf")
    inside = capture(kernel.root, tmp_path / "capture.tar.gz")
    for secret in ("alice", "hunter2", "3e6be9de", "correcthorse", "battery", "6a9857a3", "title Linux"):
        assert secret not in inside
    assert '"quiet cryptdevice=' in inside.replace('\\"', '"')
    assert re.search(r'token=redacted-\d+ iommu=pt\\?"', inside)


_ALWAYS, _NORMAL = "GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"


def arguments(grub: str, drop_in: str) -> list[str] | None:
    """What the kernel gets, without characters that a capture takes out; None where that cannot be told."""
    folder = "/etc/default/grub.d"
    texts = {"/etc/default/grub": grub, f"{folder}/50.cfg": drop_in}
    states = {path: FileState(Content(text)) for path, text in texts.items()}
    found = GrubDropIn().arguments(
        BootFiles(states, {folder: ("50.cfg",), "/etc/default": ("grub", "grub.d")})
    )
    if isinstance(found, Unknown):
        return None
    words = parse_arguments(" ".join(each.text for each in found))
    return [plain for word in words if (plain := re.sub("[\"'\\\\`$ ]", "", word))]


_TEXTS = FILES.map(
    lambda text: re.sub(r"\bA\b", _ALWAYS, re.sub(r"\bB\b", _NORMAL, text)),
)


@settings(max_examples=150, deadline=None)
@given(_TEXTS, _TEXTS)
def test_a_capture_tells_the_same_arguments_or_that_they_cannot_be_told(grub: str, drop_in: str) -> None:
    kept = assignments_only(grub, is_first=True), assignments_only(drop_in, is_first=False)
    told = arguments(*kept)
    assert told is None or told == arguments(grub, drop_in)
    assert all(split_setting(line) is not None for text in kept for line in text.split("\n") if line)
    assert assignments_only(kept[0], is_first=True) == kept[0]
    assert assignments_only(kept[1], is_first=False) == kept[1]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('A="quiet \\\n splash"\n', 'A="quiet splash"'),
        ('A="quiet\nsplash iommu=pt"\n', 'A="quiet splash iommu=pt"'),
        ("A='a\n  b'\\\n' c'\n", 'A="a b c"'),
        ('A="quiet"\nA+=" b"\n', 'A="quiet b"'),
        ('X=tty0\nA="console=$X"\n', 'A="console=tty0"'),
        ('B="${B:+$B }\\$tuned_params"\n', 'B="tuned_params"'),
        ('A="dyndbg=\\"file a +p\\""\n', 'A="dyndbg=filea+p"'),
        ('A=""\n', 'A=""'),
        ("GRUB_TIMEOUT=5\n", ""),
        ('if x; then\nA="quiet"\nfi\n', ": && A=\n: && B="),
        ('A="quiet\n', ": && A=\n: && B="),
        ('A="a\\"b"\n', ": && A=\n: && B="),
    ],
)
def test_an_assignment_is_kept_whole_in_one_line(text: str, kept: str) -> None:
    def named(each: str) -> str:
        return re.sub(r"\bA\b", _ALWAYS, re.sub(r"\bB\b", _NORMAL, each))

    assert assignments_only(named(text), is_first=True) == named(kept)


def test_a_drop_in_keeps_what_it_takes_over() -> None:
    text = f'{_NORMAL}="${_NORMAL} crashkernel=512M-:192M"\n'
    assert assignments_only(text, is_first=False) == text.strip()
    assert assignments_only(f'{_NORMAL}="${{{_NORMAL}:-quiet}}"\n', is_first=False).startswith(": && ")


@pytest.mark.parametrize("name", ["debian-12", "sles-15", "centos-7", "alma-9"])
def test_what_cannot_be_told_on_a_host_cannot_be_told_from_its_capture(name: str, tmp_path: Path) -> None:
    kernel = build_family(tmp_path / "root", name)
    grub = kernel.root / "etc/default/grub"
    grub.write_text(f'{grub.read_text()}if [ -e /x ]; then\n  {_ALWAYS}="iommu=pt"\nfi\n')
    capture(kernel.root, tmp_path / "capture.tar.gz")
    refused = (plan_for(kernel).refusals, plan_from(tmp_path / "capture.tar.gz").refusals)
    assert [[each.cause for each in refusals] for refusals in refused] == [["arguments-unknown"]] * 2


def test_an_entry_of_another_program_is_not_the_one_that_is_kept(tmp_path: Path) -> None:
    kernel = build_family(tmp_path / "root", "alma-9")
    (kernel.root / "boot/loader/entries/z-memtest.conf").write_text("efi /memtest.efi\noptions nofb\n")
    inside = capture(kernel.root, tmp_path / "capture.tar.gz")
    assert "nofb" not in inside
    assert plan_from(tmp_path / "capture.tar.gz").refusals == ()


@given(st.text(alphabet="abcGRUB_CMDLINE_LINUX=\"' $\n", max_size=60))
def test_what_is_kept_is_lines_with_arguments(text: str) -> None:
    kept = settings_only(text)
    assert all(split_setting(line) is not None for line in kept.split("\n") if line)
    assert settings_only(kept) == kept


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=30))
def test_no_unknown_word_of_a_loaders_file_survives(secret: str) -> None:
    word = "zq" + "".join(char for char in secret if char not in "\"'(),=\\$") + "zq"
    assert word not in Redactor((), ()).setting(f'GRUB_CMDLINE_LINUX="quiet {word} a={word}"')
