"""Whatever rows, guests and hosts there are: nothing that a guest uses is touched, and one repair is enough.

What a guest uses is said here once more, apart from the rules: from the sources' words alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cloud.openstack.heal.any_cloud import LOST, NODES, clouds, repaired

from gpucloud.cloud.openstack.audit.disagreement import Blocked, Restart
from gpucloud.cloud.openstack.audit.judge import judge
from gpucloud.cloud.openstack.audit.kinds import Kinds
from gpucloud.cloud.openstack.audit.observed import Database, Migration, Node, Observed, Provider, Row, Server
from gpucloud.cloud.openstack.heal.plan import plan_repair
from gpucloud.cloud.openstack.heal.repair import Repair, RowChange
from gpucloud.model.unknown import Unknown

often = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@dataclass(frozen=True)
class Truth:
    """What may be, as far as the sources say; ``trusts`` is that of whoever repairs."""

    seen: Observed
    trusts: bool

    @property
    def database(self) -> Database:
        assert isinstance(self.seen.database, Database)
        return self.seen.database

    @property
    def servers(self) -> dict[str, Server] | None:
        nova = self.seen.nova
        return None if isinstance(nova, Unknown) or isinstance(nova.servers, Unknown) else dict(nova.servers)

    def moves(self) -> list[Migration]:
        of_database = [] if isinstance(self.seen.database, Unknown) else list(self.seen.database.migrations)
        nova = self.seen.nova
        listed = [] if isinstance(nova, Unknown) or isinstance(nova.migrations, Unknown) else nova.migrations
        return [*of_database, *listed]

    def is_moving(self, uuid: str) -> bool:
        ends = ("error", "completed")
        return any(
            uuid in (m.instance, m.uuid) and m.status not in ends and not m.is_deleted for m in self.moves()
        )

    def places(self, uuid: str, *, of_any_cell: bool = False) -> set[str]:
        """Hosts where a guest may be; ``*`` for anywhere, as where this cell does not know it."""
        instance = None if isinstance(self.seen.database, Unknown) else self.database.instances.get(uuid)
        server = None if self.servers is None else self.servers.get(uuid)
        is_deleted = instance is not None and instance.is_deleted
        if (
            self.is_moving(uuid)
            or (server and server.task)
            or (instance and instance.task and not is_deleted)
        ):
            return {"*"}
        if instance is None and server is None:
            return {"*"} if self.servers is None else set()
        if is_deleted and server is None:
            return set()
        known = [server] if is_deleted else [instance, server]
        told = [each.host for each in known if each is not None and each.host is not None]
        is_known = bool(told) and all(host in {node.host for node in NODES} for host in told)
        if (instance is None or is_deleted) and is_known and of_any_cell:
            return set(told)
        has_row = instance is not None and not is_deleted
        return set(told) if (is_known or not told) and has_row else {"*"}

    def has_open(self, node: Node, address: str, *, alone: bool = False) -> bool | None:
        """Whether a guest has a device, or a relative of it; None where nobody knows."""
        host = next((each for each in self.seen.hosts if each.name == node.host), None)
        if host is None or isinstance(host.holders, Unknown):
            return None
        rows = [] if isinstance(self.seen.database, Unknown) else self.database.rows
        pairs = {(row.address, row.parent) for row in rows if row.node == node.id}
        pairs |= {(at, each.parent) for at, each in host.machine.devices.items()}
        family = {address}
        if not alone:
            family |= {at for at, above in pairs if above == address}
            family |= {above for at, above in pairs if at == address and above}
        if any(host.holders.get(each) for each in family):
            return True
        return None if host.machine.unread and family - host.holders.keys() else False

    def may_use(self, node: Node, address: str) -> bool:
        found = self.has_open(node, address)
        return not self.trusts if found is None else found


def node_of(row: Row) -> Node:
    return next(each for each in (*NODES, LOST) if each.id == row.node)


def check_row(truth: Truth, change: RowChange) -> None:
    row, node = change.row, node_of(change.row)
    is_block = change.now in ({"status": "unavailable"}, {"status": "unclaimable"})
    if is_block and row.status == "available" and row.owner is None:
        assert not truth.has_open(node, row.address, alone=True)
        return
    places = set() if row.owner is None else truth.places(row.owner)
    assert not places & {node.host, "*"}
    assert node is LOST or not truth.may_use(node, row.address)


def check_release(truth: Truth, consumer: str, provider: Provider, providers: tuple[Provider, ...]) -> None:
    """Nobody who holds a thing where he is loses it; and nothing of a device that a guest has open."""
    node = next((each for each in NODES if each.uuid == provider.root), None)
    ended = next((each for each in truth.moves() if each.uuid == consumer), None)
    guest = consumer if ended is None else ended.instance
    assert not truth.is_moving(guest)
    if node is None:
        return
    if ended is None:
        assert not truth.places(guest, of_any_cell=True) & {node.host, "*"}
    elif truth.places(guest, of_any_cell=True) & {node.host, "*"}:  # it still holds what it has there itself
        assert any(
            guest in each.held for each in providers if each.root == provider.root and not each.is_root
        )
    if not provider.is_root:
        address = provider.name[-12:].lower().replace("_", ":")
        assert not truth.may_use(node, f"{address[:10]}.{address[11]}")


def check_drops(truth: Truth, repair: Repair, providers: tuple[Provider, ...]) -> None:
    gone = {(each.consumer, uuid) for each in repair.releases for uuid in each.providers}
    dropped: set[str] = set()
    for each in repair.drops:
        provider = each.provider
        assert all((consumer, provider.uuid) in gone for consumer in provider.held)
        assert not [one for one in providers if one.parent == provider.uuid and one.uuid not in dropped]
        dropped.add(provider.uuid)
        node = next((one for one in NODES if one.uuid == provider.root), None)
        if node is not None:
            address = provider.name[-12:].lower().replace("_", ":")
            assert not truth.may_use(node, f"{address[:10]}.{address[11]}")


@pytest.mark.proof
@often
@given(clouds(), st.booleans())
def test_nothing_that_a_guest_uses_is_touched(seen: Observed, trusts: bool) -> None:
    truth, repair = Truth(seen, trusts), plan_repair(judge(seen), trusts_nova=trusts)
    assert isinstance(seen.providers, tuple)
    by_uuid = {each.uuid: each for each in seen.providers}
    for change in repair.rows:
        check_row(truth, change)
    for release in repair.releases:
        for uuid in release.providers:
            check_release(truth, release.consumer, by_uuid[uuid], seen.providers)
    check_drops(truth, repair, seen.providers)


@pytest.mark.proof
@often
@given(clouds(), st.booleans())
def test_one_repair_is_enough(seen: Observed, trusts: bool) -> None:
    repair = plan_repair(judge(seen), trusts_nova=trusts)
    rows = {each.row.id: dict(each.now) for each in repair.rows}
    gone = {(each.consumer, uuid) for each in repair.releases for uuid in each.providers}
    left = repaired(seen, rows, gone, {each.provider.uuid for each in repair.drops})
    again = plan_repair(judge(left), trusts_nova=trusts)
    assert (again.rows, again.releases, again.drops) == ((), (), ())
    refused = [each.found for each in again.refused]
    for found in judge(left).found:
        assert isinstance(found.remedy, Blocked | Restart) or found in refused


def test_every_kind_is_told_of() -> None:
    page = Path(__file__).parents[4] / "docs" / "howto" / "heal-stale-devices.md"
    text = page.read_text()
    assert [each.value.id for each in Kinds if f"`{each.value.id}`" not in text] == []
