"""Quotas of the spec, as nova keeps them, or as limits of keystone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpucloud.cloud.openstack.publish.flavors import gpu_of
from gpucloud.cloud.openstack.publish.offer import Flavor, Offer
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.spec import Placement, Pool, Spec
from gpucloud.model.spec.catalogue import QuotaWish
from gpucloud.nova.match.placement import ask_of
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release

_SERVERS, _METADATA = "servers", "server_metadata_items"
"""nova/conf/quota.py: unified_limits_resource_list, and nova/limit/local.py."""
_UNIFIED_SINCE = 25
"""nova.quota.UnifiedLimitsDriver (nova release note of 25.0.0)."""


def quota_of(wish: QuotaWish, where: str) -> dict[str, int]:
    """What nova's own quotas say.

    Raises:
        Failure: GPUs are to be limited, which they cannot.
    """
    if wish.gpus or wish.resources:
        what = "GPUs" if wish.gpus else wish.resources[0].name
        raise Failure(
            f"{where}: nova's own quotas do not count {what}",
            "leave them out, or write unified: true where nova has the driver for unified limits",
            code=Exit.USAGE,
        )
    said = {"instances": wish.servers, "cores": wish.vcpus, "ram": wish.ram_mib}
    return {name: value for name, value in said.items() if value is not None}


def limits_of(spec: Spec, wish: QuotaWish, where: str, release: Release) -> dict[str, int]:
    """The same as limits of keystone, with the names that nova asks for (nova/limit/placement.py).

    Raises:
        Failure: the release does not ask keystone, or does not count such devices.
    """
    if release.number < _UNIFIED_SINCE:
        raise Failure(f"nova {release} keeps its own quotas", "leave unified: true out", code=Exit.USAGE)
    found: dict[str, int] = {}
    for name, value in _limits(spec, wish, where, release):
        if found.setdefault(name, value) != value:
            raise Failure(
                f"{where}: {name} is limited to {found[name]} and to {value}",
                "keystone has one limit for each class that counts: write the same for all pools of it",
                code=Exit.USAGE,
            )
    return found


def limit_doubts(offer: Offer, registered: Iterable[str], release: Release) -> Iterator[str]:
    """What keystone has no default of, and nova therefore takes for 0, or wants to be there.

    Args:
        offer: what is to be.
        registered: resources of the limits that keystone has for all projects.
        release: of nova.
    """
    has = {*registered, *(name for project, name in offer.limits if project is None)}
    needed = {_SERVERS: "every guest"}
    if pci.UNREGISTERED_IS_ZERO.at(release):
        needed[_METADATA] = "guests with metadata, as gpucloud launch makes them"
        for name, flavor in sorted(offer.flavors.items()):
            for kind in _classes(flavor):
                needed.setdefault(f"class:{kind}", f"guests of flavor {name}")
    for limit in sorted(needed.keys() - has):
        yield (
            f"quotas: keystone has no limit of {limit} for all projects, so nova {release} refuses "
            f"{needed[limit]}: write it under publish: quotas: default, or openstack registered limit create"
        )


def _classes(flavor: Flavor) -> Iterator[str]:
    """What a guest of the flavor takes of Placement's (nova/scheduler/utils.py: ResourceRequest)."""
    yield "PCPU" if flavor.extra_specs.get("hw:cpu_policy") == "dedicated" else "VCPU"
    yield "MEMORY_MB"
    if flavor.disk_gib or flavor.ephemeral_gib or flavor.swap_mib:
        yield "DISK_GB"
    for key, amount in flavor.extra_specs.items():
        group, separator, kind = key.partition(":")
        if separator and group.startswith("resources") and amount != "0":
            yield kind


def _limits(spec: Spec, wish: QuotaWish, where: str, release: Release) -> Iterator[tuple[str, int]]:
    said = {_SERVERS: wish.servers, "class:VCPU": wish.vcpus, "class:MEMORY_MB": wish.ram_mib}
    yield from ((name, value) for name, value in said.items() if value is not None)
    yield from ((f"class:{amount.name}", amount.count) for amount in wish.resources)
    for amount in wish.gpus:
        gpu = gpu_of(spec, amount.name, where)
        kind = gpu.resource_class or _class_of_alias(spec, gpu.pool, where, release)
        yield f"class:{kind}", amount.count


def _class_of_alias(spec: Spec, pool: Pool, where: str, release: Release) -> str:
    placement = spec.openstack.placement if spec.openstack is not None else None
    if placement is not Placement.SCHEDULE or not pci.ALIASES_COUNT_FOR_LIMITS.at(release):
        raise Failure(
            f"{where}: nova {release} with placement: {(placement or Placement.OFF).value} does not count "
            f"devices of pool {pool.name} against limits",
            "that needs nova 34.0.0 and placement: schedule",
            code=Exit.USAGE,
        )
    ids = {each for match in pool.matches for each in match.ids}
    if pool.nova.resource_class is None and (len(ids) != 1 or not all(match.ids for match in pool.matches)):
        raise Failure(
            f"{where}: only the hosts show what Placement counts pool {pool.name} as",
            f"write pools: {pool.name}: nova: resource_class",
            code=Exit.USAGE,
        )
    if pool.nova.resource_class is not None:
        return ask_of({"resource_class": pool.nova.resource_class}).resource_class
    only = ids.pop()
    return ask_of({"vendor_id": f"{only.vendor:04x}", "product_id": f"{only.device:04x}"}).resource_class
