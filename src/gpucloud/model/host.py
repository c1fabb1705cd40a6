"""A server as it stands: the facts that decide whether a GPU can reach a guest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import IommuGroup, MdevParent, PciAddress, PciFunction
from gpucloud.model.unknown import Unknown

HERE = "this host"
"""The ``source`` of a host that was read by itself."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The running kernel. ``arguments`` keep order and repeats: the kernel reads both."""

    release: str | Unknown
    arguments: tuple[str, ...] | Unknown
    loaded_modules: frozenset[str] | Unknown
    """Modules in the kernel now, loaded or built in with a ``/sys/module`` entry, with ``_`` for ``-``."""
    available_modules: frozenset[str] | Unknown
    """Modules that modprobe could load for this release, built-in ones included, with ``_`` for ``-``."""
    builtin_modules: frozenset[str] | Unknown
    """Those of them that are part of the kernel's image, with ``_`` for ``-``: nothing has to load them."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processor. ``virtualization`` is ``vmx``, ``svm`` or None where the flag is not shown."""

    vendor: str | Unknown
    """``intel``, ``amd``, or what another vendor calls itself."""
    virtualization: str | None | Unknown
    is_virtual: bool | Unknown
    """The ``hypervisor`` flag: this host is itself a guest."""
    physical_address_bits: int | Unknown


@dataclass(frozen=True, slots=True)
class Kvm:
    """Hardware virtualization: is the device there, and does it make a virtual machine."""

    has_device: bool | Unknown
    refusal: str | None | Unknown
    """What the kernel said when asked for a virtual machine; None where it made one."""


@dataclass(frozen=True, slots=True)
class Iommu:
    """The IOMMU as firmware offers it and as the kernel runs it."""

    has_dmar: bool | Unknown
    """The firmware has Intel's table (ACPI DMAR)."""
    has_ivrs: bool | Unknown
    """The firmware has AMD's table (ACPI IVRS)."""
    units: tuple[str, ...] | Unknown
    """IOMMUs that the kernel drives (``/sys/class/iommu``); empty: none is on."""
    has_interrupt_remapping: bool | Unknown
    groups: Mapping[int, IommuGroup] | Unknown
    unprotected: tuple[IommuGroup, ...] = ()
    """Groups that vfio made itself, in its no-IOMMU mode, of functions that no IOMMU keeps apart. They are
    no groups of the functions: no guest can have what is in them."""


@dataclass(frozen=True, slots=True)
class Security:
    """What the kernel refuses on principle."""

    lockdown: str | None | Unknown
    """``none``, ``integrity`` or ``confidentiality``; None where the kernel has no lockdown."""
    is_secure_boot: bool | None | Unknown
    """None on a host without UEFI."""


@dataclass(frozen=True, slots=True)
class ModuleDirective:
    """One line of module configuration, as modprobe.d(5) and modules-load.d(5) have it."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """The operating system and how it boots."""

    id: str | Unknown
    version: str | None | Unknown
    family: str | Unknown
    """``debian``, ``rhel``, ``suse``, ``arch`` or the id itself where no family is known."""
    boot_loaders: tuple[str, ...] | Unknown
    """Boot loaders whose configuration is there: ``grub``, ``bls``, ``systemd-boot``, ``kernelstub``,
    ``proxmox-boot-tool``."""
    initramfs_tools: tuple[str, ...] | Unknown
    """``initramfs-tools``, ``dracut``, ``mkinitcpio``: those that are installed."""
    module_configuration: tuple[ModuleDirective, ...] | Unknown
    unread_configuration: tuple[Unknown, ...] = ()
    """Why single files or folders of it could not be read: what they say is missing above."""


@dataclass(frozen=True, slots=True)
class Framebuffer:
    """Memory that a boot-time framebuffer keeps (``/proc/iomem``): BOOTFB, efifb, vesafb, simplefb."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TextConsole:
    """A driver that shows the kernel's text consoles (``/sys/class/vtconsole/vtconN``)."""

    name: str
    """``vtcon1``."""
    driver: str
    """Its own description, without the ``(S)`` or ``(M)`` before it: ``frame buffer device``."""
    is_bound: bool
    """At least one text console is shown by it now."""


@dataclass(frozen=True, slots=True)
class Vital:
    """A PCI function that the host cannot do without, and what it carries."""

    address: PciAddress
    carries: str
    """``root disk``, ``default route`` or another role in words."""


@dataclass(frozen=True, slots=True)
class Host:
    """Everything that is known of a server. Values only: it can come from a live host or a capture."""

    source: str
    """Where the facts come from: `HERE`, ``USER@HOST`` or the path of a capture."""
    kernel: Kernel
    cpu: Cpu
    kvm: Kvm
    iommu: Iommu
    security: Security
    distribution: Distribution
    functions: Mapping[PciAddress, PciFunction] | Unknown
    """All PCI functions, not only GPUs: groups and guards need the others."""
    units: tuple[GpuUnit, ...]
    nvswitches: tuple[PciAddress, ...]
    framebuffers: tuple[Framebuffer, ...] | Unknown
    vital: tuple[Vital, ...] | Unknown
    consoles: tuple[TextConsole, ...] | Unknown = Unknown("the text consoles were not read")
    mdev_parents: tuple[MdevParent, ...] | Unknown = Unknown("parents of mediated devices were not read")
    """Those that are no PCI functions, by name."""

    @property
    def is_whole(self) -> bool:
        """Claims a server as a whole: its bus and its modules in use were listed.

        Only then do ``functions`` without a GPU say that there is none. A listing of some devices or IOMMU
        groups, pasted or kept as a partial capture, has no such list of modules and makes no claim. Functions
        whose class is Unknown may still be GPUs.
        """
        return not isinstance(self.functions, Unknown) and not isinstance(self.kernel.loaded_modules, Unknown)

    def unit_at(self, address: PciAddress) -> GpuUnit | None:
        """The unit that one of whose functions is at the address."""
        return next((unit for unit in self.units if address in unit.addresses), None)
