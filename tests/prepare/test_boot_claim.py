"""The script of the initramfs, run by a real shell on a fake /sys."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.prepare.fake_host import build, card

from gpucloud.model.pci import PciAddress, PciId
from gpucloud.prepare.boot.own.claim import Claim, render_claim

A100 = PciId(0x10DE, 0x20B5)
CARD, AUDIO = PciAddress.parse("0000:3b:00.0"), PciAddress.parse("0000:3b:00.1")
CLAIMS = (Claim(CARD, A100), Claim(AUDIO, PciId(0x10DE, 0x1AEF)))


class Machine:
    """A tree on which the script runs; writes of the script are seen, nothing acts on them."""

    def __init__(self, folder: Path, *, arguments: str = "ro quiet", has_iommu: bool = True) -> None:
        self.root = folder / "root"
        build(self.root, [*card(0x3B, 11, drivers=("nvidia", None)), *card(0x3C, 12)])
        for attribute in self.root.glob("sys/bus/pci/drivers/*"):
            (attribute / "unbind").unlink(missing_ok=True)
        (self.root / "proc/cmdline").write_text(f"{arguments}\n")
        if has_iommu:
            (self.root / "sys/class/iommu/dmar0").mkdir(parents=True)
        programs = folder / "bin"
        programs.mkdir()
        (programs / "modprobe").write_text(f'#!/bin/sh\necho "$@" >> {folder}/modprobe\n')
        (programs / "modprobe").chmod(0o755)
        self.programs, self.loaded = programs, folder / "modprobe"
        self.log = folder / "log"

    def run(self, shell: str, *arguments: str, claims: tuple[Claim, ...] = CLAIMS) -> str:
        done = subprocess.run(
            [shell, "-c", render_claim(claims), "claim", *arguments],
            env={
                "PATH": str(self.programs),
                "GPUCLOUD_SYS": str(self.root / "sys"),
                "GPUCLOUD_PROC": str(self.root / "proc"),
                "GPUCLOUD_LOG": str(self.log),
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout + done.stderr

    def override(self, address: str) -> str:
        return (self.root / f"sys/bus/pci/devices/{address}/driver_override").read_text().strip()


SHELLS = [shell for shell in ("/bin/dash", "/bin/bash") if Path(shell).exists()]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_functions_are_given_to_vfio_and_an_equal_card_is_not(shell: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.run(shell) == ""
    assert machine.override("0000:3b:00.0") == "vfio-pci"
    assert machine.override("0000:3b:00.1") == "vfio-pci"
    assert machine.override("0000:3c:00.0") == "(null)"
    assert machine.loaded.read_text() == "vfio-pci\n"
    assert (machine.root / "sys/bus/pci/drivers/nvidia/unbind").read_text() == "0000:3b:00.0\n"
    assert (machine.root / "sys/bus/pci/drivers_probe").read_text() == "0000:3b:00.1\n"


def test_the_kernels_log_says_what_was_taken_and_what_not(shell: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    vfio = machine.root / "sys/bus/pci/drivers/vfio-pci"
    vfio.mkdir()
    (machine.programs / "modprobe").write_text(f"#!/bin/sh\n: > {vfio}/0000:3b:00.1\n")
    machine.run(shell)
    assert machine.log.read_text() == "gpucloud: 0000:3b:00.1 is with vfio-pci\n"
    machine.run(shell, claims=CLAIMS[:1])
    assert machine.log.read_text() == "gpucloud: 0000:3b:00.0 was not taken by vfio-pci\n"


def test_another_device_at_the_address_is_left_to_the_host(shell: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.run(shell, claims=(Claim(CARD, PciId(0x10DE, 0x2330)),))
    assert machine.override("0000:3b:00.0") == "(null)"


def test_a_card_that_is_gone_is_no_hindrance(shell: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    gone = Claim(PciAddress.parse("0000:99:00.0"), A100)
    assert machine.run(shell, claims=(gone, *CLAIMS)) == ""
    assert machine.override("0000:3b:00.0") == "vfio-pci"


@pytest.mark.parametrize("arguments", ["gpucloud=off", "ro gpucloud=off quiet"])
def test_the_boot_menu_can_leave_all_cards_with_the_host(shell: str, tmp_path: Path, arguments: str) -> None:
    machine = Machine(tmp_path, arguments=arguments)
    machine.run(shell)
    assert machine.override("0000:3b:00.0") == "(null)"
    assert not machine.loaded.exists()


def test_without_an_iommu_nothing_is_taken(shell: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, has_iommu=False)
    machine.run(shell)
    assert machine.override("0000:3b:00.0") == "(null)"


def test_initramfs_tools_may_ask_for_prerequisites(shell: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.run(shell, "prereqs") == ""
    assert machine.override("0000:3b:00.0") == "(null)"


def test_every_shell_that_an_initramfs_has_can_read_it() -> None:
    programs = [["/bin/busybox", "sh"], ["/bin/dash"], ["/bin/bash"]]
    for program in (each for each in programs if Path(each[0]).exists()):
        subprocess.run([*program, "-n", "-c", render_claim(CLAIMS)], check=True, timeout=30)
