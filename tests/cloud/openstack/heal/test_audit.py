"""Each way in which rows, hosts, guests and Placement come apart: named once, and nothing else."""

from __future__ import annotations

import pytest
from tests.cloud.openstack.heal.cell import OTHER, A, B, Cell, guest_uuid
from tests.cloud.openstack.heal.scene import Scene, card

from gpucloud.cloud.openstack.audit.disagreement import Blocked, Forget, Release, SetStatus
from gpucloud.cloud.openstack.audit.observed import Server
from gpucloud.model.unknown import Unknown

X, Y, Z = "0000:3b:00.0", "0000:5e:00.0", "0000:3b:00.1"


@pytest.fixture
def scene() -> Scene:
    return Scene()


def only(scene: Scene, kind: str) -> object:
    """The remedy of the one thing that is wrong."""
    (found,) = scene.audit().found
    assert found.kind.id == kind
    assert found.evidence
    return found.remedy


def test_a_cloud_that_is_true_has_nothing_wrong(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=scene.cell.guest(1))
    scene.cell.row(2, Y)
    scene.host(card(X), card(Y), held={X: "instance-00000001"}, wanted=(X, Y))
    scene.server(guest_uuid(1), A)
    scene.tree(1, A)
    scene.device(1, A, X, **{guest_uuid(1): 1})
    scene.device(1, A, Y)
    assert scene.kinds() == []


@pytest.mark.parametrize("status", ["claimed", "allocated"])
def test_a_deleted_guest_keeps_its_device(scene: Scene, status: str) -> None:
    scene.cell.row(1, X, status, owner=scene.cell.guest(1, deleted=True))
    scene.host(card(X))
    remedy = only(scene, "row-of-gone-guest")
    assert isinstance(remedy, SetStatus)
    assert remedy.status == "available"


def test_a_guest_whose_row_was_archived_is_gone_too(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    assert isinstance(only(scene, "row-of-gone-guest"), SetStatus)


def test_a_guest_that_the_api_still_knows_is_not_judged(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    scene.server(guest_uuid(9), A)
    assert scene.kinds() == []


@pytest.mark.parametrize("task", ["deleting", "spawning", "migrating"])
def test_a_guest_that_nova_works_on_is_not_judged(scene: Scene, task: str) -> None:
    scene.cell.row(1, X, "allocated", owner=scene.cell.guest(1, B, task=task))
    assert scene.kinds() == []


@pytest.mark.parametrize(
    ("status", "kinds"), [("running", []), ("finished", []), ("error", ["row-after-migration"])]
)
def test_a_failed_migration_leaves_a_row(scene: Scene, status: str, kinds: list[str]) -> None:
    guest = scene.cell.guest(1, B)
    scene.cell.row(1, X, "allocated", owner=guest)
    scene.cell.migration(1, guest, status)
    assert scene.kinds() == kinds


def test_a_card_that_was_removed(scene: Scene) -> None:
    scene.cell.row(1, X)
    scene.host(card(Y, OTHER))
    assert isinstance(only(scene, "row-of-missing-device"), Forget)


def test_a_card_that_was_moved(scene: Scene) -> None:
    scene.cell.row(1, X)
    scene.host(card(Y))
    (found,) = scene.audit().found
    assert found.kind.id == "row-of-moved-device"
    assert Y in found.title


def test_a_card_that_was_replaced(scene: Scene) -> None:
    scene.cell.row(1, X)
    scene.host(card(X, OTHER))
    assert isinstance(only(scene, "row-of-replaced-device"), Forget)


def test_the_device_of_a_gone_guest_that_is_gone_as_well_is_forgotten(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    scene.host()
    assert isinstance(only(scene, "row-of-gone-guest"), Forget)


def test_a_card_that_a_guest_has_is_left_to_the_administrator(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=scene.cell.guest(1))
    scene.host()
    assert isinstance(only(scene, "row-of-missing-device"), Blocked)


def test_device_spec_lost_a_device_under_a_guest(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=scene.cell.guest(1))
    scene.host(card(X), held={X: "instance-00000001"}, wanted=())
    remedy = only(scene, "row-outside-device-spec")
    assert isinstance(remedy, Blocked)
    assert "device_spec" in remedy.then


def test_device_spec_lost_a_device_that_nobody_has(scene: Scene) -> None:
    scene.cell.row(1, X)
    scene.host(card(X), wanted=())
    assert isinstance(only(scene, "row-outside-device-spec"), Forget)


def test_a_device_that_nova_does_not_know(scene: Scene) -> None:
    scene.host(card(X), wanted=(X,))
    only(scene, "device-without-row")


def test_a_guest_that_nova_has_no_row_of(scene: Scene) -> None:
    scene.cell.row(1, X)
    scene.host(card(X), held={X: "instance-0000000a"})
    assert isinstance(only(scene, "guest-without-row"), Blocked)


def test_a_row_of_a_deleted_compute_node(scene: Scene) -> None:
    scene.cell.node(3, "gone", deleted=True)
    scene.cell.row(1, X, node=3)
    assert isinstance(only(scene, "row-of-lost-host"), Forget)


@pytest.mark.parametrize("status", ["removed", "deleted"])
def test_a_row_that_was_half_removed(scene: Scene, status: str) -> None:
    scene.cell.row(1, X, status)
    assert isinstance(only(scene, "row-half-removed"), Forget)


def test_a_row_that_is_taken_by_nobody(scene: Scene) -> None:
    scene.cell.row(1, X, "claimed")
    assert isinstance(only(scene, "row-without-guest"), SetStatus)


@pytest.mark.parametrize("status", ["unavailable", "unclaimable"])
def test_a_physical_function_that_nothing_blocks(scene: Scene, status: str) -> None:
    scene.cell.row(1, X, status, kind="type-PF")
    scene.cell.row(2, Z, kind="type-VF", parent=X)
    assert isinstance(only(scene, "row-stuck"), SetStatus)


def test_a_physical_function_that_is_blocked_rightly(scene: Scene) -> None:
    scene.cell.row(1, X, "unavailable", kind="type-PF")
    scene.cell.row(2, Z, "allocated", kind="type-VF", parent=X, owner=scene.cell.guest(1))
    assert scene.kinds() == []


def test_a_physical_function_that_is_free_beside_a_virtual_one_in_use(scene: Scene) -> None:
    scene.cell.row(1, X, kind="type-PF")
    scene.cell.row(2, Z, "allocated", kind="type-VF", parent=X, owner=scene.cell.guest(1))
    remedy = only(scene, "row-free-beside-busy")
    assert isinstance(remedy, SetStatus)
    assert remedy.status == "unavailable"


def test_placement_holds_devices_for_a_guest_that_is_not_there(scene: Scene) -> None:
    scene.cell.row(1, X)
    scene.device(1, A, X, **{guest_uuid(9): 1})
    scene.cell.guest(9, deleted=True)
    assert only(scene, "allocation-of-gone-guest") == Release(guest_uuid(9))


def test_a_consumer_that_nova_never_knew_may_be_of_another_service(scene: Scene) -> None:
    scene.cell.row(1, X)
    scene.host(card(X))
    scene.device(1, A, X, **{guest_uuid(9): 1})
    remedy = only(scene, "allocation-of-gone-guest")
    assert isinstance(remedy, Release)
    assert remedy.doubt is not None
    repair = scene.plan()
    assert (repair.releases, [each.why for each in repair.refused]) == ((), [remedy.doubt])
    assert len(scene.plan(trusts_nova=True).releases) == 1


def test_what_is_held_of_a_host_that_nova_does_not_list_stays_whatever_is_trusted(scene: Scene) -> None:
    """nova-api leaves out the hosts and migrations of a cell that is down."""
    scene.tree(9, "cell2-gpu")
    scene.device(9, "cell2-gpu", X, **{"00000000-0000-0000-00ff-000000000077": 1})
    assert scene.plan(trusts_nova=True).releases == ()
    (found,) = (each for each in scene.audit().found if each.kind.id == "allocation-of-gone-guest")
    assert isinstance(found.remedy, Blocked)
    assert "its cell may be down" in found.remedy.why


@pytest.mark.parametrize(("task", "migration"), [("deleting", None), (None, "running")])
def test_what_nova_is_at_work_on_is_said_to_be_unjudged(
    scene: Scene, task: str | None, migration: str | None
) -> None:
    guest = scene.cell.guest(1, task=task)
    scene.cell.row(1, X, "allocated", owner=guest)
    scene.host(card(X))
    if migration is not None:
        scene.cell.migration(1, guest, migration)
    audit = scene.audit()
    assert audit.found == ()
    (said,) = (each.why for each in audit.unseen if guest in each.fact)
    assert (task or migration or "") in said


def test_placement_holds_devices_for_a_migration_that_has_ended(scene: Scene) -> None:
    guest = scene.cell.guest(1, B)
    scene.server(guest, B)
    scene.cell.row(1, X)
    migration = scene.cell.migration(1, guest, "error")
    scene.device(1, A, X, **{migration: 1})
    assert only(scene, "allocation-of-ended-migration") == Release(migration)


def test_placement_holds_devices_for_a_migration_that_runs(scene: Scene) -> None:
    guest = scene.cell.guest(1, B)
    scene.cell.row(1, X)
    scene.device(1, A, X, **{scene.cell.migration(1, guest, "running"): 1})
    assert scene.kinds() == []


@pytest.mark.parametrize("status", ["ERROR", "SHELVED_OFFLOADED"])
def test_a_guest_on_no_host_holds_devices_that_only_its_end_frees(scene: Scene, status: str) -> None:
    guest = scene.cell.guest(1, None)
    scene.servers.append(Server(guest, "train", status, None, None, None))
    scene.cell.row(1, X)
    scene.tree(1, A)
    scene.device(1, A, X, **{guest: 1})
    remedy = only(scene, "allocation-of-guest-without-host")
    assert isinstance(remedy, Blocked)
    assert "delete it" in remedy.then


@pytest.mark.parametrize(("told", "nova"), [("gpu99", "gpu99"), (B, A)])
def test_a_guest_of_which_sources_do_not_tell_where_it_is_is_named(
    scene: Scene, told: str, nova: str
) -> None:
    guest = scene.cell.guest(1, told)
    scene.server(guest, nova)
    scene.cell.row(1, X, "allocated", owner=guest)
    scene.host(card(X), wanted=(X,))
    scene.host(name=B)
    audit = scene.audit()
    assert audit.found == ()
    said = f"the database has it on {told}, nova-api has it on {nova}"
    assert [each.why.partition(":")[0] for each in audit.unseen if each.fact.startswith("where ")] == [said]


def test_placement_holds_devices_of_two_hosts_for_a_guest(scene: Scene) -> None:
    guest = scene.cell.guest(1, B)
    scene.server(guest, B)
    scene.cell.row(1, X)
    scene.cell.row(2, X, "allocated", node=2, owner=guest)
    scene.device(1, A, X, **{guest: 1})
    scene.device(2, B, X, **{guest: 1})
    remedy = only(scene, "allocation-on-other-host")
    assert isinstance(remedy, Release)
    assert remedy.tree is not None


def test_without_the_apis_no_consumer_is_judged(scene: Scene) -> None:
    scene.cell.row(1, X)
    scene.device(1, A, X, **{guest_uuid(9): 1})
    scene.sees_nova = False
    assert scene.kinds() == []
    assert "servers, hosts and migrations of nova-api" in {each.fact for each in scene.audit().unseen}


def test_a_provider_whose_device_is_gone(scene: Scene) -> None:
    scene.device(1, A, X)
    only(scene, "provider-left-behind")


def test_a_provider_that_a_guest_holds_is_kept(scene: Scene) -> None:
    guest = scene.cell.guest(1)
    scene.server(guest, A)
    scene.tree(1, A)
    scene.device(1, A, X, **{guest: 1})
    assert isinstance(only(scene, "provider-left-behind"), Blocked)


def test_a_tree_whose_host_is_gone(scene: Scene) -> None:
    scene.cell.node(3, "gone", deleted=True)
    scene.tree(3, "gone")
    scene.device(3, "gone", X)
    assert scene.kinds() == ["host-provider-left-behind"] * 2


def test_placement_offers_another_card(scene: Scene) -> None:
    scene.cell.row(1, X, ids=OTHER)
    scene.device(1, A, X)
    only(scene, "provider-of-replaced-device")


def test_what_was_not_read_is_said(scene: Scene) -> None:
    scene.cell.row(1, X)
    scene.providers = Unknown("403 Forbidden")
    unseen = {each.fact: each.why for each in scene.audit().unseen}
    assert unseen["providers and allocations of Placement"] == "403 Forbidden"
    assert "--from gpu01=CAPTURE" in unseen["devices and guests of host gpu01"]


def test_rows_of_releases_before_pike_are_read(scene: Scene) -> None:
    scene.cell = Cell(has_uuid=False)
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    assert scene.kinds() == ["row-of-gone-guest"]


def test_a_failed_migration_is_seen_where_compute_nodes_have_no_uuid_yet(scene: Scene) -> None:
    for key in (1, 2):
        scene.cell.change("compute_nodes", key, uuid=None)
    scene.cell.row(1, X, "allocated", owner=scene.cell.guest(1, B))
    assert scene.kinds() == ["row-after-migration"]
