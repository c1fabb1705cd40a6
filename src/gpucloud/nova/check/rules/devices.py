"""The files and the host's devices together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gpucloud.model.finding import Level
from gpucloud.model.unknown import Unknown
from gpucloud.nova.check.case import Case
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.lines import alias_lines, under
from gpucloud.nova.machine import Device
from gpucloud.nova.match.serve import Dropped
from gpucloud.nova.mdev import Parent, parents_of
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import options, scheduler
from gpucloud.nova.releases.release import SERIES, Release
from gpucloud.nova.service import Service

_SHOWN = 12
"""Types of a GPU that are told."""


def _search_of(release: Release) -> tuple[str, ...]:
    """What placement of the same cycle as this release of nova has for wide hosts."""
    known = scheduler.PLACEMENT_SEARCH.at(release)
    if not known:
        return ("Update placement to 13.0.0 (2025.1), which has the options",)
    lines = [line for each in known for line in under(each.option, each.value)]
    return ("# placement.conf", *dict.fromkeys(lines))


NO_DEVICE = Kind(
    "nova-device-spec-no-device",
    Level.WARNING,
    "An entry that takes no device of this host",
    "No device has its ids and address, or earlier entries have them all.",
    ("no pools on the host",),
    ("Compare with lspci -nn, or with gpucloud nova match",),
    ("nova/pci/whitelist.py: get_devspec",),
)
NOT_SERVED = Kind(
    "nova-alias-no-device",
    Level.WARNING,
    "An alias that no device of this host serves",
    "A flavor with this alias cannot be built here. Aliases are one for a whole cloud: that is right where "
    "other hosts have the device.",
    ("`No valid host was found`", "`Dropped ... device(s) as they are PFs which we have not requested`"),
    ("Give the alias the type and ids of the device",),
    ("nova/pci/stats.py", "nova/virt/libvirt/host.py"),
)
BOTH = Kind(
    "nova-pf-and-vf",
    Level.WARNING,
    "A physical function and its VFs are both given away",
    "Who has the one keeps the other from all others. With report_in_placement nova-compute does not "
    "start so.",
    ("`Configuring both ... and ... in [pci]device_spec is not supported.`",),
    ("Name product_id or address so that only one of them matches",),
    ("nova/compute/pci_placement_translator.py", "nova/pci/manager.py"),
)
PLACEMENT_REFUSED = Kind(
    "nova-placement-refused",
    Level.BLOCKER,
    "nova-compute cannot report these devices to Placement",
    "It ends when it first updates its resources.",
    (
        "`Failed to gather or report PCI resources to Placement`",
        "`VFs from the same PF cannot be configured with different ...`",
    ),
    ("Give all VFs of a function the same resource_class and traits; no one_time_use on VFs; no devname",),
    ("nova/compute/pci_placement_translator.py",),
)
TRACKING_REFUSED = Kind(
    "nova-tracking-refused",
    Level.BLOCKER,
    "nova-compute falls over a device or an entry",
    "It ends, or its resources are never updated.",
    ("`property domain (10000) is greater than the maximum allowable value (FFFF)`",),
    ("Update nova, or take the device away (VMD)",),
    ("nova/pci/manager.py, nova/pci/devspec.py", "nova bug 1897528"),
)
UNTRIED = Kind(
    "nova-address-pattern-untried",
    Level.WARNING,
    "A pattern that could take nova hours to match",
    "Repeats inside repeats are tried in all combinations. gpucloud does not try them: for this report the "
    "entry takes no device.",
    ("nova-compute uses a whole core and never comes to its resources",),
    ("Write the field without repeats inside repeats: (3b|5e) or [0-3][0-9a-f]",),
    ("nova/pci/devspec.py: PciAddressRegexSpec", "CPython: Modules/_sre"),
)
TUNING = Kind(
    "nova-placement-tuning",
    Level.INFO,
    "Many equal devices on one host, and Placement",
    "Placement tries the providers of a host in all combinations. From 8 equal devices on, a guest that "
    "wants several makes it time out, or cut off hosts, unless it is told how to search.",
    ("time-outs of allocation candidates", "`Got no allocation candidates` although devices are free"),
    _search_of(SERIES[-1]),
    ("nova docs: admin/pci-passthrough (PCI tracking in Placement)", "placement/conf/"),
)
NOT_OFFERED = Kind(
    "nova-mdev-type-not-offered",
    Level.WARNING,
    "A vGPU type that the GPU does not offer",
    "Nova makes inventories of GPUs that offer the type that they are to have; of others it says nothing. "
    "Newer cards of NVIDIA offer types on their virtual functions, which must be on before nova-compute "
    "starts.",
    ("no inventory of VGPU, and no message",),
    ("Write a type that the GPU offers: ls /sys/class/mdev_bus/*/mdev_supported_types",),
    ("nova/virt/libvirt/driver.py: _get_gpu_inventories, _get_mdev_capable_devices",),
)


def tracking(case: Case) -> Iterator[Finding]:
    """What stops nova-compute when it looks at the host's devices."""
    found = case.match
    if found is None or case.service is not Service.COMPUTE:
        return
    first = case.spec_settings[0] if case.spec_settings else None
    if isinstance(found.tracked, Refusal):
        yield TRACKING_REFUSED.at(first, found.tracked.message)
    if isinstance(found.providers, Refusal):
        yield PLACEMENT_REFUSED.at(first, found.providers.message)


def no_device(case: Case) -> Iterator[Finding]:
    """Entries without a device."""
    found = case.match
    if found is None or isinstance(found.specs, Refusal) or isinstance(found.tracked, Refusal):
        return
    for spec in found.specs:
        if not any(each.entry is spec for each in found.tracked):
            behind = [each.device.address for each in found.tracked if spec in each.hidden]
            what = f"{dict(spec.written)} takes no device"
            said = f"{what}; earlier entries have {', '.join(behind[:4])}" if behind else what
            yield NO_DEVICE.at(case.spec_settings[spec.value], said + _unread(case), level=_level(case))


def not_served(case: Case) -> Iterator[Finding]:
    """Aliases without a device, and why."""
    found = case.match
    if found is None or case.machine is None or isinstance(found.aliases, Refusal):
        return
    devices = case.machine.devices.values()
    for name, choice in found.choices.items():
        if choice.serving:
            continue
        alias = found.aliases[name]
        near = [
            left
            for left in choice.left_out
            if _is_meant(left.pool.devices[0], alias.specs[0].get("product_id"))
        ]
        near = near or list(choice.left_out)[:1]
        why = f": {near[0].pool.devices[0].address}: {near[0].reason.value}" if near else ": no pools"
        if near and near[0].keys:
            why += f" ({', '.join(near[0].keys)})"
        fix: tuple[str, ...] = ()
        setting = case.alias_settings[alias.values[0]]
        wrong_type = near and (near[0].reason is Dropped.UNREQUESTED_PF or near[0].keys == ("dev_type",))
        written = [entry.written for entry in case.alias_entries if entry.setting == setting]
        if wrong_type and len(written) == 1:
            kind = near[0].pool.devices[0].type.value
            fix = alias_lines(case.release, {**written[0], "device_type": kind})
        has_it = any(_is_of(device, spec) for device in devices for spec in alias.specs)
        what = f"alias {name} gets no device of this host{why if has_it else ', which has none such'}"
        level = _level(case) if has_it else Level.INFO
        yield NOT_SERVED.at(setting, what + _unread(case), fix=fix, level=level)


def both(case: Case) -> Iterator[Finding]:
    """A physical function together with its VFs."""
    found = case.match
    if found is None or isinstance(found.tracked, Refusal) or case.reports_in_placement:
        return
    given = {each.device.address: each.entry for each in found.tracked if each.entry is not None}
    children = [each.device for each in found.tracked if each.entry is not None and each.device.parent]
    first = {device.parent: device.address for device in reversed(children)}
    for parent, child in sorted((parent, child) for parent, child in first.items() if parent in given):
        setting = case.spec_settings[given[parent].value]
        yield BOTH.at(setting, f"{parent} and its function {child} are both tracked")


def _is_of(device: Device, spec: Mapping[str, str]) -> bool:
    """Whether an alias asks for devices with these ids; one without ids asks for any."""
    wanted = [spec.get("vendor_id"), spec.get("product_id")]
    return all(
        want is None or want.lower() == its
        for want, its in zip(wanted, (device.vendor_id, device.product_id), strict=True)
    )


def _is_meant(device: Device, product: str | None) -> bool:
    return product is not None and device.product_id == product.lower()


def tuning(case: Case) -> Iterator[Finding]:
    """A host that is wide for Placement."""
    found = case.match
    option = options.PCI_IN_PLACEMENT.at(case.release)
    if found is None or option is None or not case.places_pci:
        return
    if found.providers is None or isinstance(found.providers, Refusal):
        return
    for name, count in Counter(each.resource_class for each in found.providers).items():
        if count >= scheduler.MANY_PROVIDERS:
            what = f"{count} providers of {name} on this host"
            yield TUNING.at(case.configuration.last(option), what, fix=_search_of(case.release))


def untried(case: Case) -> Iterator[Finding]:
    """A pattern over which nova itself could take hours."""
    for spec in () if isinstance(case.specs, Refusal) else case.specs:
        if spec.untried is not None:
            what = f"{spec.untried[:60]!r} repeats what is repeated already"
            yield UNTRIED.at(case.spec_settings[spec.value], what)


def not_offered(case: Case) -> Iterator[Finding]:
    """Types of mediated devices that the host's GPUs do not have."""
    if case.machine is None or case.service is not Service.COMPUTE or isinstance(case.mdev, Refusal):
        return
    for each in parents_of(case.mdev, case.machine):
        if each.is_named and each.is_right is False:
            yield NOT_OFFERED.at(case.mdev_keys_of(each.type)["device_addresses"], _lack(each))
    kind = case.mdev.default
    devices = [each for each in case.machine.devices.values() if each.address not in case.mdev.by_address]
    offers = [name for each in devices if isinstance(each.mdev_types, tuple) for name in each.mdev_types]
    if kind is None or kind in offers:
        return
    unread = [each.mdev_types.why for each in devices if isinstance(each.mdev_types, Unknown)]
    what = f"no GPU for it offers {kind}, but {_some(offers)}"
    if unread:
        what = f"whether a GPU offers {kind} is not known: {unread[0]}"
    yield NOT_OFFERED.at(case.mdev_setting, what, level=Level.INFO if unread else Level.WARNING)


def _lack(parent: Parent) -> str:
    if not isinstance(parent.offers, tuple):
        return f"the host has no device {parent.address}, which is to offer {parent.type}"
    return f"{parent.address} does not offer {parent.type}, but {_some(parent.offers)}"


def _some(offers: Sequence[str]) -> str:
    names = sorted(set(offers))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "no type at all") + more


def _left_out(case: Case) -> tuple[str, ...]:
    """Devices of the host of which not enough is known to say what nova makes of them."""
    unread = case.machine.unread if case.machine is not None else ()
    return tuple(each for each in unread if ": NUMA node: " not in each)


def _level(case: Case) -> Level:
    """A device that is missing may be one that could not be read."""
    return Level.INFO if _left_out(case) else Level.WARNING


def _unread(case: Case) -> str:
    unread = _left_out(case)
    return f"; {len(unread)} devices could not be read: {unread[0]}" if unread else ""


RULES = (tracking, no_device, not_served, both, tuning, untried, not_offered)
