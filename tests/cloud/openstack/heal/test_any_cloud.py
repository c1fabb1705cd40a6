"""Whatever rows, guests and hosts there are: no guest loses anything, and one repair is enough."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cloud.openstack.heal.cell import GPU, OTHER, A, B, guest_uuid, node_uuid
from tests.cloud.openstack.heal.scene import card

from gpucloud.cloud.openstack.audit.disagreement import Blocked, Restart
from gpucloud.cloud.openstack.audit.judge import judge
from gpucloud.cloud.openstack.audit.kinds import Kinds
from gpucloud.cloud.openstack.audit.observed import (
    Database,
    GivenHost,
    Hypervisor,
    Instance,
    Node,
    Nova,
    Observed,
    Provider,
    Row,
    Server,
)
from gpucloud.cloud.openstack.heal.plan import plan_repair
from gpucloud.cloud.openstack.heal.repair import Repair
from gpucloud.model.pci import Holder
from gpucloud.nova.machine import Machine

PLACES = tuple(f"0000:3b:00.{number}" for number in range(4))
STATUSES = ("available", "claimed", "allocated", "unclaimable", "unavailable", "removed", "deleted")
GUESTS = tuple(guest_uuid(number) for number in range(4))
IDS = st.sampled_from((GPU, OTHER))


@st.composite
def rows(draw: st.DrawFn, node: int) -> tuple[Row, ...]:
    """Rows of one host: a physical function with virtual ones, or plain devices."""
    has_functions = draw(st.booleans())
    found = []
    for number, address in enumerate(draw(st.sets(st.sampled_from(PLACES)))):
        is_physical = address == PLACES[0]
        kind = ("type-PF" if is_physical else "type-VF") if has_functions else "type-PCI"
        parent = PLACES[0] if kind == "type-VF" else None
        status, owner = draw(st.sampled_from(STATUSES)), draw(st.none() | st.sampled_from(GUESTS))
        found.append(Row(node * 10 + number, node, address, *draw(IDS), kind, status, owner, None, parent))
    return tuple(found)


@st.composite
def hosts(draw: st.DrawFn, name: str) -> GivenHost:
    devices = {at: card(at, draw(IDS)) for at in draw(st.sets(st.sampled_from(PLACES)))}
    held = {at: (Holder(1, "qemu", "/dev/vfio/1", "g"),) if draw(st.booleans()) else () for at in devices}
    wanted = frozenset(at for at in devices if draw(st.booleans()))
    return GivenHost(name, name, Machine(devices), held, wanted)


@st.composite
def clouds(draw: st.DrawFn) -> Observed:
    """Two hosts and one that is deleted; guests anywhere or gone; providers with and without rows."""
    nodes = (Node(1, node_uuid(1), A, A, False), Node(2, node_uuid(2), B, B, False))
    lost = Node(3, node_uuid(3), "gone", "gone", True)
    places = {uuid: draw(st.sampled_from((None, A, B))) for uuid in draw(st.sets(st.sampled_from(GUESTS)))}
    tasks = st.sampled_from((None, None, "rebuilding"))
    instances = {
        uuid: Instance(uuid, 1, host, host, "active", draw(tasks), False) for uuid, host in places.items()
    }
    told = instances.values()
    servers = {each.uuid: Server(each.uuid, "g", "ACTIVE", each.host, each.node, each.task) for each in told}
    providers = [Provider(each.uuid, each.name, each.uuid) for each in (*nodes, lost)]
    for node in (*nodes, lost):
        for at in draw(st.sets(st.sampled_from(PLACES), max_size=2)):
            who = draw(st.none() | st.sampled_from(GUESTS))
            held = {} if who is None else {who: {"CUSTOM_PCI_10DE_1DB4": 1}}
            name = f"{node.name}_{at.upper()}"
            providers.append(Provider(f"rp-{name}", name, node.uuid, True, {"CUSTOM_PCI_10DE_1DB4": 1}, held))
    every = (*draw(rows(1)), *draw(rows(2)), *draw(rows(3)))
    database = Database("cell", "any", every, (*nodes, lost), instances, ())
    known = tuple(Hypervisor(each.uuid, each.name, each.host) for each in nodes)
    return Observed(database, tuple(providers), Nova(servers, known, ()), (draw(hosts(A)), draw(hosts(B))))


def after(seen: Observed, repair: Repair) -> Observed:
    """The same cloud once the repair is made, as the database and Placement would tell."""
    assert isinstance(seen.database, Database)
    assert isinstance(seen.providers, tuple)
    now = {each.row.id: each.now for each in repair.rows}
    left = []
    for row in seen.database.rows:
        change = now.get(row.id, {})
        if "deleted" in change:
            continue
        owner = None if "instance_uuid" in change else row.owner
        left.append(replace(row, status=str(change.get("status", row.status)), owner=owner))
    gone = {(each.consumer, uuid) for each in repair.releases for uuid in each.providers}
    dropped = {each.provider.uuid for each in repair.drops}
    providers = (
        replace(each, held={who: has for who, has in each.held.items() if (who, each.uuid) not in gone})
        for each in seen.providers
        if each.uuid not in dropped
    )
    return replace(seen, database=replace(seen.database, rows=tuple(left)), providers=tuple(providers))


@pytest.mark.proof
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(clouds())
def test_no_guest_loses_anything(seen: Observed) -> None:
    assert isinstance(seen.database, Database)
    repair = plan_repair(judge(seen))
    nodes = {each.id: each.host for each in seen.database.nodes}
    hosts = {each.name: each for each in seen.hosts}
    for change in repair.rows:
        row = change.row
        guest = seen.database.instances.get(row.owner or "")
        assert guest is None or guest.host != nodes[row.node]
        host = hosts.get(nodes[row.node])
        holders = {} if host is None else host.holders
        assert isinstance(holders, dict)
        assert not holders.get(row.address)
    for release in repair.releases:
        guest = seen.database.instances.get(release.consumer)
        assert guest is None or release.tree is not None


@pytest.mark.proof
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(clouds())
def test_one_repair_is_enough(seen: Observed) -> None:
    left = after(seen, plan_repair(judge(seen)))
    again = plan_repair(judge(left))
    assert (again.rows, again.releases, again.drops) == ((), (), ())
    refused = [each.found for each in again.refused]
    for found in judge(left).found:
        assert isinstance(found.remedy, Blocked | Restart) or found in refused


def test_every_kind_is_told_of() -> None:
    page = Path(__file__).parents[4] / "docs" / "howto" / "heal-stale-devices.md"
    text = page.read_text()
    assert [each.value.id for each in Kinds if f"`{each.value.id}`" not in text] == []
