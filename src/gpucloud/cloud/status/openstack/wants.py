"""Flavors as sizes of guests. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from gpucloud.cloud.openstack.explain.given import Given
from gpucloud.cloud.openstack.explain.request import Request, requests_of, unread_amounts
from gpucloud.cloud.openstack.publish.answers import HasFlavor
from gpucloud.cloud.openstack.publish.offer import Flavor
from gpucloud.cloud.status.openstack.answers import PLAIN, devices_said
from gpucloud.cloud.status.stock import Ask, Want
from gpucloud.model.unknown import Unknown
from gpucloud.nova.alias import PciRequest
from gpucloud.nova.match.placement import ask_of
from gpucloud.nova.refusal import Refusal

_NO_FILES = "the API does not tell what an alias is: give nova.conf of nova-api with --config and --release"


def wants_of(flavors: Iterable[HasFlavor], given: Given, *, has_pinned: bool = True) -> tuple[Want, ...]:
    """Those with devices, by name.

    Args:
        flavors: of the cloud.
        given: files of nova-api, which say what an alias is.
        has_pinned: any host has PCPU; where none has, nova asks for shared processors in their place
            (nova/scheduler/manager.py, unless ``[workarounds]disable_fallback_pcpu_query``).
    """
    with_devices = [one for one in flavors if devices_said(one.flavor.extra_specs)]
    return tuple(_want(one, given, has_pinned) for one in sorted(with_devices, key=lambda one: one.name))


def _want(one: HasFlavor, given: Given, has_pinned: bool) -> Want:
    alias = one.flavor.extra_specs.get("pci_passthrough:alias")
    request = tuple(requests_of(one.flavor, {}, given.asks(alias)))[0 if has_pinned else -1]
    first = request.get("")
    return Want(
        one.name,
        _asks(one.flavor, alias, request, given),
        _room(request),
        frozenset() if first is None or set(first.resources) - PLAIN else first.required,
        frozenset() if first is None else first.forbidden,
        devices_said(one.flavor.extra_specs),
        one.flavor.extra_specs.get("group_policy") == "isolate",
        alias is not None and not _is_placed(given),
    )


def _is_placed(given: Given) -> bool:
    """Claims that the scheduler asks Placement for devices of aliases."""
    return given.api is not None and given.api.places_pci


def _asks(flavor: Flavor, alias: str | None, request: Request, given: Given) -> Counter[Ask] | Unknown:
    """All devices of a flavor: those of its aliases are in the request already where Placement is asked."""
    unread = unread_amounts(flavor.extra_specs)
    if unread:
        return Unknown(f"the amount of {', '.join(unread)} is no number that is counted here")
    placed = _asks_of(request)
    if alias is None:
        return placed
    found = given.requests(alias, flavor.extra_specs.get("hw:pci_numa_affinity_policy"))
    if found is None:
        return Unknown(_NO_FILES)
    if isinstance(found, Refusal):
        return Unknown(f"nova-api refuses it: {found.message}")
    if _is_placed(given):
        return placed
    of_pools = _of_pools(found)
    return of_pools if isinstance(of_pools, Unknown) else placed + of_pools


def _room(request: Request) -> Mapping[str, int]:
    room: Counter[str] = Counter()
    for group in request.values():
        room.update({name: count for name, count in group.resources.items() if name in PLAIN})
    return dict(room)


def _asks_of(request: Request) -> Counter[Ask]:
    """Placement gives all of a class that one group asks for from one provider."""
    return Counter(
        Ask(name, amount, group.required, group.forbidden, is_joint=not number)
        for number, group in request.items()
        for name, amount in group.resources.items()
        if name not in PLAIN
    )


def _of_pools(requests: Iterable[PciRequest]) -> Counter[Ask] | Unknown:
    """Devices by their ids, which nova compares where it does not ask Placement."""
    asks: Counter[Ask] = Counter()
    for request in requests:
        spec = request.alias.specs[0]
        if len(request.alias.specs) > 1 or not {"vendor_id", "product_id"} <= spec.keys():
            return Unknown(
                f"alias {request.alias.name} is not one pair of ids: gpucloud nova match counts it"
            )
        asks[Ask(class_of_ids(spec["vendor_id"], spec["product_id"]))] += request.count
    return asks


def class_of_ids(vendor: str, product: str) -> str:
    """The class that nova makes of a device's ids where nobody names one."""
    return ask_of({"vendor_id": vendor, "product_id": product}).resource_class
