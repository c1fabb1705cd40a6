"""Hosts, units and functions for tests, with the few facts that a test is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Cpu, Distribution, Host, Iommu, Kernel, Kvm, Security
from gpucloud.model.pci import Bar, Holder, PciAddress, PciClass, PciFunction, PciId
from gpucloud.model.unknown import Unknown

VGA, AUDIO, ACCELERATOR = PciClass(0x030000), PciClass(0x040300), PciClass(0x120000)
CARD, SOUND = PciId(0x10DE, 0x1DB4), PciId(0x10DE, 0x10F2)


def at(text: str) -> PciAddress:
    return PciAddress.parse_typed(text)


def memory_bar(index: int, size_bytes: int, *, is_64bit: bool = True) -> Bar:
    return Bar(index, 0x1000_0000, size_bytes, is_io=False, is_64bit=is_64bit, is_prefetchable=is_64bit)


def function(
    address: str,
    pci_id: PciId | Unknown = CARD,
    pci_class: PciClass = VGA,
    *,
    driver: str | None | Unknown = "vfio-pci",
    group: int = 10,
    node: int | Unknown = 0,
    name: str = "GV100GL [Tesla V100 PCIe 16GB]",
    bars: tuple[Bar, ...] | Unknown = (),
    holders: tuple[Holder, ...] | Unknown = (),
) -> PciFunction:
    return PciFunction(
        address=at(address),
        id=pci_id,
        pci_class=pci_class,
        vendor_name="NVIDIA Corporation",
        device_name=name,
        subsystem=None,
        revision=0,
        driver=driver,
        driver_override=None,
        candidate_modules=(),
        iommu_group=group,
        numa_node=node,
        bars=bars,
        reset_methods=None,
        power_state="D0",
        is_d3cold_allowed=None,
        link=None,
        sriov=None,
        physical_function=None,
        mdev_types=(),
        vendor_vfio_types=(),
        is_boot_vga=False,
        device_nodes=(),
        holders=holders,
        linked=(),
        parent=None,
    )


def unit(*functions: PciFunction, peers: Sequence[str] = ()) -> GpuUnit:
    groups = dict.fromkeys(one.iommu_group for one in functions if isinstance(one.iommu_group, int))
    return GpuUnit(functions, tuple(groups), tuple(map(at, peers)), ("passthrough",))


def card(slot: str, *, group: int = 10, node: int | Unknown = 0, peers: Sequence[str] = ()) -> GpuUnit:
    """A prepared graphics card with its audio function: ``card("3b:00")``."""
    return unit(
        function(f"{slot}.0", group=group, node=node),
        function(f"{slot}.1", SOUND, AUDIO, group=group, node=node, name="GV100 High Definition Audio"),
        peers=peers,
    )


def held_by(gpu: GpuUnit, driver: str | None | Unknown, which: int = 0) -> GpuUnit:
    """The same unit with another driver on one of its functions."""
    functions = list(gpu.functions)
    functions[which] = replace(functions[which], driver=driver)
    return replace(gpu, functions=tuple(functions))


def host(*units: GpuUnit, others: Sequence[PciFunction] = (), bits: int = 46, kvm: bool = True) -> Host:
    functions = (*(one for gpu in units for one in gpu.functions), *others)
    return Host(
        source="this host",
        kernel=Kernel("6.1.0-test", (), frozenset(), frozenset(), frozenset()),
        cpu=Cpu("GenuineIntel", "vmx", is_virtual=False, physical_address_bits=bits),
        kvm=Kvm(has_device=kvm, refusal=None),
        iommu=Iommu(has_dmar=True, has_ivrs=False, units=("dmar0",), has_interrupt_remapping=True, groups={}),
        security=Security("none", is_secure_boot=False),
        distribution=Distribution("debian", "12", "debian", (), (), ()),
        functions={one.address: one for one in functions},
        units=units,
        nvswitches=(),
        framebuffers=(),
        vital=(),
    )
