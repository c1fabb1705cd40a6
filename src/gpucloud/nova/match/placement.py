"""What nova-compute tells Placement of its devices, with ``[pci]report_in_placement``.

Rules follow ``nova/compute/pci_placement_translator.py`` (26.0.0 and later).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gpucloud.nova.device_spec import DeviceSpec
from gpucloud.nova.machine import Device, DeviceType
from gpucloud.nova.match.standard import normal_class, normal_traits
from gpucloud.nova.match.track import Tracked
from gpucloud.nova.reading import Json, is_yes
from gpucloud.nova.refusal import NovaRaises, Refusal
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release

_MANAGED = "COMPUTE_MANAGED_PCI_DEVICE"
_MIGRATABLE = "HW_PCI_LIVE_MIGRATABLE"
_ONE_TIME = "HW_PCI_ONE_TIME_USE"
_CHILDREN = (DeviceType.VF, DeviceType.VDPA)
_FAILED = "Failed to gather or report PCI resources to Placement: "
_ONE_OWNER = (
    "Configuring both {} and {} in [pci]device_spec is not supported. Either the parent PF or its children "
    "VFs can be configured."
)
_ONE_CLASS = (
    "VFs from the same PF cannot be configured with different 'resource_class' values in [pci]device_spec. "
    "We got {} for {} and {} for {}."
)
_ONE_SET = (
    "VFs from the same PF cannot be configured with different set of 'traits' in [pci]device_spec. "
    "We got {} for {} and {} for {}."
)


@dataclass(frozen=True, slots=True)
class Provider:
    """A resource provider below that of the host.

    Args:
        name: host name, ``_``, and the address of the device or of the VFs' physical function in upper case.
        resource_class: what it offers.
        traits: those that nova gives it.
        devices: those that are its inventory: one, or the VFs of one physical function.
    """

    name: str
    resource_class: str
    traits: frozenset[str]
    devices: tuple[Device, ...]

    @property
    def address(self) -> str:
        """The device's own, or that of the VFs' physical function."""
        return self.devices[0].parent or self.devices[0].address


def placement_view(
    specs: Sequence[DeviceSpec], tracked: Sequence[Tracked], release: Release, *, host: str
) -> tuple[Provider, ...] | Refusal:
    """The providers of a host on which nothing is in use; or why nova-compute stops."""
    providers: dict[str, Provider] = {}
    try:
        _check_no_devname(specs)
        for each in tracked:
            if each.entry is not None and not each.entry.tags.get("physical_network"):
                _add(providers, each.device, each.entry.tags, release, host)
    except NovaRaises as raised:
        return raised.over(None)
    owner = {"OWNER_NOVA"} if pci.OWNER_TRAIT.at(release) else set()
    return tuple(replace(each, traits=each.traits | owner) for each in providers.values())


@dataclass(frozen=True, slots=True)
class Ask:
    """What the scheduler asks Placement for with ``pci_in_placement``, once for each device."""

    resource_class: str
    traits: frozenset[str]

    def is_offered_by(self, provider: Provider) -> bool:
        return provider.resource_class == self.resource_class and self.traits <= provider.traits


def ask_of(spec: Mapping[str, str]) -> Ask:
    """The request that an alias's only spec becomes (``nova/objects/request_spec.py``)."""
    named = spec.get("resource_class")
    generated = f"CUSTOM_PCI_{spec.get('vendor_id')}_{spec.get('product_id')}".upper()
    traits = spec.get("traits")
    return Ask(
        normal_class(named) if named else generated,
        normal_traits(traits.split(",")) if traits else frozenset(),
    )


def _check_no_devname(specs: Sequence[DeviceSpec]) -> None:
    for spec in specs:
        if spec.devname:
            raise NovaRaises(
                "PlacementPciException",
                f"{_FAILED}Invalid [pci]device_spec configuration. PCI Placement reporting does not support "
                f"'devname' based device specification but we got {dict(spec.written)}. Please use PCI "
                "address in the configuration instead.",
            )


def _add(
    providers: dict[str, Provider], device: Device, tags: Mapping[str, Json], release: Release, host: str
) -> None:
    is_child = device.type in _CHILDREN
    owner = device.parent if is_child and device.parent is not None else device.address
    name = f"{host}_{owner.upper()}"
    known = providers.get(name)
    if known is not None and not (is_child and known.devices[0].type in _CHILDREN):
        listed = ",".join(each.address for each in known.devices)
        raise NovaRaises("PlacementPciDependentDeviceException", _ONE_OWNER.format(device.address, listed))
    mine = Provider(name, _class_of(device, tags), _traits_of(tags, release), (device,))
    if known is not None:
        mine = _joined(known, mine, device)
    if pci.ONE_TIME_USE.at(release) and "one_time_use" in tags:
        mine = _for_one_time(mine, tags, is_child)
    providers[name] = mine


def _joined(known: Provider, mine: Provider, device: Device) -> Provider:
    listed = ",".join(each.address for each in known.devices)
    if mine.resource_class != known.resource_class:
        words = (mine.resource_class, device.address, known.resource_class, listed)
        raise NovaRaises("PlacementPciMixedResourceClassException", _ONE_CLASS.format(*words))
    if mine.traits != known.traits:
        words = (",".join(sorted(mine.traits)), device.address, ",".join(sorted(known.traits)), listed)
        raise NovaRaises("PlacementPciMixedTraitsException", _ONE_SET.format(*words))
    return replace(known, devices=(*known.devices, device))


def _for_one_time(mine: Provider, tags: Mapping[str, Json], is_child: bool) -> Provider:
    if is_child:  # nova refuses even a no
        raise NovaRaises(
            "PlacementPciException",
            f"{_FAILED}Only type-PCI and type-PF devices may set one_time_use and {mine.name} does not "
            "qualify",
        )
    return replace(mine, traits=mine.traits | {_ONE_TIME}) if is_yes(tags["one_time_use"]) else mine


def _class_of(device: Device, tags: Mapping[str, Json]) -> str:
    named = tags.get("resource_class")
    if not named:
        return f"CUSTOM_PCI_{device.vendor_id}_{device.product_id}".upper()
    if not isinstance(named, str):
        raise NovaRaises("AttributeError", f"'{type(named).__name__}' object has no attribute 'upper'")
    return normal_class(named)


def _traits_of(tags: Mapping[str, Json], release: Release) -> frozenset[str]:
    named = tags.get("traits")
    if named and not isinstance(named, str):
        raise NovaRaises("AttributeError", f"'{type(named).__name__}' object has no attribute 'split'")
    traits = normal_traits(named.split(",")) if isinstance(named, str) and named else frozenset()
    migratable = pci.LIVE_MIGRATABLE_TRAIT.at(release) and is_yes(tags.get("live_migratable"))
    return traits | {_MANAGED} | ({_MIGRATABLE} if migratable else set())
