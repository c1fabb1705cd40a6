"""Hosts for tests: a healthy server by default, each test changes what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gpucloud.doctor import Blind, Case, diagnose
from gpucloud.model.finding import Finding, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import (
    Cpu,
    Distribution,
    Framebuffer,
    Host,
    Iommu,
    Kernel,
    Kvm,
    ModuleDirective,
    Security,
    Vital,
)
from gpucloud.model.pci import Bar, IommuGroup, PciAddress, PciClass, PciFunction, PciId
from gpucloud.model.unknown import Unknown

UNREAD = Unknown("not in the capture")
VFIO_MODULES = frozenset({"vfio", "vfio_pci", "vfio_iommu_type1", "kvm_intel", "kvm_amd"})

_CLASSES = {"display": 0x030000, "compute": 0x030200, "audio": 0x040300, "usb": 0x0C0330, "ucsi": 0x0C8000}
_CLASSES |= {"nvme": 0x010802, "ethernet": 0x020000, "nvswitch": 0x068000}
_HEALTHY_FUNCTION = PciFunction(
    address=PciAddress(0, 0, 0, 0),
    id=PciId(0x10DE, 0x21C4),
    pci_class=PciClass(0x030000),
    vendor_name="NVIDIA Corporation",
    device_name=None,
    subsystem=None,
    revision=0xA1,
    driver=None,
    driver_override=None,
    candidate_modules=(),
    iommu_group=None,
    numa_node=0,
    bars=(),
    reset_methods=("flr", "bus"),
    power_state="D0",
    is_d3cold_allowed=True,
    link=None,
    sriov=None,
    physical_function=None,
    mdev_types=(),
    vendor_vfio_types=(),
    is_boot_vga=False,
    device_nodes=(),
    holders=(),
    linked=(),
    parent=None,
)


def function(
    address: str,
    *,
    kind: str = "display",
    ident: str = "10de:21c4",
    driver: str | None | Unknown = None,
    group: int | None | Unknown = 1,
    bars: tuple[Bar, ...] = (),
    **changes: object,
) -> PciFunction:
    vendor, device = (int(part, 16) for part in ident.split(":"))
    made = replace(
        _HEALTHY_FUNCTION,
        address=PciAddress.parse_typed(address),
        id=PciId(vendor, device),
        pci_class=PciClass(_CLASSES[kind]),
        driver=driver,
        iommu_group=group,
        bars=bars,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # tests name the field they change


def memory_bar(start: int, size_bytes: int, index: int = 1) -> Bar:
    return Bar(index, start, size_bytes, is_io=False, is_64bit=True, is_prefetchable=True)


def card(address: str, *drivers: str | None, group: int = 1, **changes: object) -> tuple[PciFunction, ...]:
    """A card of as many functions as drivers: display, audio, USB, UCSI."""
    kinds = ("display", "audio", "usb", "ucsi")
    idents = ("10de:21c4", "10de:1aeb", "10de:1aec", "10de:1aed")
    return tuple(
        function(
            f"{address}.{number}",
            kind=kinds[number],
            ident=idents[number],
            driver=driver,
            group=group,
            **(changes if number == 0 else {}),  # type: ignore[arg-type]
        )
        for number, driver in enumerate(drivers)
    )


def unit(functions: Iterable[PciFunction], peers: Iterable[PciFunction] = ()) -> GpuUnit:
    own = tuple(functions)
    groups = tuple(dict.fromkeys(f.iommu_group for f in own if isinstance(f.iommu_group, int)))
    return GpuUnit(own, groups, tuple(peer.address for peer in peers), ("passthrough",))


def host(
    *cards: Iterable[PciFunction],
    others: Iterable[PciFunction] = (),
    arguments: str | Unknown = "intel_iommu=on iommu=pt",
    vendor: str | Unknown = "intel",
    modules: Mapping[str, str] | Unknown | None = None,
    vital: Iterable[Vital] = (),
    framebuffers: tuple[Framebuffer, ...] | Unknown = (),
    kernel: Kernel | None = None,
    kvm: Kvm | None = None,
    cpu: Cpu | None = None,
    family: str = "debian",
    **iommu: object,
) -> Host:
    """A server on which passthrough works, with these cards and these other functions."""
    own = [tuple(one) for one in cards]
    strangers = tuple(others)
    functions = {f.address: f for f in (*(f for one in own for f in one), *strangers)}
    groups = _groups(functions.values())
    return Host(
        source="test host",
        kernel=kernel or a_kernel(arguments),
        cpu=cpu
        or Cpu(vendor, "svm" if vendor == "amd" else "vmx", is_virtual=False, physical_address_bits=46),
        kvm=kvm or Kvm(has_device=True, refusal=None),
        iommu=replace(
            Iommu(vendor != "amd", vendor == "amd", ("dmar0",), True, groups),
            **iommu,  # type: ignore[arg-type]
        ),
        security=Security(lockdown="none", is_secure_boot=False),
        distribution=_distribution(family, modules),
        functions=functions,
        units=tuple(unit(one, _peers(one, functions.values())) for one in own),
        nvswitches=tuple(f.address for f in strangers if f.is_nvswitch),
        framebuffers=framebuffers,
        vital=tuple(vital),
    )


def a_kernel(
    arguments: str | Unknown = "",
    *,
    loaded: frozenset[str] | Unknown = frozenset(),
    available: frozenset[str] | Unknown = VFIO_MODULES,
) -> Kernel:
    words = arguments if isinstance(arguments, Unknown) else tuple(arguments.split())
    return Kernel("6.1.0-18-amd64", words, loaded, available, frozenset())


def findings(case: Host | Case) -> tuple[Finding, ...]:
    return diagnose(case if isinstance(case, Case) else Case(case)).findings


def causes(case: Host | Case, at_least: Level = Level.INFO) -> list[str]:
    return [f.cause for f in findings(case) if f.level.weight >= at_least.weight]


def levels(case: Host | Case) -> dict[str, Level]:
    """The heaviest level of each cause found."""
    return {f.cause: f.level for f in reversed(findings(case))}


def blind(case: Host) -> list[Blind]:
    return list(diagnose(Case(case)).blind)


def _distribution(family: str, modules: Mapping[str, str] | Unknown | None) -> Distribution:
    loaders, tools = {
        "debian": (("grub",), ("initramfs-tools",)),
        "rhel": (("grub", "bls"), ("dracut",)),
        "arch": (("systemd-boot",), ("mkinitcpio",)),
    }[family]
    directives = modules if isinstance(modules, Unknown) else _directives(modules or {})
    return Distribution(family, "12", family, loaders, tools, directives)


def _directives(files: Mapping[str, str]) -> tuple[ModuleDirective, ...]:
    return tuple(
        ModuleDirective(path, number, line)
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), start=1)
    )


def _groups(functions: Iterable[PciFunction]) -> dict[int, IommuGroup]:
    members: dict[int, list[PciAddress]] = {}
    for one in functions:
        if isinstance(one.iommu_group, int):
            members.setdefault(one.iommu_group, []).append(one.address)
    return {number: IommuGroup(number, "DMA", tuple(sorted(found))) for number, found in members.items()}


def _peers(own: tuple[PciFunction, ...], everything: Iterable[PciFunction]) -> tuple[PciFunction, ...]:
    groups = {f.iommu_group for f in own if isinstance(f.iommu_group, int)}
    addresses = {f.address for f in own}
    return tuple(f for f in everything if f.iommu_group in groups and f.address not in addresses)
