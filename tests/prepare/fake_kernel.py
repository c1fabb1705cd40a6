"""A tree of files whose sysfs writes act as the kernel's driver core acts.

It imitates, from Linux 6.1 (each method is named after what it imitates):

* drivers/base/bus.c: ``unbind_store`` (ENODEV unless that driver has the device), ``bind_store`` (ENODEV
  unless the driver matches; else what ``device_driver_attach`` says: EBUSY where a driver has it, or the
  probe's error), ``drivers_probe_store`` (the first driver that matches; errors of probes are not told);
* drivers/pci/pci-driver.c: ``pci_match_device`` (an override names the only driver that matches, any id);
* drivers/base/driver.c: ``driver_set_override`` (cut at the newline; a newline alone clears) and
  drivers/pci/pci-sysfs.c: ``driver_override_show`` ("(null)"); fs/sysfs/file.c: a write of nothing does
  nothing;
* drivers/vfio: EINVAL without an IOMMU group, one entry in /sys/class/vfio for each group that is in hand;
* kernel/params.c and drivers/vfio/pci/vfio_pci.c: of several ``ids=`` the last holds; it makes dynamic ids,
  and the driver takes every free function that has one (drivers/base/dd.c, ``driver_attach``);
* drivers/base/dd.c: ``driver_detach`` when a driver's module is removed, whoever uses its functions;
* drivers/video/fbdev/core/fbcon.c: the console driver is there while there is a framebuffer, and takes the
  text consoles when one is registered; drivers/tty/vt/vt.c: ``store_bind`` never fails.

All state is in the tree, so it also holds in child processes. ``kernel_contract`` has the claims that this
and a real kernel are asked.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.prepare.fake_consoles import FakeConsoles
from tests.prepare.fake_slices import FakeSlices

_DRIVER = re.compile(r"/sys/bus/(pci|platform)/drivers/([^/]+)/(bind|unbind)")
_OVERRIDE = re.compile(r"/sys/bus/pci/devices/([^/]+)/driver_override")
_VFS = re.compile(r"/sys/bus/pci/devices/([^/]+)/sriov_numvfs")
_CONSOLE = re.compile(r"/sys/class/vtconsole/(vtcon[0-9]+)/bind")


@dataclass(frozen=True)
class Module:
    """A module on the disk: the PCI drivers it registers and the modules it needs."""

    drivers: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


VFIO_MODULES: Mapping[str, Module] = {
    "irqbypass": Module(),
    "vfio": Module(),
    "vfio_virqfd": Module(),
    "vfio_iommu_type1": Module(needs=("vfio",)),
    "vfio_pci_core": Module(needs=("vfio", "vfio_virqfd", "irqbypass")),
    "vfio_pci": Module(drivers=("vfio-pci",), needs=("vfio_pci_core",)),
}


def no_tool(argv: Sequence[str]) -> None:
    """A host without tools of a distribution."""
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])


def no_answer(argv: Sequence[str]) -> str:
    """A host without tools of a vendor."""
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])


@dataclass
class FakeKernel(FakeConsoles, FakeSlices):
    """Acts on the tree below ``root``. Its settings stand for hardware and modules, not for state."""

    matches: dict[str, frozenset[str]] = field(default_factory=dict)
    """Ids (``1002:5046``) that each PCI driver's own table has."""
    modules: dict[str, Module] = field(default_factory=lambda: dict(VFIO_MODULES))
    probe_errors: dict[tuple[str, str], int] = field(default_factory=dict)
    """What the probe of a driver says to a function; no entry: it takes it."""
    framebuffer_drivers: frozenset[str] = frozenset({"aty128fb", "efi-framebuffer"})
    owned_groups: frozenset[str] = frozenset()
    """IOMMU groups that a guest has: the kernel's own drivers get EBUSY."""
    blocked: dict[tuple[str, str], Callable[[], None]] = field(default_factory=dict)
    """What happens before a driver lets a function go, as when it waits for its users."""

    configured: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Options of modules in modprobe.d or on the kernel's command line; modprobe says them first."""

    tools: Callable[[Sequence[str]], None] = no_tool
    """The distribution's: what makes the boot menu and the initramfs. And a vendor's."""
    ask: Callable[[Sequence[str]], str] = no_answer
    """A vendor's tools that change nothing."""

    written_out: list[Mapping[str, bytes]] = field(default_factory=list)
    """What a boot loader found below /boot after each time that journals were written out, oldest first."""

    def write_out(self, root: Path) -> None:
        """Write out the journal of the file system that /boot is on."""
        self.written_out.append(self.boot_files())

    def boot_files(self) -> Mapping[str, bytes]:
        """Each file below /boot, and what is in it."""
        files = (path for path in (self.root / "boot").rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): path.read_bytes() for path in files}

    def store(self, path: Path, data: bytes) -> None:
        """Write an attribute, as ``write(2)`` on sysfs does."""
        attribute = "/" + os.path.relpath(path, self.root)
        if not path.exists():
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        if not data:
            return
        text = data.decode()
        if match := _DRIVER.fullmatch(attribute):
            bus, driver, what = match.groups()
            store = {"bind": self.bind_store, "unbind": self.unbind_store}[what]
            store(bus, driver, text.rstrip("\n"))
        elif match := _OVERRIDE.fullmatch(attribute):
            self.driver_set_override(path, text)
        elif attribute == "/sys/bus/pci/drivers_probe":
            self.drivers_probe_store(text.rstrip("\n"))
        elif _VFS.fullmatch(attribute):
            self.sriov_numvfs_store(path, int(text))
        elif match := _CONSOLE.fullmatch(attribute):
            self.store_bind(match[1], text)
        else:
            self.cut(path, attribute, text)

    # drivers/base/bus.c

    def unbind_store(self, bus: str, driver: str, name: str) -> None:
        if self._bound(bus, name) != driver:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        self.device_driver_detach(bus, driver, name)

    def bind_store(self, bus: str, driver: str, name: str) -> None:
        if not self._device(bus, name).exists() or not self._matches(bus, driver, name):
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        self.device_driver_attach(bus, driver, name)

    def drivers_probe_store(self, name: str) -> None:
        if not self._device("pci", name).exists():
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        for driver in sorted(path.name for path in self._at("/sys/bus/pci/drivers").iterdir()):
            if self._bound("pci", name) is None and self._matches("pci", driver, name):
                try:
                    self.device_driver_attach("pci", driver, name)
                except OSError:
                    continue

    # drivers/base/dd.c

    def device_driver_attach(self, bus: str, driver: str, name: str) -> None:
        if self._bound(bus, name) is not None:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        group = self._group(name) if bus == "pci" else None
        refusal = self.probe_errors.get((driver, name))
        if driver.endswith("vfio-pci"):
            refusal = refusal or (errno.EINVAL if group is None else None)
        elif group in self.owned_groups:
            refusal = errno.EBUSY
        if refusal:
            raise OSError(refusal, os.strerror(refusal))
        folder = self._at(f"/sys/bus/{bus}/drivers/{driver}")
        self._link(self._device(bus, name) / "driver", folder)
        self._link(folder / name, self._device(bus, name).resolve())
        self._after_probe(bus, driver, name, group)

    def device_driver_detach(self, bus: str, driver: str, name: str) -> None:
        self.blocked.get((driver, name), lambda: None)()
        (self._device(bus, name) / "driver").unlink()
        (self._at(f"/sys/bus/{bus}/drivers/{driver}") / name).unlink()
        self._after_remove(bus, driver, name)

    # drivers/base/driver.c

    def driver_set_override(self, path: Path, text: str) -> None:
        name = text.partition("\n")[0]
        path.write_text(f"{name or '(null)'}\n")

    # drivers/tty/vt/vt.c

    # kmod

    def run(self, argv: Sequence[str]) -> None:
        """modprobe and rmmod."""
        program, name = argv[0], argv[1].replace("-", "_")
        if program == "modprobe":
            self.load(name, argv[2:])
        elif program == "rmmod":
            self.remove(name)
        else:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))

    def load(self, name: str, options: Sequence[str] = ()) -> None:
        if name not in self.modules:
            raise OSError(f"modprobe: FATAL: Module {name} not found")
        folder = self._at(f"/sys/module/{name}")
        if folder.exists():
            return
        for need in self.modules[name].needs:
            self.load(need)
        for sub in ("drivers", "holders"):
            (folder / sub).mkdir(parents=True)
        (folder / "initstate").write_text("live\n")
        self._count_users()
        for driver in self.modules[name].drivers:
            self.register_driver(driver)
            self._link(folder / f"drivers/pci:{driver}", self._at(f"/sys/bus/pci/drivers/{driver}"))
            self.add_dynids(driver, (*self.configured.get(name, ()), *options))
            self.driver_attach(driver)

    def add_dynids(self, driver: str, options: Sequence[str]) -> None:
        """The list is no file of a real kernel; here it has to be seen by child processes."""
        ids = [value for key, _, value in (option.partition("=") for option in options) if key == "ids"]
        if ids and ids[-1]:
            self._at(f"/sys/bus/pci/drivers/{driver}/dynids").write_text(ids[-1])

    def driver_attach(self, driver: str) -> None:
        """What has no driver and matches a new one goes to it; errors of probes are not told."""
        for device in sorted(self._at("/sys/bus/pci/devices").iterdir()):
            if self._bound("pci", device.name) is None and self._matches("pci", driver, device.name):
                try:
                    self.device_driver_attach("pci", driver, device.name)
                except OSError:
                    continue

    def register_driver(self, name: str, bus: str = "pci") -> None:
        folder = self._at(f"/sys/bus/{bus}/drivers/{name}")
        folder.mkdir(parents=True)
        for attribute in ("bind", "unbind"):
            (folder / attribute).touch()

    def remove(self, name: str) -> None:
        folder = self._at(f"/sys/module/{name}")
        if not folder.exists() or (folder / "refcnt").read_text() != "0\n":
            raise OSError(f"rmmod: ERROR: Module {name} is in use or not loaded")
        for driver in self.modules[name].drivers:
            self.driver_detach(driver)
            shutil.rmtree(self._at(f"/sys/bus/pci/drivers/{driver}"))
        shutil.rmtree(folder)
        self._count_users()

    def driver_detach(self, driver: str) -> None:
        """A module goes, and takes its driver from every function, whatever uses it."""
        for path in self._at(f"/sys/bus/pci/drivers/{driver}").iterdir():
            if path.is_symlink():
                self.device_driver_detach("pci", driver, path.name)

    # what the tree says

    def _matches(self, bus: str, driver: str, name: str) -> bool:
        if bus == "platform":
            return name.startswith(driver)
        device = self._device(bus, name)
        override = (device / "driver_override").read_text().strip()
        if override != "(null)":
            return override == driver
        ids = ((device / part).read_text().strip().removeprefix("0x") for part in ("vendor", "device"))
        dynamic = self._at(f"/sys/bus/pci/drivers/{driver}/dynids")
        more = dynamic.read_text().split(",") if dynamic.exists() else ()
        return ":".join(ids) in self.matches.get(driver, frozenset()).union(more)

    def _bound(self, bus: str, name: str) -> str | None:
        link = self._device(bus, name) / "driver"
        return link.readlink().name if link.is_symlink() else None

    def _group(self, name: str) -> str | None:
        link = self._device("pci", name) / "iommu_group"
        return link.readlink().name if link.is_symlink() else None

    def _count_users(self) -> None:
        loaded = {path.name for path in self._at("/sys/module").iterdir() if (path / "initstate").exists()}
        for name in loaded:
            users = [user for user in loaded if name in self.modules.get(user, Module()).needs]
            (self._at(f"/sys/module/{name}") / "refcnt").write_text(f"{len(users)}\n")

    # what drivers leave in the tree

    def _after_probe(self, bus: str, driver: str, name: str, group: str | None) -> None:
        if driver.endswith("vfio-pci"):
            self._at(f"/sys/class/vfio/{group}").mkdir(parents=True, exist_ok=True)
        elif driver in self.framebuffer_drivers:
            self.register_framebuffer(self._device(bus, name))
        elif driver == "nvidia":
            self.show_nvidia(name)

    def _after_remove(self, bus: str, driver: str, name: str) -> None:
        if driver.endswith("vfio-pci"):
            members = self._at(f"/sys/kernel/iommu_groups/{self._group(name)}/devices").iterdir()
            if not any((self._bound("pci", member.name) or "").endswith("vfio-pci") for member in members):
                self._at(f"/sys/class/vfio/{self._group(name)}").rmdir()
        elif driver in self.framebuffer_drivers:
            self.unregister_framebuffer(self._device(bus, name))
        elif driver == "nvidia":
            shutil.rmtree(self._at(f"/proc/driver/nvidia/gpus/{name}"))

    # NVIDIA open-gpu-kernel-modules, kernel-open/nvidia/nv-procfs.c

    def show_nvidia(self, name: str) -> None:
        folder = self._at(f"/proc/driver/nvidia/gpus/{name}")
        folder.mkdir(parents=True)
        (folder / "information").write_text(f"Device Minor: \t {int(name[5:7], 16)}\n")
