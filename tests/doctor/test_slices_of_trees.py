"""The doctor over captured trees of servers set up for slices, and over near misses, as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.host_tree import HostTree
from tests.hosts.builders.system import MEM64, RELEASE, add_system

from gpucloud.cli.main import run

CARD = "0000:41:00.0"
VF = "0000:41:00.4"
Change = Callable[[HostTree], None]


def a2(driver: str | None = "nvidia", vfs: int = 0) -> Change:
    def add(tree: HostTree) -> None:
        bars = ((0x3800_0000_0000, 16 << 30, MEM64),)
        tree.function(
            CARD,
            "10de:25b6",
            "0302",
            driver=driver,
            group=71,
            reset_method="flr bus",
            bars=bars,
            sriov_totalvfs=16,
            sriov_numvfs=vfs,
        )

    return add


def a_vf(driver: str | None) -> Change:
    def add(tree: HostTree) -> None:
        tree.function(VF, "10de:25b6", "0302", driver=driver, group=72)
        tree.vf(CARD, 0, VF)

    return add


def gpu_of_intel(tree: HostTree) -> None:
    tree.function("0000:00:02.0", "8086:3e92", "0300", driver="i915", group=0, reset_method="flr")
    for folder in ("run/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d", "usr/local/lib/modprobe.d"):
        tree.folder(folder)


def instinct(tree: HostTree) -> None:
    tree.function(
        "0000:05:00.0",
        "1002:74a1",
        "1200",
        driver="amdgpu",
        group=50,
        reset_method="bus",
        sriov_totalvfs=8,
        sriov_numvfs=0,
    )


def t4(tree: HostTree) -> None:
    tree.function("0000:3b:00.0", "10de:1eb8", "0302", driver="nvidia", group=61, reset_method="bus")


def loaded(module: str) -> Change:
    return lambda tree: tree.folder(f"sys/module/{module}")


def installed(module: str) -> Change:
    def add(tree: HostTree) -> None:
        path = tree.root / f"lib/modules/{RELEASE}/modules.dep"
        path.write_text(f"{path.read_text()}\nupdates/dkms/{module}.ko.zst:\n")

    return add


def options(line: str) -> Change:
    return lambda tree: tree.write("etc/modprobe.d/slices.conf", line)


def said(root: Path, changes: tuple[Change, ...], capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    """Findings on slices at warning or above that ``gpucloud doctor --from`` prints of the tree."""
    tree = HostTree(root)
    for change in changes:
        change(tree)
    run(["doctor", "--from", str(root), "--format", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    return [each for each in found if each["level"] != "info"]


def system(tree: HostTree) -> None:
    add_system(tree)


MANAGER = "nvidia-vgpu-vfio"
LOADED = loaded("nvidia_vgpu_vfio")
MISSING, VFS_OFF, NO_TYPES = "vgpu-manager-not-loaded", "sriov-vfs-not-enabled", "vgpu-no-mdev-types"
SPOKEN: dict[str, tuple[tuple[Change, ...], str, str]] = {
    "installed and not loaded": ((a2(), installed(MANAGER)), MISSING, "its module is not loaded"),
    "installed, and no driver has the card": ((a2(None), installed(MANAGER)), MISSING, "does not run"),
    "nouveau in the way": (
        (a2("nouveau"), installed(MANAGER)),
        "host-driver-grabbed-gpu",
        "NVIDIA's own driver makes vGPUs",
    ),
    "virtual functions off": ((a2(), LOADED), VFS_OFF, "could have 16 virtual functions"),
    "the other interface": ((a2(vfs=1), a_vf("nvidia"), LOADED), NO_TYPES, "needs the newer interface"),
    "virtual functions left": ((a2(vfs=1), a_vf(None), LOADED), MISSING, "left its virtual functions"),
    "virtual functions, no manager": ((a2(vfs=1), a_vf(None)), MISSING, "not installed for this kernel"),
    "the service is down": ((t4, LOADED), MISSING, "nvidia-vgpud, which adds them, is down"),
    "GVT-g without its module": (
        (gpu_of_intel, options("options i915 enable_gvt=1")),
        NO_TYPES,
        "kvmgt, which offers its types",
    ),
    "gim kept out": ((instinct, installed("gim")), VFS_OFF, "gim does, which is installed"),
}
SILENT: dict[str, tuple[Change, ...]] = {
    "a card for computing": (a2(),),
    "nouveau alone": (a2("nouveau"),),
    "given away whole": (a2("vfio-pci"), installed(MANAGER)),
    "graphics of a desktop": (gpu_of_intel, options("options i915 enable_guc=3")),
    "GVT-g turned off": (gpu_of_intel, options("options i915 enable_gvt=0")),
    "an accelerator with amdgpu": (instinct,),
    "the manager beside another maker's card": (instinct, installed(MANAGER), LOADED),
}


@pytest.mark.parametrize("name", SPOKEN)
def test_a_server_set_up_for_slices_is_told_what_is_missing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, cause, words = SPOKEN[name]
    (found,) = said(tmp_path, (system, *changes), capsys)
    assert (found["cause"], found["level"]) == (cause, "warning")
    assert words in found["title"]


@pytest.mark.parametrize("name", SILENT)
def test_a_server_on_which_nobody_wants_slices_is_told_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(tmp_path, (system, *SILENT[name]), capsys) == []
