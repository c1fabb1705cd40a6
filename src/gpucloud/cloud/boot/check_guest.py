"""The built-in check guest: the host's own kernel and one static program, which report and wait.

It needs no image and no download, boots in seconds, and its kernel lists PCI functions as any other.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from gpucloud.cloud.boot.cpio import character_device, directory, program, render_cpio
from gpucloud.cloud.definition.parts import KernelBoot
from gpucloud.cloud.kernel_lines import KERNEL_LINES_SCRIPT
from gpucloud.cloud.packages import install_line
from gpucloud.cloud.programs import SYSTEM_PATH
from gpucloud.cloud.report import REPORT_SCRIPT
from gpucloud.model.failure import Failure

_INIT = f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
{KERNEL_LINES_SCRIPT}
{REPORT_SCRIPT}
for word in $(cat /proc/cmdline); do
  case $word in gpucloud.nonce=*) nonce=${{word#*=}} ;; esac
done
gpucloud_kernel_lines
gpucloud_reports "$nonce" &
while :; do
  sleep 1
  read -r key </dev/console || continue
  gpucloud_kernel_lines
  setsid cttyhack sh
done
"""
"""The first program: mounts, shows what the kernel printed of each function, reports, and gives a shell to
whoever joins the console and presses Enter; who joins late is shown the kernel's lines again. The console is
opened anew for each key: a shell that ends hangs up the line (``disassociate_ctty()`` in drivers/tty).
"""

_DEVICES = {"console": (5, 1), "null": (1, 3), "ttyS0": (4, 64)}
"""What the first program and its shell open (Documentation/admin-guide/devices.txt)."""

_ELF_INTERPRETER = 3
"""``PT_INTERP``: the program needs a loader, so it is not static (elf(5))."""


def make_check_guest(folder: Path, release: str, nonce: str, root: Path = Path("/")) -> KernelBoot:
    """Put kernel and initramfs into a guest's folder.

    The kernel is copied: libvirt changes the owner of what it boots, and the host's file must stay.

    Raises:
        Failure: the host's kernel, or a static busybox, is not there.
    """
    kernel, initramfs = folder / "kernel", folder / "initramfs"
    shutil.copyfile(find_kernel(release, root), kernel)
    initramfs.write_bytes(build_initramfs(read_busybox(root)))
    # Errors are enough on a slow serial line; a panic ends the guest, and so its launch, at once.
    arguments = f"console=ttyS0,115200 loglevel=4 panic=1 gpucloud.nonce={nonce}"
    return KernelBoot(kernel, initramfs, arguments)


def build_initramfs(busybox: bytes) -> bytes:
    """Give the archive that the kernel starts from; it is the same for every check guest."""
    folders = [directory(name) for name in ("bin", "dev", "proc", "sys")]
    devices = [character_device(f"dev/{name}", *numbers) for name, numbers in _DEVICES.items()]
    return render_cpio([*folders, *devices, program("bin/busybox", busybox), program("init", _INIT.encode())])


def find_kernel(release: str, root: Path) -> Path:
    """Find the file of the running kernel, or else the newest there is.

    Raises:
        Failure: there is no kernel file at all.
    """
    exact = (root / f"boot/vmlinuz-{release}", root / f"lib/modules/{release}/vmlinuz")
    others = sorted((root / "boot").glob("vmlinuz-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in (*exact, *others):
        if path.is_file():
            return path
    raise Failure(
        f"the check guest boots this host's own kernel, and there is none in {root / 'boot'}",
        f"{install_line('kernel')}, or give a disk image with --image",
    )


def read_busybox(root: Path) -> bytes:
    """Read the program that the check guest consists of.

    Raises:
        Failure: it is absent, or needs libraries that the check guest does not have.
    """
    for folder in SYSTEM_PATH.split(":"):
        path = root / folder.lstrip("/") / "busybox"
        if path.is_file():
            content = path.read_bytes()
            if is_static(content):
                return content
            raise Failure(
                f"the check guest needs a busybox without libraries, and {path} has some",
                f"{install_line('busybox')}, or give a disk image with --image",
            )
    raise Failure(
        "the check guest needs busybox, which is missing",
        f"{install_line('busybox')}, or give a disk image with --image",
    )


def is_static(content: bytes) -> bool:
    """Claims a 64-bit little-endian ELF program that needs no loader."""
    if content[:6] != b"\x7fELF\x02\x01":
        return False
    return _ELF_INTERPRETER not in _segment_types(content)


def _segment_types(content: bytes) -> Iterable[int]:
    """Types of the program headers: offset, size and number of them stand at fixed places (elf(5))."""
    offset = int.from_bytes(content[32:40], "little")
    size, count = (int.from_bytes(content[at : at + 2], "little") for at in (54, 56))
    for number in range(count):
        at = offset + number * size
        yield int.from_bytes(content[at : at + 4], "little")
