"""PCI as the kernel shows it: addresses, ids, classes, BARs, links, functions and IOMMU groups.

Source of the shapes: Documentation/ABI/testing/sysfs-bus-pci, sysfs-kernel-iommu_groups and
sysfs-bus-vfio-mdev of the Linux kernel; class codes: PCI Code and ID Assignment Specification 1.16.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Self

from gpucloud.model.unknown import Unknown

_MANAGEMENT: Mapping[int, Container[int]] = {
    0x1A03: range(0x10000),  # ASPEED AST, every device
    0x102B: range(0x0520, 0x0540),  # Matrox G200 for servers
    0x19A2: range(0x10000),  # ServerEngines Pilot
    0x19E5: (0x1711,),  # Huawei iBMC
    0x18CA: range(0x0020, 0x0030),  # XGI Volari Z
    0x1002: (0x515E,),  # ATI ES1000
}
"""Display chips of management controllers: vendor to devices. Source: pci.ids."""
_FULL = re.compile(r"([0-9a-fA-F]{4,8}):([0-9a-fA-F]{2}):([01][0-9a-fA-F])\.([0-7])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class PciAddress:
    """The place of one PCI function. Prints as the kernel prints it: ``0000:3b:00.0``.

    The domain has up to 32 bits: VMD and Hyper-V make domains above ffff, which the kernel
    prints with more than four digits.
    """

    domain: int
    bus: int
    device: int
    function: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address with its domain.

        Raises:
            ValueError: the text is not ``DDDD:BB:DD.F`` in hexadecimal.
        """
        match = _FULL.fullmatch(text)
        if match is None:
            raise ValueError(f"not a PCI address (want DDDD:BB:DD.F): {text!r}")
        domain, bus, device, function = (int(part, 16) for part in match.groups())
        return cls(domain, bus, device, function)

    @classmethod
    def parse_typed(cls, text: str) -> Self:
        """Read an address as people type and paste it: the domain may be missing and is then 0000.

        Raises:
            ValueError: the text is no address in either form.
        """
        try:
            return cls.parse(text if text.count(":") >= 2 else f"0000:{text}")
        except ValueError:
            raise ValueError(f"no PCI address such as 3b:00.0: {text!r}") from None

    @property
    def slot(self) -> str:
        """The address without its function: all functions of one slot share it."""
        return f"{self.domain:04x}:{self.bus:02x}:{self.device:02x}"

    @property
    def short(self) -> str:
        """The address as lspci prints it: the domain only where it is not 0000."""
        text = f"{self.bus:02x}:{self.device:02x}.{self.function:x}"
        return f"{self.domain:04x}:{text}" if self.domain else text

    def __str__(self) -> str:
        return f"{self.slot}.{self.function:x}"


_PARENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class ParentName:
    """What the kernel calls a parent of mediated devices that is no PCI function: ``mtty``.

    Source: ``/sys/class/mdev_bus`` (drivers/vfio/mdev/mdev_core.c, ``mdev_register_parent``), which holds
    the names of devices, those of PCI functions among them.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name.

        Raises:
            ValueError: it is the address of a PCI function, or no name.
        """
        if _PARENT.fullmatch(text) is None or _FULL.fullmatch(text):
            raise ValueError(f"not the name of a parent of mediated devices: {text[:60]!r}")
        return cls(text)

    @property
    def short(self) -> str:
        """The name; so an address has one, too."""
        return self.text

    def __str__(self) -> str:
        return self.text


Place = PciAddress | ParentName
"""What slices are cut of."""


@dataclass(frozen=True, slots=True, order=True)
class PciId:
    """Vendor and device id, 16 bits each. Prints as ``10de:1db4``."""

    vendor: int
    device: int

    def __str__(self) -> str:
        return f"{self.vendor:04x}:{self.device:04x}"


@dataclass(frozen=True, slots=True, order=True)
class PciClass:
    """The 24-bit class code: base class, sub-class, programming interface. Prints as ``0300``."""

    code: int

    @property
    def base(self) -> int:
        return self.code >> 16

    @property
    def kind(self) -> int:
        """Base and sub-class, 16 bits: what lspci prints in brackets."""
        return self.code >> 8

    @property
    def is_gpu(self) -> bool:
        """Claims the class of a GPU: VGA, 3D and display controllers, processing accelerators."""
        return self.kind in (0x0300, 0x0302, 0x0380, 0x1200)

    @property
    def is_bridge(self) -> bool:
        """Claims a bridge that the kernel never hands to a guest (header type 1 or 2, host bridge).

        Class 0680 ("other bridge") is left out: NVSwitches have it, and they are endpoints.
        """
        return self.base == 0x06 and self.kind != 0x0680

    def __str__(self) -> str:
        return f"{self.kind:04x}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One base address register as the host has placed it. Sizes and addresses in bytes."""

    index: int
    start: int
    size_bytes: int
    is_io: bool
    is_64bit: bool
    is_prefetchable: bool
    resizable_bytes: tuple[int, ...] | None | Unknown = None
    """Sizes that the card could take (``resourceN_resize``); None where it cannot be resized."""


@dataclass(frozen=True, slots=True)
class Link:
    """The PCIe link now against what the card could do. Speeds in GT/s, widths in lanes."""

    speed_gts: float | Unknown
    max_speed_gts: float | Unknown
    width: int | Unknown
    max_width: int | Unknown


@dataclass(frozen=True, slots=True)
class Sriov:
    """SR-IOV of a physical function: how many VFs it could have, has, and where they are."""

    total: int | Unknown
    enabled: int | Unknown
    vfs: tuple[PciAddress, ...] | Unknown
    """All that are on, by their number; Unknown where fewer are seen than ``enabled`` counts."""


@dataclass(frozen=True, slots=True)
class VgpuType:
    """A slice type that a function offers, over mdev or the vendor's own VFIO interface."""

    id: str
    name: str | None | Unknown
    available: int | Unknown
    description: str | None | Unknown = None
    """What an mdev type without a name says of itself, on several lines; of others it is not read."""


@dataclass(frozen=True, slots=True)
class MediatedDevice:
    """A slice that was made of a function (mdev), a guest's vGPU: it vanishes with the function's driver."""

    name: str
    """Its UUID; ``uuid-1`` in a capture."""
    type: str | None | Unknown
    """``VgpuType.id`` of what it is."""
    node: str | None | Unknown
    """The node of its IOMMU group, which the guest opens; None where it has a node of its own alone."""


@dataclass(frozen=True, slots=True)
class MdevParent:
    """A device that mediated devices are made of, and that is no PCI function."""

    name: ParentName
    types: tuple[VgpuType, ...] | Unknown
    mdevs: tuple[MediatedDevice, ...] | Unknown
    holders: tuple[Holder, ...] | Unknown
    """Who has one of its devices open."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a device node of a function open: a process, and the guest it runs if it is QEMU."""

    pid: int
    process: str
    node: str
    guest: str | None = None
    unread: Unknown | None = None
    """Why its name (``?`` then) or its guest's could not be read."""


@dataclass(frozen=True, slots=True)
class PciFunction:
    """One function with every fact the kernel shows of it.

    ``None``: the kernel shows that there is none. ``Unknown``: it could not be read.
    """

    address: PciAddress
    id: PciId | Unknown
    pci_class: PciClass | Unknown
    vendor_name: str | None
    device_name: str | None
    subsystem: PciId | None | Unknown
    revision: int | Unknown
    driver: str | None | Unknown
    driver_override: str | None | Unknown
    candidate_modules: tuple[str, ...] | Unknown
    iommu_group: int | None | Unknown
    numa_node: int | Unknown
    bars: tuple[Bar, ...] | Unknown
    reset_methods: tuple[str, ...] | None | Unknown
    power_state: str | None | Unknown
    is_d3cold_allowed: bool | None | Unknown
    link: Link | None | Unknown
    sriov: Sriov | None | Unknown
    physical_function: PciAddress | None | Unknown
    mdev_types: tuple[VgpuType, ...] | Unknown
    vendor_vfio_types: tuple[VgpuType, ...] | Unknown
    is_boot_vga: bool | None | Unknown
    device_nodes: tuple[str, ...] | Unknown
    holders: tuple[Holder, ...] | Unknown
    linked: tuple[PciAddress, ...] | Unknown
    """Functions joined to this one by ``consumer:`` or ``supplier:`` device links."""
    parent: PciAddress | None | Unknown
    """The bridge above; None on a root bus."""
    mdevs: tuple[MediatedDevice, ...] | Unknown = ()
    current_vgpu_type: int | None | Unknown = None
    """``VgpuType.id`` of the vGPU that it is over its vendor's own VFIO interface; 0: none; None: it has
    no such interface."""

    @property
    def is_gpu(self) -> bool:
        """Claims the class of a GPU; an unknown class makes no claim."""
        return isinstance(self.pci_class, PciClass) and self.pci_class.is_gpu

    @property
    def is_bridge(self) -> bool:
        return isinstance(self.pci_class, PciClass) and self.pci_class.is_bridge

    @property
    def is_nvswitch(self) -> bool:
        """Claims an NVSwitch: NVIDIA's only function of class 0680."""
        return (
            isinstance(self.pci_class, PciClass)
            and self.pci_class.kind == 0x0680
            and isinstance(self.id, PciId)
            and self.id.vendor == 0x10DE
        )

    @property
    def is_management_display(self) -> bool:
        """Claims the display chip of a server's management controller; an unknown id makes no claim."""
        return isinstance(self.id, PciId) and self.id.device in _MANAGEMENT.get(self.id.vendor, ())

    @property
    def name(self) -> str:
        """The device's name if pci.ids knows it, else its ids."""
        if self.device_name is not None:
            return self.device_name
        return f"device {self.id}" if isinstance(self.id, PciId) else "device of unknown id"


@dataclass(frozen=True, slots=True)
class IommuGroup:
    """The smallest set of functions that the IOMMU can keep apart from all others."""

    number: int
    type: str | None | Unknown
    members: tuple[PciAddress, ...]
