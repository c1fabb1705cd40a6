"""Guests that live, or may: where sources disagree over them, nothing is taken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.cloud.openstack.heal.cell import A, B, guest_uuid, node_uuid
from tests.cloud.openstack.heal.scene import UNSEEN, Scene, card

from gpucloud.cloud.openstack.audit.disagreement import Blocked, Release, SetStatus
from gpucloud.cloud.openstack.audit.observed import Provider
from gpucloud.nova.machine import Device, Machine

X, V, W = "0000:3b:00.0", "0000:3b:00.4", "0000:3b:00.5"


@pytest.fixture
def scene() -> Scene:
    return Scene()


def virtual(address: str) -> Device:
    return replace(card(address, kind="type-VF"), parent=X)


def test_a_guest_of_the_host_under_another_node_is_on_it(scene: Scene) -> None:
    guest = scene.cell.guest(1, A)
    scene.cell.change("instances", 1, node="gpu01.old.example.org")
    scene.cell.row(1, X, "allocated", owner=guest)
    scene.host(card(X))
    assert not scene.plan().rows


@pytest.mark.parametrize("host", ["gpu01.example.org", "gpu77"])
def test_a_guest_of_a_host_that_may_be_this_one_is_not_elsewhere(scene: Scene, host: str) -> None:
    scene.cell.node(3, "gpu01.example.org")
    scene.cell.row(1, X, "allocated", owner=scene.cell.guest(1, host))
    assert not scene.plan(trusts_nova=True).rows


def test_a_guest_whose_host_was_named_anew_keeps_the_rows_of_the_old_name(scene: Scene) -> None:
    scene.cell.node(3, "gpu07", deleted=True)
    scene.cell.node(4, "gpu07.example.org")
    scene.cell.row(1, X, "allocated", node=3, owner=scene.cell.guest(1, "gpu07.example.org"))
    assert not scene.plan(trusts_nova=True).rows


def test_a_guest_that_nova_api_sees_on_the_host_meanwhile_is_not_elsewhere(scene: Scene) -> None:
    guest = scene.cell.guest(1, B)
    scene.server(guest, A)
    scene.cell.row(1, X, "allocated", owner=guest)
    assert not scene.plan(trusts_nova=True).rows


@pytest.mark.parametrize("node", [1, 9])
def test_a_guest_that_may_be_of_another_cell_keeps_its_row(scene: Scene, node: int) -> None:
    scene.sees_nova = False
    scene.cell.row(1, X, "allocated", node=node, owner=guest_uuid(9))
    (refused,) = scene.plan(trusts_nova=True).refused
    assert not scene.plan(trusts_nova=True).rows
    assert refused.found.title


def test_a_guest_that_the_database_has_as_deleted_is_gone_without_nova_api(scene: Scene) -> None:
    scene.sees_nova = False
    scene.cell.row(1, X, "allocated", owner=scene.cell.guest(1, deleted=True))
    assert len(scene.plan(trusts_nova=True).rows) == 1


def test_a_gone_guest_whose_migration_was_deleted_with_it_is_found(scene: Scene) -> None:
    guest = scene.cell.guest(1, deleted=True)
    scene.cell.migration(1, guest, "running")
    scene.cell.change("migrations", 1, deleted=1)
    scene.cell.row(1, X, "allocated", owner=guest)
    assert scene.kinds() == ["row-of-gone-guest"]


def test_a_device_that_could_not_be_read_is_not_outside_device_spec(scene: Scene) -> None:
    scene.cell.row(1, X)
    scene.host(wanted=())
    scene.hosts = [replace(each, machine=Machine(unread=(f"{X}: ids: EIO",))) for each in scene.hosts]
    assert scene.kinds() == []


def test_who_has_a_device_that_could_not_be_read_is_not_known(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    scene.host()
    scene.hosts = [replace(each, machine=Machine(unread=("PCI functions: EIO",))) for each in scene.hosts]
    (refused,) = scene.plan().refused
    assert "EIO" in refused.why


def test_virtual_functions_are_not_freed_beside_a_physical_one_that_a_guest_has(scene: Scene) -> None:
    scene.cell.row(2, V, "unavailable", kind="type-VF", parent=X)
    scene.host(card(X, kind="type-PF"), virtual(V), held={X: "instance-00000007"})
    repair = scene.plan()
    assert not repair.rows
    assert "instance-00000007" in repair.refused[0].why


def test_a_virtual_function_is_blocked_while_a_guest_has_the_physical_one(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", kind="type-PF", owner=scene.cell.guest(1))
    scene.cell.row(2, V, kind="type-VF", parent=X)
    scene.cell.row(3, W, "unavailable", kind="type-VF", parent=X, owner=scene.cell.guest(2, deleted=True))
    scene.host(card(X, kind="type-PF"), held={X: "instance-00000001"})
    scene.server(guest_uuid(1), A)
    statuses = {each.row.id: each.now["status"] for each in scene.plan(trusts_nova=True).rows}
    assert statuses == {2: "unavailable"}
    scene.hosts = []
    statuses = {each.row.id: each.now["status"] for each in scene.plan(trusts_nova=True).rows}
    assert statuses == {2: "unavailable", 3: "unavailable"}


def test_a_physical_function_is_blocked_beside_the_guest_of_a_virtual_one(scene: Scene) -> None:
    scene.cell.row(1, X, kind="type-PF")
    scene.cell.row(2, V, "allocated", kind="type-VF", parent=X, owner=scene.cell.guest(1))
    scene.host(card(X, kind="type-PF"), virtual(V), held={V: "instance-00000001"})
    audit = scene.audit().found
    assert [each.kind.id for each in audit] == ["guest-without-row", "row-free-beside-busy"]
    assert [each.remedy for each in audit if isinstance(each.remedy, SetStatus)]
    assert [each.now for each in scene.plan().rows] == [{"status": "unavailable"}]


def test_without_a_database_nobody_knows_whose_host_it_is(scene: Scene) -> None:
    scene.tree(1, A)
    scene.device(1, A, X, **{guest_uuid(5): 1})
    scene.hypervisors = scene.hypervisors[1:]
    seen = replace(scene.look(), database=UNSEEN)
    assert not scene.plan_of(seen).count
    assert not scene.plan_of(seen, trusts_nova=True).count


def test_a_host_is_looked_at_for_placement_without_a_database(scene: Scene) -> None:
    scene.tree(1, A)
    scene.device(1, A, X, **{guest_uuid(5): 1})
    scene.host(card(X), held={X: "instance-00000005"})
    seen = replace(scene.look(), database=UNSEEN)
    assert not scene.plan_of(seen, trusts_nova=True).count


@pytest.mark.parametrize("name", [f"{A}_pci_0000_3b_00_0", f"{A}_slices"])
def test_slices_of_a_card_are_not_taken_back_from_a_guest_that_has_one(scene: Scene, name: str) -> None:
    held = {guest_uuid(5): {"VGPU": 1}}
    scene.tree(1, A)
    scene.providers = [
        *(scene.providers if isinstance(scene.providers, list) else ()),
        Provider("rp-1", name, node_uuid(1), totals={"VGPU": 4}, held=held, parent=node_uuid(1)),
    ]
    scene.host(card(X), held={X: "instance-00000005"})
    assert scene.kinds() == ["allocation-of-gone-guest"]
    assert not scene.plan().releases


@pytest.mark.parametrize("status", ["error", "running"])
def test_a_failed_migration_may_hold_all_that_its_guest_has(scene: Scene, status: str) -> None:
    guest = scene.cell.guest(1, A)
    scene.server(guest, A)
    scene.tree(1, A)
    scene.cell.row(1, X, "allocated", owner=guest)
    migration = scene.cell.migration(1, guest, status)
    scene.cell.change("migrations", 1, deleted=1 if status == "running" else 0)
    scene.device(1, A, X, **{migration: 1})
    (found,) = scene.audit().found
    assert found.kind.id == "allocation-of-ended-migration"
    assert isinstance(found.remedy, Blocked)
    other = scene.device(1, A, W, **{guest: 1})
    assert other.root == node_uuid(1)
    remedies = [each.remedy for each in scene.audit().found]
    assert Release(migration) in remedies


def test_a_provider_is_kept_while_a_guest_has_its_device(scene: Scene) -> None:
    scene.tree(1, A)
    scene.device(1, A, X)
    scene.host(card(X), held={X: "instance-00000005"})
    repair = scene.plan(trusts_nova=True)
    assert not repair.drops
    assert "instance-00000005" in repair.refused[0].why


def test_a_guest_whose_host_sources_do_not_agree_on_loses_nothing_of_either(scene: Scene) -> None:
    guest = scene.cell.guest(1, A)
    scene.server(guest, B)
    for key, host in ((1, A), (2, B)):
        scene.cell.row(key, X, "allocated", node=key, owner=guest)
        scene.device(key, host, X, **{guest: 1})
    assert not scene.plan(trusts_nova=True).count
