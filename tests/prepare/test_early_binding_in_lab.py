"""The early script in initramfs images that the real tools make, on a real kernel, with two equal cards.

Debian's own packages are set up in a folder, its tool makes the image there, and an emulated machine with an
IOMMU starts with it. There is no root disk: what counts happens before one is looked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpucloud.lab.cache import cache_folder, ensure, remove_tree
from gpucloud.lab.image.packages import Packages, install
from gpucloud.model.pci import PciAddress, PciId
from gpucloud.prepare.boot.own.claim import Claim
from gpucloud.prepare.boot.own.initramfs import DRACUT, INITRAMFS_TOOLS, Initramfs
from gpucloud.prepare.boot.own.modules import WANTED

CARD, AUDIO = PciId(0x1002, 0x5046), PciId(0x8086, 0x2668)
CLAIMS = (Claim(PciAddress.parse("0000:00:0a.0"), CARD), Claim(PciAddress.parse("0000:00:0a.1"), AUDIO))
CARDS = [
    part
    for slot in ("0a", "0b")
    for part in (
        *("-device", f"ati-vga,addr={slot}.0,multifunction=on,id=card{slot}"),
        *("-device", f"intel-hda,addr={slot}.1"),
    )
]
PACKAGES = {"initramfs-tools": ("initramfs-tools",), "dracut": ("dracut",)}
BUILDS = {
    "initramfs-tools": ("update-initramfs", "-c", "-k", "all"),
    "dracut": ("dracut", "--force", "--no-hostonly", "--regenerate-all"),
}
TIMEOUT_S = 240


@dataclass(frozen=True)
class Image:
    """A kernel and the initramfs that a tool made for it."""

    kernel: Path
    initrd: Path


@pytest.fixture(
    params=[INITRAMFS_TOOLS, pytest.param(DRACUT, marks=pytest.mark.long)],
    ids=["initramfs-tools", "dracut"],
)
def image(request: pytest.FixtureRequest) -> Image:
    """Made once for each text of the script."""
    tool: Initramfs = request.param
    files = tool.render(CLAIMS, WANTED)
    key = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    made = ensure(cache_folder() / "early" / f"{tool.name}-{key}", lambda part: make(part, tool))
    return Image(made / "vmlinuz", made / "initrd")


def make(part: Path, tool: Initramfs) -> None:
    root = part / "root"
    names = ("linux-image-amd64", "udev", "kmod", "systemd", *PACKAGES[tool.name])
    stores = [cache_folder() / f"early-{tool.name}", cache_folder() / "packages"]
    install(Packages(names, ("INITRD=No",)), root, stores, lambda _: None)
    for path, (text, mode) in tool.render(CLAIMS, WANTED).items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
    own_mounts = ("unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={root}/proc")
    subprocess.run([*own_mounts, "chroot", root, *BUILDS[tool.name]], check=True, timeout=900)
    (kernel,) = root.glob("boot/vmlinuz-*")
    (initrd,) = root.glob("boot/init*-*")
    kernel.rename(part / "vmlinuz")
    initrd.rename(part / "initrd")
    remove_tree(root)


def starts(image: Image, arguments: str, folder: Path) -> Iterator[str]:
    """What the machine says, line by line, until it is ended."""
    log = folder / "console"
    machine = [
        *("qemu-system-x86_64", "-M", "q35,kernel-irqchip=split", "-accel", "tcg", "-m", "1024"),
        *("-display", "none", "-vga", "none", "-nic", "none", "-serial", f"file:{log}", "-no-reboot"),
        *("-device", "intel-iommu,intremap=on", *CARDS),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd)),
        *("-append", f"console=ttyS0 {arguments} rd.break=pre-mount break=premount"),
    ]
    process = subprocess.Popen(machine, stdin=subprocess.DEVNULL)
    end, seen = time.monotonic() + TIMEOUT_S, 0
    try:
        while time.monotonic() < end and process.poll() is None:
            lines = log.read_text(errors="replace").splitlines() if log.exists() else []
            yield from lines[seen:-1]
            seen = max(seen, len(lines) - 1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)  # the machine has use for the processor
    finally:
        process.kill()
        process.wait()


def told(image: Image, arguments: str, folder: Path) -> list[str]:
    """What the script says until the shell of the initramfs is reached."""
    found, last = [], deque[str](maxlen=20)
    for line in starts(image, arguments, folder):
        if "gpucloud: 0000" in line:
            found.append(line.partition("gpucloud: ")[2].strip())
        if any(
            word in line
            for word in ("Spawning shell", "BusyBox", "Entering emergency mode", "dracut Emergency")
        ):
            return found
        last.append(line)
    raise AssertionError("the initramfs did not get to its shell:\n" + "\n".join(last))


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_one_of_two_equal_cards_is_taken_before_drivers_are_loaded(image: Image, tmp_path: Path) -> None:
    assert told(image, "intel_iommu=on iommu=pt", tmp_path) == [
        "0000:00:0a.0 is with vfio-pci",
        "0000:00:0a.1 is with vfio-pci",
    ]


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("arguments", ["intel_iommu=on gpucloud=off", "intel_iommu=off"])
def test_the_boot_menu_or_a_missing_iommu_leaves_all_with_the_host(
    image: Image, arguments: str, tmp_path: Path
) -> None:
    assert told(image, arguments, tmp_path) == []
