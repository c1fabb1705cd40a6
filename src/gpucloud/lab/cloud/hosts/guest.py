"""The laboratory's guest as a host of the laboratory can start it: its kernel beside its disk in glance.

libvirt 9.0 of Debian 12 refuses UEFI guests as nova writes them since 33 (the doctor's cause
nova-libvirt-firmware-incompatible), and the disk has no other boot loader.
"""

from __future__ import annotations

import re
from pathlib import Path

from gpucloud.lab.cloud.api import Api
from gpucloud.lab.cloud.setup import IMAGE
from gpucloud.lab.guest import recipe
from gpucloud.lab.process import run
from gpucloud.model.failure import Failure

COMMAND_LINE = " ".join(
    (
        *(f"root=LABEL={recipe.LABEL}", "ro", "console=ttyS0,115200", "quiet", recipe.QUICK),
        # Asked for its disks in real mode, the BIOS of an emulated server's guest resets the guest.
        "edd=off",
        # Where nova has the user data; the disk's own settings are those of libvirt's guests (ds-identify).
        "ci.ds=ConfigDrive",
    )
)
_ROOT_START = recipe.ROOT_START_SECTOR * 512


def upload_images(api: Api, disk: Path, work: Path) -> None:
    """Put the guest into glance: a kernel, an initrd, and the disk that names both.

    Args:
        api: of the cloud.
        disk: of the guest, in qcow2.
        work: folder for what is taken out of it; made and left.

    Raises:
        Failure: glance refuses, or the disk has no kernel.
    """
    work.mkdir(mode=0o700)
    raw = work / "disk.raw"
    run(["qemu-img", "convert", "-O", "raw", str(disk), str(raw)], timeout_s=300)
    kernel, initrd = (take_out(raw, name, work / name) for name in ("vmlinuz", "initrd.img"))
    raw.unlink()
    facts = {
        "disk_format": "qcow2",
        "container_format": "bare",
        "hw_machine_type": "q35",
        # Debian's kernel for clouds has no driver for q35's own CD-ROM drive, where nova puts the user data.
        "hw_cdrom_bus": "scsi",
        "hw_scsi_model": "virtio-scsi",
        "kernel_id": _upload(api, f"{IMAGE}-kernel", _of_kind("aki"), kernel),
        "ramdisk_id": _upload(api, f"{IMAGE}-initrd", _of_kind("ari"), initrd),
        "os_command_line": COMMAND_LINE,
    }
    _upload(api, IMAGE, facts, disk)


def take_out(raw: Path, name: str, place: Path) -> Path:
    """Write the file that /boot of a guest's disk has under a name with a version; nothing is mounted.

    Raises:
        Failure: there is none.
    """
    root = f"{raw}?offset={_ROOT_START}"
    listed = run(["debugfs", "-R", "ls -p /boot", root], timeout_s=60).stdout
    found = re.search(rf"/({re.escape(name)}-[\w.+-]+)/", listed)
    if not found:
        raise Failure(f"the guest's disk has no {name} in /boot")
    run(["debugfs", "-R", f'dump "/boot/{found[1]}" "{place}"', root], timeout_s=60)
    return place


def _of_kind(kind: str) -> dict[str, str]:
    return {"disk_format": kind, "container_format": kind}


def _upload(api: Api, name: str, facts: dict[str, str], file: Path) -> str:
    made = api.call("POST", "glance", "/v2/images", {"name": name, "visibility": "public", **facts})
    api.upload(f"/v2/images/{made['id']}/file", file)
    return str(made["id"])
