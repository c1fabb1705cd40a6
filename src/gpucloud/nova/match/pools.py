"""Pools: devices that nova does not tell apart when it schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gpucloud.nova.device_spec import DeviceSpec
from gpucloud.nova.machine import Device, DeviceType
from gpucloud.nova.match.track import Tracked
from gpucloud.nova.reading import Json
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release

_BOOKKEEPING = ("count", "devices")
_FOR_PLACEMENT = ("resource_class", "traits", "rp_uuids", "rp_uuid")
_WITH_REMOTE_MANAGED = (DeviceType.PF, DeviceType.VF, DeviceType.VDPA)


@dataclass(frozen=True, slots=True)
class Pool:
    """Devices with the same properties.

    Args:
        properties: what requests are compared with: ids, ``dev_type``, ``numa_node``, and every tag.
        devices: in the order in which nova added them; it hands out the last one first.
        is_found_again: nova finds the pool of one of its devices when it looks for it. Tags with the name of
            what nova notes in a pool (``count``), and numbers that equal nothing (NaN), keep it from that.
    """

    properties: Mapping[str, Json]
    devices: tuple[Device, ...]
    is_found_again: bool = True


def make_pools(tracked: Sequence[Tracked], release: Release) -> tuple[Pool, ...]:
    """The pools of a host on which nothing is in use, in the order in which nova takes from them."""
    pools: list[Pool] = []
    for each in tracked:
        if each.entry is None:
            continue
        wanted = _properties(each.device, each.entry, release)
        place = next((n for n, pool in enumerate(pools) if _is_same(wanted, pool.properties)), None)
        if place is not None:
            pools[place] = replace(pools[place], devices=(*pools[place].devices, each.device))
            continue
        kept = {key: value for key, value in wanted.items() if key not in _BOOKKEEPING}
        pools.append(Pool(kept, (each.device,), _is_same(wanted, kept)))
        pools.sort(key=lambda pool: len(pool.properties))
    return tuple(pools)


def ignored_keys(release: Release) -> tuple[str, ...]:
    """Keys of entries and aliases that only Placement looks at."""
    return _FOR_PLACEMENT if pci.POOL_FOR_EACH_DEVICE.at(release) else ()


def _properties(device: Device, entry: DeviceSpec, release: Release) -> dict[str, Json]:
    ignored = ignored_keys(release)
    properties: dict[str, Json] = {
        "product_id": device.product_id,
        "vendor_id": device.vendor_id,
        "numa_node": device.numa_node,
        "dev_type": device.type.value,
    }
    properties |= {key: value for key, value in entry.tags.items() if key not in ignored}
    if pci.POOL_FOR_EACH_DEVICE.at(release):
        properties["address"] = device.parent or device.address
    if (
        pci.REMOTE_MANAGED.at(release)
        and device.type in _WITH_REMOTE_MANAGED
        and properties.get("remote_managed") is None
    ):
        properties["remote_managed"] = "false"
    return properties


def _is_same(wanted: Mapping[str, Json], known: Mapping[str, Json]) -> bool:
    """As nova compares: the same number of properties, and each wanted one equal (absent is None)."""
    return len(wanted) == len(known) and all(known.get(key) == value for key, value in wanted.items())
