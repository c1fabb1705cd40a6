"""Pools into the aliases that flavors ask for, as one release reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.spec import NovaSettings, Pool
from gpucloud.nova.match.standard import normal_class
from gpucloud.nova.releases import pci
from gpucloud.nova.render.taken import Given
from gpucloud.nova.render.wanted import Wanted

_UNSAFE = frozenset("${}%#\\")
"""What oslo.config, Jinja2 or a shell would read otherwise in a name."""


def alias_name(pool: Pool) -> str:
    """What flavors ask for.

    Raises:
        Failure: the name has characters that nova.conf or a deployment tool reads otherwise.
    """
    name = pool.nova.alias or pool.name
    if _UNSAFE & set(name) or not name.isascii():
        raise Failure(
            f"the alias {name!r} has a character that nova.conf or a template reads otherwise",
            "use letters, digits, '-', '_' and '.'",
            code=Exit.USAGE,
        )
    return name


def aliases_of(given: Sequence[Given], wanted: Wanted) -> tuple[dict[str, str], ...]:
    """The aliases of all hosts together, each once.

    Raises:
        Failure: one name would stand for what nova does not take together.
    """
    found: dict[str, list[dict[str, str]]] = {}
    for each in given:
        alias = _alias(each, wanted)
        known = found.setdefault(alias["name"], [])
        if alias not in known:
            known.append(alias)
    return tuple(alias for name, several in found.items() for alias in _together(name, several, wanted))


def _alias(given: Given, wanted: Wanted) -> dict[str, str]:
    device = given.device
    _check_device_type(given)
    return {
        "name": alias_name(given.pool),
        "vendor_id": device.vendor_id,
        "product_id": device.product_id,
        "device_type": device.type.value,
        **alias_tags(given.pool.nova, given.resource_class, wanted),
    }


def alias_tags(nova: NovaSettings, resource_class: str | None, wanted: Wanted) -> Mapping[str, str]:
    """Keys besides name, ids and type."""
    known, tags = pci.ALIAS_KEYS.at(wanted.release), {}
    if nova.numa_policy in pci.NUMA_POLICIES.at(wanted.release):
        tags["numa_policy"] = str(nova.numa_policy)
    if wanted.schedules and "resource_class" in known:
        if resource_class is not None:
            tags["resource_class"] = normal_class(resource_class)
        if nova.traits:
            tags["traits"] = ",".join(nova.traits)
    if nova.live_migratable and "live_migratable" in known:
        tags["live_migratable"] = "yes"
    return tags


def _check_device_type(given: Given) -> None:
    said = given.pool.nova.device_type
    if said is not None and said != given.device.type:
        raise Failure(
            f"pool {given.pool.name} says {said}, and {given.device.address} is of {given.device.type}: its "
            "alias would match nothing",
            "leave device_type out",
            code=Exit.USAGE,
        )


def _together(name: str, several: list[dict[str, str]], wanted: Wanted) -> Iterator[dict[str, str]]:
    """Definitions of one name: any of them for nova, but one alone for Placement."""
    shared = ("device_type", "numa_policy")
    if any(each.get(key) != several[0].get(key) for each in several for key in shared):
        raise Failure(
            f"alias {name} would stand for devices of several types or NUMA policies, which nova refuses",
            "give each kind a pool of its own",
            code=Exit.USAGE,
        )
    if len(several) == 1 or not wanted.schedules:
        yield from several
        return
    bare = [{key: value for key, value in each.items() if not key.endswith("_id")} for each in several]
    if "resource_class" not in bare[0] or any(each != bare[0] for each in bare):
        raise Failure(
            f"alias {name} stands for several vendor and device ids, which Placement cannot look for at once",
            f"give them one class: nova: {{resource_class: CUSTOM_{name.upper().replace('-', '_')}}}",
            code=Exit.USAGE,
        )
    yield bare[0]
