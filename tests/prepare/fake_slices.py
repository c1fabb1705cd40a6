"""How the kernel and NVIDIA's driver cut cards into slices, after Linux 6.1 and the vendor's documents."""

from __future__ import annotations

import errno
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.prepare.fake_tree import FakeTree

_TYPE = re.compile(r"/sys/bus/pci/devices/([^/]+)/nvidia/current_vgpu_type")
_CREATE = re.compile(r"/sys/(?:bus/pci/devices|class/mdev_bus)/([^/]+)/mdev_supported_types/([^/]+)/create")
_REMOVE = re.compile(r"/sys/bus/mdev/devices/([^/]+)/remove")


@dataclass
class FakeSlices(FakeTree):
    """Attributes that cut a card."""

    room: int = 0
    """vGPUs that one card can have."""
    vgpu_types: str = ""
    """What a virtual function with room shows in ``creatable_vgpu_types``."""

    def cut(self, path: Path, attribute: str, text: str) -> None:
        """Attributes that cut a card into slices."""
        if _TYPE.fullmatch(attribute):
            self.vgpu_type_store(path, int(text))
        elif match := _CREATE.fullmatch(attribute):
            self.create_store(match[1], match[2], text.strip())
        elif match := _REMOVE.fullmatch(attribute):
            self.remove_store(match[1])
        else:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    def sriov_numvfs_store(self, path: Path, number: int) -> None:
        """drivers/pci/iov.c."""
        now, total = int(path.read_text()), int(path.with_name("sriov_totalvfs").read_text())
        if number > total:
            raise OSError(errno.ERANGE, os.strerror(errno.ERANGE))
        if now == number:
            return
        if not path.with_name("driver").is_symlink():
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        if now and number:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        path.write_text(f"{number}\n")
        self._show_vfs(path.parent.resolve(), number)

    def _show_vfs(self, card: Path, number: int) -> None:
        """``sriov_add_vfs`` and ``sriov_del_vfs``: functions without driver, each with links both ways."""
        for link in card.glob("virtfn*"):
            vf = link.resolve()
            link.unlink()
            self._device("pci", vf.name).unlink()
            shutil.rmtree(vf)
        bus = int(card.name[5:7], 16)
        for count in range(number):
            vf = card.with_name(f"0000:{bus:02x}:{16 + count // 8:02x}.{count % 8}")
            left_out = shutil.ignore_patterns("sriov_*", "virtfn*", "driver", "iommu_group", "mdev_*", "*-*")
            shutil.copytree(card, vf, symlinks=True, ignore=left_out)
            self._link(vf / "physfn", card)
            self._link(card / f"virtfn{count}", vf)
            self._link(self._device("pci", vf.name), vf)

    # NVIDIA's vGPU driver: a card has room for so many vGPUs, and shows types while it has

    def vgpu_type_store(self, path: Path, number: int) -> None:
        if number and str(number) not in (path.with_name("creatable_vgpu_types")).read_text():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._refuse_other_size(number)
        path.write_text(f"{number}\n")
        card = (path.parent.parent / "physfn").resolve()
        links = [link.resolve() for link in card.iterdir() if link.name.startswith("virtfn")]
        vfs = [vf for vf in links if (vf / "nvidia").exists()]
        used = [vf for vf in vfs if (vf / "nvidia/current_vgpu_type").read_text() != "0\n"]
        for vf in vfs:
            is_free = len(used) < self.room and vf not in used
            (vf / "nvidia/creatable_vgpu_types").write_text(self.vgpu_types if is_free else "")

    def _refuse_other_size(self, number: int) -> None:
        """Without mixed-size mode a card that has a vGPU takes no other size; here each type has its own."""
        mode = self._at("/mixed")
        if number and mode.exists() and mode.read_text() != "Enabled\n":
            types = self._at("/sys/bus/pci/devices").glob("*/nvidia/current_vgpu_type")
            if {each.read_text() for each in types} - {"0\n", f"{number}\n"}:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    # drivers/vfio/mdev/mdev_sysfs.c

    def create_store(self, parent: str, kind: str, uuid: str) -> None:
        of_class = self._at(f"/sys/class/mdev_bus/{parent}")
        card = (of_class if of_class.exists() else self._device("pci", parent)).resolve()
        folder = card / "mdev_supported_types" / kind
        room = int((folder / "available_instances").read_text())
        device = self._at(f"/sys/bus/mdev/devices/{uuid}")
        if device.exists():
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        made = card / uuid
        made.mkdir()
        (made / "remove").write_text("")
        self._link(made / "mdev_type", folder)
        self._link(made / "iommu_group", self._at(f"/sys/kernel/iommu_groups/{int(uuid[-4:], 16)}"))
        device.parent.mkdir(parents=True, exist_ok=True)
        self._link(device, made)
        (folder / "available_instances").write_text(f"{room - 1}\n")

    def remove_store(self, uuid: str) -> None:
        device = self._at(f"/sys/bus/mdev/devices/{uuid}")
        left = (device / "mdev_type").resolve() / "available_instances"
        left.write_text(f"{int(left.read_text()) + 1}\n")
        made = device.resolve()
        device.unlink()
        shutil.rmtree(made)
        if not any(device.parent.iterdir()):
            shutil.rmtree(device.parent.parent)
