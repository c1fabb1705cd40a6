"""What the disks of guests hold. A change of anything here makes new ones."""

from __future__ import annotations

import hashlib

from gpucloud.lab.image.packages import LEFT_OUT, SUITES, Packages
from gpucloud.lab.image.recipe import MASKED

SYSTEM = Packages(
    (
        *("systemd", "systemd-sysv", "udev", "dbus", "iproute2", "netbase", "e2fsprogs"),
        *("linux-image-cloud-amd64", "initramfs-tools", "grub-efi-amd64-bin", "cloud-init"),
        "mtools",
    ),
    files={
        # The initrd of `most` has drivers for every disk there is: half a minute more for an emulated guest.
        "etc/initramfs-tools/conf.d/guest": "MODULES=list\n",
        "usr/share/initramfs-tools/modules.d/guest": "virtio_pci\nvirtio_blk\next4\n",
    },
)
"""A Debian as on a cloud: kernel, initrd, systemd, cloud-init as the packages set them up.

mtools, and fdisk that cloud-init brings, make the disk around it.
"""

LABEL = "guest-root"
DISK_MIB = 1536
ESP_START_SECTOR, ESP_SECTORS = 2048, 49152
ROOT_START_SECTOR = ESP_START_SECTOR + ESP_SECTORS
"""In sectors of 512 bytes. The EFI system partition holds a boot loader, and where asked a kernel."""

PARTITIONS = f"""\
label: gpt
start={ESP_START_SECTOR}, size={ESP_SECTORS}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
start={ROOT_START_SECTOR}, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709
"""
"""For sfdisk(8): an EFI system partition, and a root of x86-64 (Discoverable Partitions Specification)."""

GRUB_MODULES = ("part_gpt", "fat", "ext2", "search", "search_label", "linux", "normal", "configfile", "echo")

FIND_ROOT = f"search --set=root --label {LABEL}\nconfigfile ($root)/boot/grub/grub.cfg\n"
"""What the boot loader of a good disk does first."""

NO_ROOT = "linux ($root)/vmlinuz console=ttyS0,115200 quiet\nboot\n"
"""What that of a bad one does: a kernel without initrd and root, which has nothing to run."""

QUICK = "mitigations=off cryptomgr.notests nohz=off highres=off"
"""What takes time in emulation, and nobody looks at there."""

FILES = {
    "boot/grub/grub.cfg": f"""\
set timeout=0
menuentry Debian {{
  linux /vmlinuz root=LABEL={LABEL} ro console=ttyS0,115200 quiet {QUICK}
  initrd /initrd.img
}}
""",
    # As in Debian's own images for one cloud: others are not looked for.
    "etc/cloud/cloud.cfg.d/90_dpkg.cfg": "datasource_list: [ NoCloud, None ]\n",
    "etc/fstab": f"LABEL={LABEL} / ext4 rw,noatime 0 1\n",
    # Empty, and not absent: systemd makes a new id, and does not ask for the settings of a first boot.
    "etc/machine-id": "",
}


def recipe_key() -> str:
    """A name for the disks that this recipe makes: equal recipes, equal names."""
    parts = (SYSTEM, SUITES, LEFT_OUT, DISK_MIB, PARTITIONS, GRUB_MODULES, FIND_ROOT, NO_ROOT, FILES, MASKED)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
