"""A host's files built in a directory, laid out as the kernel lays out sysfs.

Device folders lie below ``sys/devices``; ``sys/bus/pci/devices``, drivers and IOMMU groups hold links to
them. ``flat=True`` gives the other shape that captures have: folders below ``sys/bus/pci/devices``, with
links that lead nowhere.
"""

from __future__ import annotations

import os
from pathlib import Path

Text = str | int | bytes


class HostTree:
    """Builds below ``root``; every method may be called in any order, parents before children."""

    def __init__(self, root: Path, *, flat: bool = False) -> None:
        self.root = root
        self._is_flat = flat
        self._places: dict[str, str] = {}
        self._numbered = 0
        for folder in (
            "sys/bus/pci/devices",
            "sys/kernel/iommu_groups",
            "sys/class/iommu",
            "sys/module",
            "sys/dev/char",
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)

    def write(self, path: str, text: Text) -> None:
        """Write a file; text gets the newline that the kernel puts at its end."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else f"{text}\n".encode())

    def folder(self, path: str) -> None:
        (self.root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def link(self, path: str, target: str) -> None:
        """Make a link with this target, written as it is."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def place(self, address: str) -> str:
        """The folder of a function, from the root."""
        return self._places[address]

    def function(
        self,
        address: str,
        ids: str,
        kind: str,
        *,
        below: str | None = None,
        root_bus: str | None = None,
        driver: str | None = None,
        group: int | None = None,
        subsystem: str = "0000:0000",
        numa: int = 0,
        bars: tuple[tuple[int, int, int], ...] = (),
        **attributes: Text,
    ) -> None:
        """Add a PCI function.

        Args:
            address: as the kernel prints it.
            ids: vendor and device, ``10de:2330``.
            kind: class and sub-class, ``0302``, with an interface of 00.
            below: the bridge above it; None on a root bus.
            root_bus: the folder of its root bus, where that is not the usual one.
            driver: the driver that has it.
            group: its IOMMU group.
            subsystem: ids of the subsystem.
            numa: its NUMA node.
            bars: start, size and flags of its BARs, from BAR 0 on.
            attributes: more files in its folder; ``__`` in a name stands for ``/``.
        """
        place = self._make_folder(address, below, root_bus)
        vendor, device = ids.split(":")
        sub_vendor, sub_device = subsystem.split(":")
        facts: dict[str, Text] = {
            "vendor": f"0x{vendor}",
            "device": f"0x{device}",
            "class": f"0x{kind}00",
            "subsystem_vendor": f"0x{sub_vendor}",
            "subsystem_device": f"0x{sub_device}",
            "revision": "0xa1",
            "numa_node": numa,
            "driver_override": "(null)",
            "power_state": "D0",
            "d3cold_allowed": 1,
            "resource": _resource(bars),
            "modalias": f"pci:v0000{vendor.upper()}d0000{device.upper()}sv0000{sub_vendor.upper()}"
            f"sd0000{sub_device.upper()}bc{kind[:2].upper()}sc{kind[2:].upper()}i00",
            "irq": 16,
            "enable": 1,
            "local_cpulist": "0-63",
            "msi_bus": 1,
            "uevent": f"PCI_CLASS={kind}00\nPCI_ID={ids.upper()}\nPCI_SLOT_NAME={address}",
            **{name.replace("__", "/"): value for name, value in attributes.items()},
        }
        for name, value in facts.items():
            self.write(f"{place}/{name}", value)
        if driver is not None:
            self._bind(address, driver)
        if group is not None:
            self._put_in_group(address, group)

    def node(self, address: str, path: str, *, name: str | None = None) -> str:
        """Make a device node below a function: ``drm/card0``; give its number, as an open file shows it.

        Args:
            address: of the function.
            path: of the device, its class before its own name.
            name: the kernel's name for the node, below /dev, where it is not that of its class.
        """
        place = f"{self.place(address)}/{path}"
        self._numbered += 1
        number = f"240:{self._numbered}"
        self.write(f"{place}/dev", number)
        self.write(f"{place}/uevent", f"MAJOR=240\nMINOR={self._numbered}\nDEVNAME={name or _node(path)}")
        self.link(f"sys/dev/char/{number}", f"../../{place.removeprefix('sys/')}")
        return f"/dev/char/{number}"

    def vf(self, physical: str, number: int, virtual: str) -> None:
        """Join a virtual function, built before, to its physical one."""
        self.link(f"{self.place(physical)}/virtfn{number}", f"../{virtual}")
        self.link(f"{self.place(virtual)}/physfn", f"../{physical}")

    def linked(self, supplier: str, consumer: str) -> None:
        """Join two functions by a device link."""
        name = f"pci:{supplier}--pci:{consumer}"
        self.link(f"{self.place(supplier)}/consumer:pci:{consumer}", f"../../virtual/devlink/{name}")
        self.link(f"{self.place(consumer)}/supplier:pci:{supplier}", f"../../virtual/devlink/{name}")

    def holder(self, pid: int, name: str, node: str, command: tuple[str, ...] = ()) -> None:
        """Let a process have a device node open."""
        self.link(f"proc/{pid}/fd/7", node)
        self.link(f"proc/{pid}/fd/0", "/dev/null")
        self.write(f"proc/{pid}/comm", name)
        self.write(f"proc/{pid}/cmdline", b"\0".join(word.encode() for word in (command or (name,))) + b"\0")

    def _make_folder(self, address: str, below: str | None, root_bus: str | None) -> str:
        entry = f"sys/bus/pci/devices/{address}"
        if self._is_flat:
            place = entry
        else:
            domain, bus, _ = address.split(":")
            above = self._places[below] if below else root_bus or f"sys/devices/pci{domain}:{bus}"
            place = f"{above}/{address}"
            self.link(entry, "../../../" + place.removeprefix("sys/"))
        self.folder(place)
        self._places[address] = place
        return place

    def _bind(self, address: str, driver: str) -> None:
        place = self.place(address)
        if not self._is_flat:
            self.folder(f"sys/bus/pci/drivers/{driver}")
            self.link(f"sys/bus/pci/drivers/{driver}/{address}", self._from("sys/bus/pci/drivers/x", place))
        self.link(f"{place}/driver", self._from(place, f"sys/bus/pci/drivers/{driver}"))

    def _put_in_group(self, address: str, group: int) -> None:
        place, folder = self.place(address), f"sys/kernel/iommu_groups/{group}"
        self.link(f"{folder}/devices/{address}", self._from(f"{folder}/devices", place))
        self.link(f"{place}/iommu_group", self._from(place, folder))
        if not (self.root / folder / "type").exists():
            self.write(f"{folder}/type", "DMA-FQ")

    @staticmethod
    def _from(folder: str, target: str) -> str:
        return os.path.relpath(target, folder)


def _node(path: str) -> str:
    """The name of a node below /dev, as the classes of GPUs' devices name theirs (their ``devnode``)."""
    folders = {"drm": "dri/", "sound": "snd/", "vfio-dev": "vfio/devices/"}
    return folders.get(path.partition("/")[0], "") + path.rpartition("/")[2]


def _resource(bars: tuple[tuple[int, int, int], ...]) -> str:
    rows = [(start, start + size - 1 if size else 0, flags) for start, size, flags in bars]
    rows += [(0, 0, 0)] * (13 - len(rows))
    return "\n".join(f"0x{start:016x} 0x{end:016x} 0x{flags:016x}" for start, end, flags in rows)
