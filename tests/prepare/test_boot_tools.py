"""What gpucloud writes is what the real tools write for the same words; tools of tests act as they do."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import Tools
from tests.prepare.boot_tools.record import RECORDS

from gpucloud.inventory.shell import values
from gpucloud.model.boot import BootFiles
from gpucloud.model.change import Content, FileState
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.loaders import BootEntries, GrubFile, Kernelstub, Loader, ProxmoxBoot
from gpucloud.prepare.boot.loaders.loader import cmdline_lines, kernel_words
from gpucloud.prepare.boot.own.paths import GRUB_DROP_IN
from gpucloud.prepare.boot.paths import ENTRIES as PLACES

WORDS = ["intel_iommu=on", "iommu=pt"]
BOTH = ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT")
ENTRIES = "boot/efi/loader/entries"
MACHINE = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Record:
    """One run of a real tool."""

    tool: str
    before: dict[str, str]
    after: dict[str, str]
    """Files that it changed or made."""

    def files(self) -> BootFiles:
        texts = {f"/{path}": text for path, text in self.before.items() if text != "/"}
        folders: dict[str, tuple[str, ...]] = dict.fromkeys((*PLACES, "/etc/default/grub.d"), ())
        for path in texts:
            folder, _, name = path.rpartition("/")
            folders[folder] = (*folders.get(folder, ()), name)
        return BootFiles({path: FileState(Content(text)) for path, text in texts.items()}, folders)

    def by_us(self, loader: Loader) -> dict[str, str | None]:
        changed = loader.add(self.files(), WORDS)
        return {path.lstrip("/"): text for path, text in changed.items()}


def load(name: str, code: int = 0) -> Record:
    read = json.loads((RECORDS / f"{name}.json").read_text())
    assert read["code"] == code
    return Record(read["tool"], read["before"], read["after"])


@pytest.mark.parametrize("name", ["grubby-rocky-8", "grubby-alma-9", "grubby-fedora-41"])
def test_what_is_written_is_what_grubby_writes_but_for_the_rescue_systems_entry(name: str) -> None:
    record = load(name)
    rescue = {path for path in record.after if "rescue" in path}
    assert record.by_us(BootEntries(has_grub=True)) == {
        path: text for path, text in record.after.items() if path not in rescue
    }


def test_the_line_on_suse_has_the_words_that_its_own_tool_gives_it() -> None:
    record, path = load("pbl-sles-15"), "etc/default/grub"
    ours = record.by_us(GrubFile(()))[path]
    assert isinstance(ours, str)
    told = [values(text, dict.fromkeys(BOTH, ""), BOTH) for text in (ours, record.after[path])]
    assert told[0] == told[1]
    assert told[0]["GRUB_CMDLINE_LINUX_DEFAULT"].split()[-2:] == WORDS


@pytest.mark.parametrize(
    ("name", "loader", "told", "recovery"),
    [
        ("grub2-mkconfig-rhel-7", GrubFile((), "GRUB_CMDLINE_LINUX"), 3, 0),
        ("grub2-mkconfig-suse", GrubFile(()), 2, 1),
    ],
)
def test_the_line_for_grub_becomes_what_kernels_of_its_menu_are_told(
    name: str, loader: Loader, told: int, recovery: int
) -> None:
    record, path = load(name), "etc/default/grub"
    said = record.before[path].replace(" ".join(["", *WORDS]), "")
    before = replace(record, before={**record.before, path: said})
    assert before.by_us(loader) == {path: record.before[path]}
    lines = re.findall(r"^\s*linux(?:16)?\s(.*)$", record.after["boot/grub2/grub.cfg"], re.MULTILINE)
    assert [line.split()[-2:] == WORDS for line in lines] == [True] * told + [False] * recovery


@pytest.mark.parametrize("release", [8, 9, 10])
def test_arguments_outlive_that_rhel_makes_its_menu_anew_of_the_line_for_grub(release: int) -> None:
    record = load(f"grub2-mkconfig-rhel-{release}")
    made = {path: text for path, text in record.after.items() if path != "boot/grub2/grub.cfg"}
    assert set(made) == {path for path in made if "/entries/" in path or path.endswith("/grubenv")}
    assert made
    assert all(line.split()[-2:] == WORDS for text in made.values() for line in _told(text))
    said = BootEntries(has_grub=True).arguments(replace(record, before=record.before | made).files())
    assert isinstance(said, tuple)
    assert {*WORDS} <= {argument.text for argument in said}


def test_kernelstubs_settings_are_written_as_it_writes_them_itself() -> None:
    record = load("kernelstub-add")
    path = "etc/kernelstub/configuration"
    assert record.by_us(Kernelstub()) == {path: record.after[path]}


def test_kernelstub_makes_its_entry_of_the_settings_that_were_written() -> None:
    record = load("kernelstub-run")
    (entry,) = (text for path, text in record.after.items() if path.endswith("/Pop_OS-current.conf"))
    assert entry.splitlines()[-1].endswith(" ro quiet splash intel_iommu=on iommu=pt")
    assert not any(path.startswith("etc/") for path in record.after)


def test_kernel_install_makes_its_entry_of_the_words_in_the_file() -> None:
    record = load("kernel-install")
    entry = record.after[f"{ENTRIES}/{MACHINE}-6.12.conf"]
    assert _options(entry) == [
        *kernel_words(cmdline_lines(record.before["etc/kernel/cmdline"])),
        f"systemd.machine_id={MACHINE}",
    ]


def test_debians_hook_makes_the_entry_anew_where_systemd_boot_is_installed_and_nothing_where_not() -> None:
    record = load("systemd-boot-hook")
    said = record.before["etc/kernel/cmdline"].split()
    entry = record.after[f"{ENTRIES}/{MACHINE}-6.12.conf"]
    assert _options(entry) == [*said, f"systemd.machine_id={MACHINE}"]
    assert load("systemd-boot-hook-without").after == {}


def test_a_kernel_that_rhel_9_gets_later_is_told_the_words_in_the_file() -> None:
    record = load("kernel-install-rhel-9")
    (entry,) = record.after.values()
    assert _told(entry) == [record.before["etc/kernel/cmdline"].strip()]


def test_the_tool_of_tests_makes_the_words_that_kernel_install_makes(tmp_path: Path) -> None:
    record = load("kernel-install")
    for path, text in record.before.items():
        place = tmp_path / path.replace(f"{MACHINE}-6.12", "1-6.12")
        place.parent.mkdir(parents=True, exist_ok=True)
        if text != "/":
            place.write_text(text)
    Tools(tmp_path, [])(["update-initramfs"])
    made = (tmp_path / ENTRIES / "1-6.12.conf").read_text()
    real = record.after[f"{ENTRIES}/{MACHINE}-6.12.conf"]
    assert _options(made) == _options(real.replace(MACHINE, "1"))


def test_kernel_install_of_debian_12_takes_comments_for_arguments() -> None:
    record = load("kernel-install-comment")
    words = _options(record.after[f"{ENTRIES}/{MACHINE}-6.12.conf"])
    assert words[:2] == ["#", "root=/dev/sda1"]


def test_proxmox_boot_tool_takes_no_line_but_the_first_and_so_the_missing_words_go_there() -> None:
    record, path = load("proxmox-boot-tool"), "etc/kernel/cmdline"
    first, second = record.before[path].splitlines()
    (entry,) = (text for name, text in record.after.items() if "/entries/" in name)
    assert _options(entry) == first.split()
    assert record.by_us(ProxmoxBoot())[path] == f"{first} iommu=pt\n{second}\n"


def test_proxmox_boot_tool_lets_grub_read_the_drop_in_that_is_written() -> None:
    record, path = load("proxmox-boot-tool-grub"), GRUB_DROP_IN.lstrip("/")
    assert record.by_us(ProxmoxBoot()) == {path: record.before[path]}
    menu = record.after["boot/efi/grub/grub.cfg"]
    lines = [line.split() for line in re.findall(r"^\s*linux\s(.*)$", menu, re.MULTILINE)]
    assert [{*WORDS} <= {*line} for line in lines] == [True, True, False]
    assert "single" in lines[-1]


def test_what_proxmox_boot_tool_refuses_is_refused() -> None:
    record = load("proxmox-boot-tool-comment", code=1)
    said = ProxmoxBoot().arguments(record.files())
    assert isinstance(said, Unknown)
    assert said.why.startswith("/etc/kernel/cmdline has no root= in its first line")


def _told(text: str) -> list[str]:
    """Lines with a kernel's arguments, of an entry or of GRUB's environment."""
    return re.findall(r"^(?:options |kernelopts=)(.*)$", text, re.MULTILINE)


def _options(entry: str) -> list[str]:
    (line,) = (line for line in entry.splitlines() if line.startswith("options"))
    return line.split()[1:]
