"""What the image of every server holds. A change of anything here makes a new image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from gpucloud.lab.image.packages import LEFT_OUT, SUITES, Packages

PACKAGES = (
    *("systemd", "systemd-sysv", "udev", "dbus", "kmod", "openssh-server", "iproute2", "e2fsprogs"),
    *("linux-image-amd64", "pciutils", "busybox-static"),
    *("libvirt-daemon-system", "libvirt-clients", "qemu-system-x86", "qemu-utils", "ovmf"),
    *("python3", "python3-libvirt"),
)

SYSTEM = Packages(PACKAGES, settings=("INITRD=No",))
"""The initrd is ours: the hook of initramfs-tools need not make one."""

DISK_BYTES = 8 * 1024**3
"""Size of the server's disk; the file is sparse."""

MASKED = (
    # housekeeping that would start in the middle of a test
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer"),
    *("e2scrub_reap.service", "fstrim.timer", "logrotate.timer", "systemd-tmpfiles-clean.timer"),
    # consoles nobody sits at; the laboratory has its own wire
    *("getty@tty1.service", "serial-getty@ttyS0.service", "serial-getty@ttyS1.service"),
    *("systemd-ask-password-console.path", "systemd-ask-password-wall.path"),
    # first boots, and states between boots, of machines that live longer
    *("systemd-binfmt.service", "systemd-pstore.service", "systemd-random-seed.service"),
    *("systemd-update-utmp.service", "systemd-update-utmp-runlevel.service", "systemd-user-sessions.service"),
    *("systemd-machine-id-commit.service", "systemd-sysusers.service", "systemd-firstboot.service"),
    *("systemd-hwdb-update.service", "systemd-journal-catalog-update.service", "systemd-update-done.service"),
    *("systemd-timesyncd.service", "ldconfig.service", "libvirt-guests.service"),
    # file systems and modules that nothing here asks for
    *("sys-kernel-tracing.mount", "sys-kernel-debug.mount", "kmod-static-nodes.service"),
    *("modprobe@configfs.service", "modprobe@drm.service", "modprobe@efi_pstore.service"),
    *("modprobe@fuse.service", "modprobe@loop.service", "modprobe@dm_mod.service"),
    # sockets of daemons that a guest with a card does not need
    *("virtlockd.socket", "virtlockd-admin.socket", "libvirtd-admin.socket"),
)
"""Units that are not started: under emulation each one delays ssh by a tenth of a second to seconds."""

ENABLED = ("gpucloud-lab-line.service",)

BOOT_MODULES = ("crc32c_generic", "virtio_pci", "virtio_blk", "virtio_net", "ext4")
"""Kernel modules of the small initrd; what they depend on comes along."""

INIT = """\
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
while read -r module; do $b insmod "/lib/$module"; done </modules
$b ip link set lo up
$b ip addr add 10.0.2.15/24 dev eth0
$b ip link set eth0 up
$b ip route add default via 10.0.2.2
$b mount -t ext4 -o rw,noatime /dev/vda /root || { echo "lab: no root disk"; $b poweroff -f; }
$b mount --move /dev /root/dev
exec $b switch_root /root /lib/systemd/systemd
"""
"""First program of a server. The network is QEMU's user network, always the same: no DHCP to wait for."""


def tree() -> Iterator[tuple[PurePosixPath, bytes, int]]:
    """The files that are laid over the packages: path below the root, content, mode."""
    yield from walk(files("gpucloud.lab.image").joinpath("files"), PurePosixPath())


def walk(folder: Traversable, below: PurePosixPath) -> Iterator[tuple[PurePosixPath, bytes, int]]:
    """The files of a folder as `tree` gives them: a file that begins with ``#!`` is a program."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        path = below / entry.name
        if entry.is_dir():
            yield from walk(entry, path)
        else:
            content = entry.read_bytes()
            yield path, content, 0o755 if content.startswith(b"#!") else 0o644


def recipe_key(packages: Sequence[str] = PACKAGES) -> str:
    """A name for the image that this recipe makes: equal recipes, equal names."""
    digest = hashlib.sha256()
    for part in (SUITES, tuple(packages), LEFT_OUT, DISK_BYTES, MASKED, ENABLED, BOOT_MODULES, INIT, *tree()):
        digest.update(repr(part).encode())
    return digest.hexdigest()[:16]
