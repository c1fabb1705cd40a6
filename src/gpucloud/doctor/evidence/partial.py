"""The host that pasted evidence shows: what it does not show is Unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gpucloud.doctor.evidence.paper import Paper
from gpucloud.doctor.evidence.pci import NOT_SHOWN, to_function
from gpucloud.inventory.units import fold_units
from gpucloud.model.finding import Evidence
from gpucloud.model.host import Cpu, Distribution, Host, Iommu, Kernel, Kvm, Security
from gpucloud.model.pci import IommuGroup, PciAddress, PciClass, PciFunction, PciId, Sriov
from gpucloud.model.unknown import Unknown

_FAMILIES = {
    "debian": ("debian", "ubuntu", "proxmox", "kali", "mint", "pop!_os", "pop os"),
    "rhel": ("rhel", "red hat", "centos", "rocky", "alma", "fedora", "oracle", "openshift", "okd"),
    "suse": ("suse", "harvester", "sles"),
    "arch": ("arch", "manjaro", "endeavour"),
}
_DMAR = ("dmar-table", "dmar-unit", "dmar-running", "disabled-in-kernel")
_RUNNING = (
    "dmar-running", "amd-running", "group-made", "iommu-validated", "group-not-viable", "used-twice",
    # QEMU has the number of a group from the device's own link: the device has a group.
    "no-vfio-node", "device-from-group", "in-use-node",
)  # fmt: skip
_ABSENT = ("iommu-absent", "no-iommu-group", "bind-refused", "noiommu", "gart-in-place")
_BRIDGES = (0x0600, 0x0601)
_INTEL, _AMD = 0x8086, 0x1022


def partial_host(source: str, paper: Paper) -> Host:
    """A host with the facts that the evidence shows; all others are ``Unknown``."""
    functions = _with_slices({address: to_function(seen) for address, seen in paper.listing.seen.items()})
    groups = _groups(functions.values())
    vendor = _vendor(paper, functions.values())
    return Host(
        source=source,
        kernel=_kernel(paper),
        cpu=Cpu(vendor, NOT_SHOWN, NOT_SHOWN, NOT_SHOWN),
        kvm=Kvm(NOT_SHOWN, NOT_SHOWN),
        iommu=_iommu(paper, groups, vendor),
        security=Security(NOT_SHOWN, NOT_SHOWN),
        distribution=Distribution(
            NOT_SHOWN,
            NOT_SHOWN,
            _family(paper),
            _boot_loaders(paper),
            NOT_SHOWN,
            tuple(paper.boot.directives) or NOT_SHOWN,
        ),
        functions=functions or NOT_SHOWN,
        units=fold_units(functions, groups or NOT_SHOWN),
        nvswitches=tuple(address for address, one in functions.items() if one.is_nvswitch),
        framebuffers=NOT_SHOWN,
        vital=NOT_SHOWN,
    )


def places(paper: Paper) -> Mapping[str, Evidence]:
    """Where the evidence shows each fact, by the place of the fact on a host."""
    found = dict(paper.boot.shown)
    if not paper.boot.is_running_known and paper.boot.written_at is not None:
        found["/proc/cmdline"] = paper.boot.written_at
    for place, names in (
        ("/sys/kernel/iommu_groups", ("no-iommu-group", "bind-refused", "iommu-absent", "host-unsupported")),
        ("/sys/firmware/acpi/tables/DMAR", (*_DMAR, "no-dmar-table", "acpi-tables")),
        ("/sys/firmware/acpi/tables/IVRS", ("ivrs-table", "amd-running", "acpi-tables")),
        ("/sys/class/iommu", ("remapping-broken", "remapping-refused", "x2apic-off")),
    ):
        lines = paper.lines(*names)
        if lines:
            found[place] = lines[0]
    return {**found, **paper.listing.shown}


def is_iommu_shown_running(paper: Paper) -> bool:
    """Claims proof that the IOMMU runs. ``DMAR: IOMMU enabled`` alone is none: it echoes the argument."""
    has_groups = any(seen.group is not None for seen in paper.listing.seen.values())
    return has_groups or paper.has(*_RUNNING) or (paper.has("dmar-asked") and paper.has("dmar-unit"))


def _arguments(paper: Paper) -> tuple[str, ...] | Unknown:
    if paper.boot.is_running_known:
        return tuple(paper.boot.running)
    return tuple(paper.boot.written) if paper.boot.written_at is not None else NOT_SHOWN


def _iommu(paper: Paper, groups: Mapping[int, IommuGroup], vendor: str | Unknown) -> Iommu:
    known: Mapping[int, IommuGroup] | Unknown = groups or NOT_SHOWN
    if not groups and paper.has(*_ABSENT) and not is_iommu_shown_running(paper):
        known = {}
    remapping: bool | Unknown = NOT_SHOWN
    if paper.has("remapping-works"):
        remapping = True
    return Iommu(
        _has_table(paper, "dmar", vendor), _has_table(paper, "ivrs", vendor), NOT_SHOWN, remapping, known
    )


def _has_table(paper: Paper, name: str, vendor: str | Unknown) -> bool | Unknown:
    shown = _DMAR if name == "dmar" else ("ivrs-table", "amd-running")
    if paper.has(*shown):
        return True
    own = "intel" if name == "dmar" else "amd"
    lists_tables = paper.has("acpi-tables") and (vendor == own or isinstance(vendor, Unknown))
    return False if paper.has(f"no-{name}-table") or lists_tables else NOT_SHOWN


def _vendor(paper: Paper, functions: Iterable[PciFunction]) -> str | Unknown:
    told = paper.about("cpu", "processor", "machine")
    for vendor, words in (
        ("intel", ("intel", "xeon", "core i")),
        ("amd", ("amd", "epyc", "ryzen", "threadripper", "opteron")),
    ):
        if any(word in told for word in words):
            return vendor
    if paper.has(*_DMAR, "dmar-asked", "dmar-disabled", "width-kernel", "no-dmar-table", "rmrr"):
        return "intel"
    if paper.has("ivrs-table", "amd-running", "amd-disabled", "amd-not-there", "ioapic-not-in-ivrs"):
        return "amd"
    for vendor in ("intel", "amd", "arm"):
        if paper.has(f"cpu-{vendor}"):
            return vendor
    bridges = {
        one.id.vendor
        for one in functions
        if isinstance(one.id, PciId)
        and isinstance(one.pci_class, PciClass)
        and one.pci_class.kind in _BRIDGES
    }
    if _INTEL in bridges:
        return "intel"
    return "amd" if _AMD in bridges else NOT_SHOWN


def _family(paper: Paper) -> str | Unknown:
    told = paper.about("os", "distribution", "kernel")
    found = (family for family, words in _FAMILIES.items() if any(word in told for word in words))
    return next(found, NOT_SHOWN)


def _boot_loaders(paper: Paper) -> tuple[str, ...] | Unknown:
    """What the running kernel's own arguments tell of who started it: Proxmox VE with systemd-boot or ZFS.

    Its systemd-boot entries name the image below EFI, proxmox; with the root on ZFS the installer sets
    proxmox-boot-tool up, too, which GRUB may use as well. Source: Proxmox VE manual, Host Bootloader.
    """
    words = paper.boot.running
    if any(word.lower().startswith("initrd=\\efi\\proxmox\\") for word in words):
        return ("systemd-boot", "proxmox-boot-tool")
    is_proxmox = any(word.startswith("BOOT_IMAGE=") and word.endswith("-pve") for word in words)
    is_on_zfs = any(word.startswith("root=ZFS=") for word in words)
    return ("grub", "proxmox-boot-tool") if is_proxmox and is_on_zfs else NOT_SHOWN


def _kernel(paper: Paper) -> Kernel:
    release = paper.environment.get("kernel", NOT_SHOWN)
    return Kernel(release, _arguments(paper), NOT_SHOWN, NOT_SHOWN, NOT_SHOWN)


def _with_slices(functions: dict[PciAddress, PciFunction]) -> dict[PciAddress, PciFunction]:
    """Functions with virtual functions joined to their card.

    A listing does not say what is virtual. A GPU is the one GPU of its id behind its port, in slot 0; what
    has its id and class at another function or slot of its bus are its virtual functions (PCI Express
    SR-IOV: VFs have routing ids after that of their PF). On a root bus only the same slot counts.
    """
    slices: dict[PciAddress, list[PciAddress]] = {}
    for address, one in functions.items():
        card = functions.get(_card_of(address))
        if card is not None and card is not one and _is_slice(one, card):
            slices.setdefault(card.address, []).append(address)
    for card_address, found in slices.items():
        joined = Sriov(len(found), len(found), tuple(sorted(found)))
        functions[card_address] = replace(functions[card_address], sriov=joined)
        for address in found:
            functions[address] = replace(functions[address], physical_function=card_address)
    return functions


def _card_of(address: PciAddress) -> PciAddress:
    device = address.device if address.bus == 0 else 0
    return PciAddress(address.domain, address.bus, device, 0)


def _is_slice(one: PciFunction, card: PciFunction) -> bool:
    return card.is_gpu and isinstance(one.id, PciId) and (one.id, one.pci_class) == (card.id, card.pci_class)


def _groups(functions: Iterable[PciFunction]) -> dict[int, IommuGroup]:
    members: dict[int, list[PciAddress]] = {}
    for one in functions:
        if isinstance(one.iommu_group, int):
            members.setdefault(one.iommu_group, []).append(one.address)
    return {number: IommuGroup(number, NOT_SHOWN, tuple(sorted(found))) for number, found in members.items()}
