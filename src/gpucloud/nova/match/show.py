"""A match as text and as an object for JSON: device to entry, pools, aliases, flavors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gpucloud.model.unknown import Unknown
from gpucloud.nova.device_spec import DeviceSpec
from gpucloud.nova.machine import Machine
from gpucloud.nova.match.fit import Fit
from gpucloud.nova.match.match import Match
from gpucloud.nova.match.pools import Pool
from gpucloud.nova.match.track import Tracked
from gpucloud.nova.mdev import MdevTypes, Parent, parents_of
from gpucloud.nova.refusal import Refusal

_SHOWN = 8

Place = Callable[[int], str]
"""Which of device_spec's values to where it stands: ``nova.conf:12``."""


def match_object(found: Match, machine: Machine, place: Place, mdev: MdevTypes | Refusal) -> dict[str, Any]:
    """The match for JSON; the keys never change their meaning."""
    tracked = () if isinstance(found.tracked, Refusal) else found.tracked
    return {
        "error": _refusal(found, mdev),
        "devices": [_device(found, each, place) for each in tracked],
        "entries_without_devices": [
            {"at": place(spec.value), "written": dict(spec.written)} for spec in _idle(found, tracked)
        ],
        "mdevs": [] if isinstance(mdev, Refusal) else [_parent(each) for each in parents_of(mdev, machine)],
        "aliases": _aliases(found),
        "flavors": {text: _flavor(fit) for text, fit in found.flavors.items()},
        "providers": _providers(found),
        "unread": list(machine.unread),
    }


def match_text(shown: Mapping[str, Any]) -> str:
    """What ``match_object`` gives, for a person."""
    return "\n".join(_lines(shown)) + "\n"


def _refusal(found: Match, mdev: MdevTypes | Refusal) -> str | None:
    for each in (found.specs, mdev, found.tracked, found.aliases, found.providers):
        if isinstance(each, Refusal):
            return each.message
    return None


def _device(found: Match, each: Tracked, place: Place) -> dict[str, Any]:
    device = each.device
    pool = next((number for number, pool in enumerate(found.pools) if device in pool.devices), None)
    return {
        "address": device.address,
        "ids": f"{device.vendor_id}:{device.product_id}",
        "type": device.type.value,
        "parent": device.parent,
        "numa_node": device.numa_node,
        "entry": None if each.entry is None else place(each.entry.value),
        "also": [place(spec.value) for spec in each.hidden],
        "tags": {} if each.entry is None else dict(each.entry.tags),
        "pool": pool,
        "aliases": [] if pool is None else list(_serving(found, found.pools[pool])),
        "passed_over": each.passed_over,
    }


def _parent(each: Parent) -> dict[str, Any]:
    """``offers`` is null where it is not known, and where there is no such device: ``why`` says which."""
    right = each.is_right
    absent = "the host has no such device" if each.offers is None else None
    return {
        "address": each.address,
        "type": each.type,
        "resource_class": each.resource_class,
        "offers": list(each.offers) if isinstance(each.offers, tuple) else None,
        "is_offered": None if isinstance(right, Unknown) else right,
        "why": each.offers.why if isinstance(each.offers, Unknown) else absent,
    }


def _serving(found: Match, pool: Pool) -> Iterator[str]:
    for name, choice in found.choices.items():
        if any(stock.pool is pool for stock in choice.serving):
            yield name


def _idle(found: Match, tracked: Sequence[Tracked]) -> list[DeviceSpec]:
    specs = () if isinstance(found.specs, Refusal) else found.specs
    return [spec for spec in specs if not any(each.entry is spec for each in tracked)]


def _aliases(found: Match) -> dict[str, Any]:
    return {
        name: {
            "devices": choice.count,
            "left_out": [
                {
                    "devices": [device.address for device in left.pool.devices],
                    "why": left.reason.value,
                    "differs": list(left.keys),
                }
                for left in choice.left_out
            ],
        }
        for name, choice in found.choices.items()
    }


def _flavor(fit: Fit | Refusal) -> dict[str, Any]:
    if isinstance(fit, Refusal):
        return {"error": fit.message, "passes_scheduler": False, "devices": None}
    devices = None if fit.devices is None else [device.address for device in fit.devices]
    return {"error": None, "passes_scheduler": fit.passes_scheduler, "devices": devices}


def _providers(found: Match) -> list[dict[str, Any]] | None:
    if found.providers is None or isinstance(found.providers, Refusal):
        return None
    return [
        {
            "name": each.name,
            "resource_class": each.resource_class,
            "total": len(each.devices),
            "traits": sorted(each.traits),
        }
        for each in found.providers
    ]


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    if found["error"] is not None:
        yield f"nova refuses: {found['error']}"
    devices = found["devices"]
    given = [each for each in devices if each["entry"] is not None]
    for each in given:
        yield f"{each['address']} {each['ids']} {each['type']}: {each['entry']}, pool {each['pool']}"
        if each["tags"]:
            yield "  tags: " + ", ".join(f"{key}={value}" for key, value in each["tags"].items())
        if each["also"]:
            yield f"  also matched by {', '.join(each['also'])}: the first counts"
        yield f"  aliases: {', '.join(each['aliases']) or 'none'}"
    for each in devices:
        if each["passed_over"]:
            yield f"{each['address']}: left out: {each['passed_over']}"
    rest = [each["address"] for each in devices if each["entry"] is None]
    more = (
        f"; no entry takes {', '.join(rest[:_SHOWN])}" + (" ..." if len(rest) > _SHOWN else "")
        if rest
        else ""
    )
    yield f"{len(given)} of {len(devices)} devices are tracked{more}"
    yield from _rest(found)


def _rest(found: Mapping[str, Any]) -> Iterator[str]:
    idle, aliases, flavors = found["entries_without_devices"], found["aliases"], found["flavors"]
    for each in idle:
        yield f"{each['at']}: takes no device: {each['written']}"
    yield from map(_parent_line, found["mdevs"])
    for name, alias in aliases.items():
        yield f"alias {name}: {alias['devices']} device{'s' if alias['devices'] != 1 else ''}"
        for left in () if alias["devices"] else alias["left_out"][:4]:
            differs = f" ({', '.join(left['differs'])})" if left["differs"] else ""
            yield f"  not {', '.join(left['devices'][:4])}: {left['why']}{differs}"
    for text, flavor in flavors.items():
        if flavor["error"] is not None:
            yield f"flavor {text}: refused: {flavor['error']}"
        elif flavor["devices"] is None:
            said = (
                "passes the scheduler, and nova-compute refuses it"
                if flavor["passes_scheduler"]
                else "no host"
            )
            yield f"flavor {text}: cannot be built here: {said}"
        else:
            yield f"flavor {text}: can be built here, with {', '.join(flavor['devices'])}"
    unread = found["unread"]
    for what in unread:
        yield f"not known: {what}"


def _parent_line(each: Mapping[str, Any]) -> str:
    said = f"{each['address']}: mdevs of {each['type']}, as {each['resource_class']}"
    if each["is_offered"]:
        return said
    if each["why"] is not None:
        return f"{said}: {each['why']}"
    return f"{said}: the GPU offers {', '.join(each['offers'][:_SHOWN]) or 'no type'}"
