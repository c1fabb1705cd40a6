"""Clouds of all kinds for hypothesis: sources that agree, that do not, and that were not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from hypothesis import strategies as st
from tests.cloud.openstack.heal.cell import GPU, OTHER, A, B, guest_uuid, node_uuid
from tests.cloud.openstack.heal.scene import card

from gpucloud.cloud.openstack.audit.observed import (
    Database,
    GivenHost,
    Hypervisor,
    Instance,
    Migration,
    Node,
    Nova,
    Observed,
    Provider,
    Row,
    Server,
)
from gpucloud.model.pci import Holder
from gpucloud.model.unknown import Unknown
from gpucloud.nova.machine import Machine

PLACES = tuple(f"0000:3b:00.{number}" for number in range(4))
STATUSES = ("available", "claimed", "allocated", "unclaimable", "unavailable", "removed", "deleted")
GUESTS = tuple(guest_uuid(number) for number in range(4))
MOVES = tuple(f"00000000-0000-0000-00ff-{number:012d}" for number in range(2))
IDS = st.sampled_from((GPU, OTHER))
NODES = (Node(1, node_uuid(1), A, A, False), Node(2, node_uuid(2), B, B, False))
LOST = Node(3, node_uuid(3), "gone", "gone", True)
UNREAD = Unknown("not read")
MOSTLY = st.sampled_from((True, True, True, True, False))


@st.composite
def rows(draw: st.DrawFn, node: int) -> tuple[Row, ...]:
    """Rows of one host: a physical function with virtual ones, or plain devices."""
    has_functions = draw(st.booleans())
    found = []
    for number, address in enumerate(sorted(draw(st.sets(st.sampled_from(PLACES))))):
        is_physical = address == PLACES[0]
        kind = ("type-PF" if is_physical else "type-VF") if has_functions else "type-PCI"
        parent = PLACES[0] if kind == "type-VF" else None
        status, owner = draw(st.sampled_from(STATUSES)), draw(st.none() | st.sampled_from(GUESTS))
        found.append(Row(node * 10 + number, node, address, *draw(IDS), kind, status, owner, None, parent))
    return tuple(found)


@st.composite
def hosts(draw: st.DrawFn, name: str) -> GivenHost:
    """A host with guests that nova may not know; of some not all could be read."""
    has_functions = draw(st.booleans())
    devices = {at: card(at, draw(IDS)) for at in sorted(draw(st.sets(st.sampled_from(PLACES))))}
    if has_functions:
        devices = {
            at: replace(each, parent=PLACES[0] if at != PLACES[0] else None) for at, each in devices.items()
        }
    held = {at: (Holder(1, "qemu", "/dev/vfio/1", "g"),) if draw(st.booleans()) else () for at in devices}
    wanted = frozenset(at for at in devices if draw(st.booleans()))
    unread = draw(st.sampled_from(((), (), ("a device: EIO",))))
    holders: Mapping[str, tuple[Holder, ...] | Unknown] | Unknown = held if draw(MOSTLY) else UNREAD
    return GivenHost(name, name, Machine(devices, unread=unread), holders, wanted)


@st.composite
def migrations(draw: st.DrawFn) -> tuple[Migration, ...]:
    statuses = st.sampled_from(("running", "error", "completed"))
    chosen = sorted(draw(st.sets(st.sampled_from(MOVES))))
    return tuple(
        Migration(each, GUESTS[MOVES.index(each)], draw(statuses), A, B, draw(st.booleans()))
        for each in chosen
    )


@st.composite
def guests(draw: st.DrawFn) -> tuple[dict[str, Instance], dict[str, Server]]:
    """What the database and nova-api know of guests: mostly the same."""
    places, tasks = (
        st.sampled_from((None, A, A, B, B, "gone", "other")),
        st.sampled_from((None, None, "rebuilding")),
    )
    instances, servers = {}, {}
    for uuid in sorted(draw(st.sets(st.sampled_from(GUESTS)))):
        host, task, is_deleted = draw(places), draw(tasks), draw(st.sampled_from((False, False, True)))
        instances[uuid] = Instance(uuid, 1, host, host, "active", task, is_deleted)
        if not is_deleted:
            there = draw(st.sampled_from((host, host, host, A)))
            servers[uuid] = Server(uuid, "g", "ACTIVE", there, there, task)
    for uuid in sorted(draw(st.sets(st.sampled_from(GUESTS), max_size=1))):
        servers.setdefault(uuid, Server(uuid, "g", "ACTIVE", B, B, None))
    return instances, servers


@st.composite
def trees(draw: st.DrawFn) -> tuple[Provider, ...]:
    """Hosts' providers with those of devices below, and of slices of some below these."""
    return tuple(each for node in (*NODES, LOST) for each in _tree(draw, node))


def _tree(draw: st.DrawFn, node: Node) -> Iterator[Provider]:
    def held() -> dict[str, dict[str, int]]:
        chosen = draw(st.sets(st.sampled_from((*GUESTS, *MOVES)), max_size=1))
        return {consumer: {"CUSTOM_PCI_10DE_1DB4": 1} for consumer in sorted(chosen)}

    yield Provider(node.uuid, node.name, node.uuid, held={})
    for at in sorted(draw(st.sets(st.sampled_from(PLACES), max_size=2))):
        name, stock = f"{node.name}_{at.upper()}", {"CUSTOM_PCI_10DE_1DB4": 1}
        device = Provider(f"rp-{name}", name, node.uuid, True, stock, held(), node.uuid)
        yield device
        if draw(st.booleans()):
            below = f"{node.name}_pci_{at.replace(':', '_').replace('.', '_')}"
            yield Provider(f"rp-{below}", below, node.uuid, draw(st.booleans()), stock, held(), device.uuid)


@st.composite
def clouds(draw: st.DrawFn) -> Observed:
    """Two hosts and one that is deleted; guests anywhere or gone; providers with and without rows."""
    instances, servers = draw(guests())
    every = (*draw(rows(1)), *draw(rows(2)), *draw(rows(3)))
    moves = draw(migrations())
    database = Database("cell", "any", every, (*NODES, LOST), instances, moves)
    known = tuple(Hypervisor(each.uuid, each.name, each.host) for each in NODES)
    nova = Nova(servers if draw(MOSTLY) else UNREAD, known, draw(migrations()))
    seen = tuple(draw(hosts(each.host)) for each in NODES if draw(MOSTLY))
    return Observed(
        database if draw(MOSTLY) else UNREAD, draw(trees()), nova if draw(MOSTLY) else UNREAD, seen
    )


def repaired(
    seen: Observed, rows: Mapping[int, Mapping[str, object]], gone: set[tuple[str, str]], dropped: set[str]
) -> Observed:
    """The same cloud once a repair is made, as the database and Placement would tell.

    Args:
        seen: before.
        rows: columns that change, by the rows' keys.
        gone: consumers and the providers of which they hold nothing any more.
        dropped: providers that are deleted.
    """
    database, told = seen.database, seen.providers
    if not isinstance(database, Unknown):
        left = []
        for row in database.rows:
            change = rows.get(row.id, {})
            owner = None if "instance_uuid" in change else row.owner
            if "deleted" not in change:
                left.append(replace(row, status=str(change.get("status", row.status)), owner=owner))
        database = replace(database, rows=tuple(left))
    assert isinstance(told, tuple)
    providers = (
        replace(each, held={who: has for who, has in each.held.items() if (who, each.uuid) not in gone})
        for each in told
        if each.uuid not in dropped
    )
    return replace(seen, database=database, providers=tuple(providers))
