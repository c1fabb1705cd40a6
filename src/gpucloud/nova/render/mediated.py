"""Parents of mediated devices into ``[devices]`` and its sections, as one release reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from gpucloud.model.failure import Failure
from gpucloud.nova.mdev import MdevSection, choose_types
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import vgpu
from gpucloud.nova.releases.release import Release
from gpucloud.nova.render.taken import HostTaken, Parent

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
DOWNTIME = {
    "live_migration_downtime": "500000",
    "live_migration_downtime_steps": "3",
    "live_migration_downtime_delay": "3",
}
"""Milliseconds, steps, seconds: nova's guide for guests with vGPUs (doc/source/admin/virtual-gpu.rst)."""
NO_POST_COPY = {"live_migration_permit_post_copy": "false"}
"""QEMU refuses post-copy for guests with VFIO devices."""


def types_of(taken: HostTaken, release: Release) -> Mapping[str, MdevSection]:
    """The types of a host with their sections, in the order of their first GPU.

    Raises:
        Failure: the release would give some GPU another type, class, or a type that nobody asked for, or
            takes PCI functions alone.
    """
    _check_functions(taken, release)
    types = list(dict.fromkeys(parent.type for parent in taken.parents))
    for name in types:
        if not _SAFE.fullmatch(name):
            raise Failure(f"{taken.name}: {name[:60]!r} is no name of a vGPU type", "look at the capture")
    keys = _keys(types, release)
    parents = _limited(taken.parents) if "device_addresses" in keys else taken.parents
    sections = {name: _section([each for each in parents if each.type == name], keys) for name in types}
    _check(taken, parents, sections, release)
    return sections


def _check_functions(taken: HostTaken, release: Release) -> None:
    """Refuse parents that are no PCI functions to a release that looks for PCI functions alone.

    Source: nova commit f412fac1ae; before, ``_get_mdev_capabilities_for_dev`` read the PCI capability of
    every parent, and ``_get_supported_vgpu_types`` refused what is no PCI address.
    """
    others = [parent for parent in taken.parents if not parent.is_function]
    if others and not vgpu.MDEV_VIRTUAL_PARENT.at(release):
        raise Failure(
            f"{taken.name}: nova {release} has mediated devices of PCI functions alone, not of "
            f"{others[0].address} (pool {others[0].pool.name})",
            "take it out of the pool",
        )


def _keys(types: Sequence[str], release: Release) -> tuple[str, ...]:
    """Keys of the types' sections that count."""
    is_read = len(types) > 1 and vgpu.SEVERAL_TYPES.at(release)
    return vgpu.MDEV_KEYS.at(release) if is_read or vgpu.SINGLE_TYPE_READS_GROUP.at(release) else ()


def _limited(parents: Sequence[Parent]) -> tuple[Parent, ...]:
    """So many VFs of each card as its limit says, each of which holds one device.

    Nova's own ``max_instances`` counts a host's devices of the type together, card after card, and drops what
    is above it: the first card would get all, and one that is itself the parent nothing.
    """
    kept: list[Parent] = []
    for parent in parents:
        mates = [each for each in kept if (each.card, each.type) == (parent.card, parent.type)]
        is_whole = parent.address == parent.card or parent.max_instances is None
        if is_whole or len(mates) < (parent.max_instances or 0):
            kept.append(parent)
    return tuple(kept)


def _section(parents: Sequence[Parent], keys: tuple[str, ...]) -> MdevSection:
    return MdevSection(
        tuple(each.address for each in parents) if "device_addresses" in keys else (),
        parents[0].resource_class if "mdev_class" in keys else "VGPU",
    )


def _check(
    taken: HostTaken, parents: Sequence[Parent], sections: Mapping[str, MdevSection], release: Release
) -> None:
    """Ask the rules of the release what it would make of the sections."""
    beside = [parent for parent in taken.offered if ":" not in parent]
    found = choose_types(list(sections), sections, release, virtual_parents=beside)
    if isinstance(found, Refusal):
        said = f"{taken.name}: nova {release} refuses its vGPU types: {found.message}"
        raise Failure(said, "change the pools")
    meant = {parent.address: parent for parent in parents}
    for address, offered in taken.offered.items():
        parent = meant.get(address)
        if parent is None and ":" not in address:
            continue  # no type without addresses is for it: losses_of says what becomes of it
        chosen = found.type_of(address) if found.enabled else None
        if parent is None and chosen in offered:
            raise Failure(
                f"{taken.name}: nova {release} would also cut {address}, which no pool takes, into {chosen}",
                "it reads no addresses where a host has one type: put the card into a pool",
            )
        if parent is not None and chosen != parent.type:
            raise Failure(
                f"{taken.name}: nova {release} does not cut {address} into {parent.type}",
                "its hosts have no vGPUs, or one type each",
            )
        if parent is not None and found.class_of(address) != parent.resource_class:
            raise Failure(
                f"{taken.name}: nova {release} counts {address} as {found.class_of(address)}, not as "
                f"{parent.resource_class}",
                "leave resource_class out",
            )


def losses_of(taken: HostTaken, release: Release) -> Iterator[str]:
    """What types ask for, and do not get from this release."""
    keys = _keys(list({parent.type for parent in taken.parents}), release)
    yield from _traits(taken)
    yield from _in_the_way(taken)
    on_vfs = {parent.card for parent in taken.parents if parent.card != parent.address}
    if on_vfs:
        yield (
            f"{taken.name}: the VFs of {', '.join(sorted(on_vfs))} must be on before nova-compute starts, "
            "after every start of the host: nova does not make them, gpucloud boot does"
        )
    for parent in taken.parents:
        left_out = f"{taken.name}: max_instances of {parent.type} is left out: nova {release}"
        if parent.max_instances is not None and parent.address == parent.card:
            yield f"{left_out} would drop {parent.card} whole, not cut it into fewer"
        elif parent.max_instances is not None and "device_addresses" not in keys:
            yield f"{left_out} uses every VF where a host has one type"
        if parent.pool.nova.live_migratable and not vgpu.MDEV_LIVE_MIGRATION.at(release):
            yield f"pool {parent.pool.name}: nova {release} cannot move guests with vGPUs"
        if not vgpu.MDEV_PERSISTENT.at(release):
            yield (
                f"{taken.name}: nova {release} does not keep mediated devices over a start of the host: make "
                "them again (mdevctl) before nova-compute starts"
            )


def _in_the_way(taken: HostTaken) -> Iterator[str]:
    """Parents that are no PCI functions and in no pool: nova takes what it was not told of for functions.

    Source: nova, driver.py, ``_get_mdev_capabilities_for_dev``.
    """
    named = {parent.address for parent in taken.parents}
    for parent in taken.offered if named else ():
        if ":" not in parent and parent not in named:
            yield (
                f"{taken.name}: {parent} is in no pool: where libvirt lists it, nova-compute cannot report "
                "devices ('NoneType' object has no attribute 'vendor_id'): unload its driver"
            )


def _traits(taken: HostTaken) -> Iterator[str]:
    """Nova gives the providers of mediated devices no traits, and leaves alone those that they have.

    Source: nova, doc/source/admin/virtual-gpu.rst; driver.py, ``_update_provider_tree_for_vgpu``.
    """
    for pool in dict.fromkeys(parent.pool.name for parent in taken.parents if parent.pool.nova.traits):
        mine = [parent for parent in taken.parents if parent.pool.name == pool]
        wanted = " ".join(f"--trait {trait}" for trait in mine[0].pool.nova.traits)
        yield (
            f"{taken.name}: nova gives mediated devices no traits: set those of pool {pool} on its "
            f"{len(mine)} providers ({taken.name}_{_node(mine[0].address)} and so on) once they are there: "
            f"openstack --os-placement-api-version 1.6 resource provider trait set {wanted} UUID"
        )


def _node(address: str) -> str:
    """What libvirt calls a parent, and nova its provider behind the host's name."""
    return address if ":" not in address else "pci_" + address.replace(":", "_").replace(".", "_")


def migration_of(taken: HostTaken, release: Release) -> Mapping[str, str]:
    """Options of ``[libvirt]`` for guests that are to be moved."""
    if any(each.pool.nova.live_migratable for each in taken.parents) and vgpu.MDEV_LIVE_MIGRATION.at(release):
        return {**NO_POST_COPY, **DOWNTIME}
    return {}
