"""Repairs: planned without taking anything from a guest, written all or none, and taken back exactly."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cloud.openstack.heal.cell import A, B, Cell, guest_uuid
from tests.cloud.openstack.heal.scene import Scene, card, unread

from gpucloud.cloud.openstack.audit.observed import GivenHost
from gpucloud.cloud.openstack.heal.backup import read_backup
from gpucloud.cloud.openstack.heal.carry_out import Healer, as_planned
from gpucloud.cloud.openstack.heal.repair import Repair
from gpucloud.cloud.openstack.heal.rows import swap_of, write_rows
from gpucloud.cloud.openstack.heal.show import plain_repair, repair_lines
from gpucloud.model.failure import Failure
from gpucloud.model.pci import Holder
from gpucloud.model.unknown import Unknown
from gpucloud.nova.machine import Machine

pytestmark = pytest.mark.proof

X, Y, Z, W = "0000:3b:00.0", "0000:5e:00.0", "0000:3b:00.1", "0000:3b:00.2"
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def stale(scene: Scene) -> None:
    """A guest that is gone, a card that is gone, and a guest that lives, beside each other."""
    scene.cell.row(1, X, "allocated", owner=scene.cell.guest(1, deleted=True))
    scene.cell.row(2, Y)
    scene.cell.row(3, "0000:af:00.0", "allocated", owner=scene.cell.guest(2))
    scene.host(card(X), card("0000:af:00.0"), held={"0000:af:00.0": "instance-00000002"})


def carry_out(scene: Scene, repair: Repair, path: Path) -> None:
    healer = Healer(scene.cell.engine, None)
    check = as_planned(scene.look(), repair, trusts_nova=False)
    healer.carry_out(healer.keep(repair, path, NOW), lambda _: None, check)


def test_rows_are_repaired_and_the_living_guest_keeps_its_own(scene: Scene, tmp_path: Path) -> None:
    stale(scene)
    kept = scene.cell.read(3)
    repair = scene.plan()
    assert not repair.refused
    assert [each.host for each in repair.restarts] == [A]
    carry_out(scene, repair, tmp_path / "kept.json")
    freed, forgotten = scene.cell.read(1), scene.cell.read(2)
    assert (freed["status"], freed["instance_uuid"], freed["request_id"]) == ("available", None, None)
    assert forgotten["deleted"] == 2
    assert forgotten["deleted_at"] is not None
    assert scene.cell.read(3) == kept
    assert scene.kinds() == []
    assert not scene.plan().count


def test_a_repair_is_taken_back_exactly(scene: Scene, tmp_path: Path) -> None:
    stale(scene)
    before = scene.cell.all()
    carry_out(scene, scene.plan(), tmp_path / "kept.json")
    assert scene.cell.all() != before
    healer = Healer(scene.cell.engine, None)
    healer.restore(read_backup(tmp_path / "kept.json"), lambda _: None)
    assert scene.cell.all() == before


def test_a_row_that_changed_since_the_repair_is_not_taken_back(scene: Scene, tmp_path: Path) -> None:
    stale(scene)
    carry_out(scene, scene.plan(), tmp_path / "kept.json")
    scene.cell.change("pci_devices", 1, status="claimed", instance_uuid=guest_uuid(7))
    now = scene.cell.all()
    with pytest.raises(Failure, match="row 1 of pci_devices has changed meanwhile"):
        Healer(scene.cell.engine, None).restore(read_backup(tmp_path / "kept.json"), lambda _: None)
    assert scene.cell.all() == now


def test_none_is_changed_where_one_is_not_as_it_was(scene: Scene) -> None:
    stale(scene)
    repair = scene.plan()
    scene.cell.change("pci_devices", 2, status="claimed")
    now = scene.cell.all()
    with pytest.raises(Failure, match="row 2 of pci_devices has changed meanwhile"):
        write_rows(scene.cell.engine, [swap_of(each) for each in repair.rows])
    assert scene.cell.all() == now


def test_a_device_that_a_process_has_open_is_refused(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    scene.host(card(X), held={X: "instance-00000009"})
    repair = scene.plan(trusts_nova=True)
    assert not repair.count
    assert "instance-00000009 has 0000:3b:00.0 open" in repair.refused[0].why


def test_a_host_that_was_not_looked_at_is_refused_unless_nova_is_trusted(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    refused = scene.plan()
    assert not refused.count
    assert "--trust-nova" in refused.refused[0].then
    assert scene.plan(trusts_nova=True).count == 1


def test_a_host_whose_holders_are_not_known_is_refused(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    scene.host(card(X))
    scene.hosts = [unread(each) for each in scene.hosts]
    assert "run as root" in scene.plan().refused[0].why


def test_what_placement_holds_is_kept_with_the_row_that_is_refused(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    scene.host(card(X), held={X: "instance-00000009"})
    scene.device(1, A, X, **{guest_uuid(9): 1})
    repair = scene.plan()
    assert not repair.count
    assert len(repair.refused) == 2


def test_the_last_virtual_function_frees_the_physical_one(scene: Scene) -> None:
    scene.cell.row(1, X, "unavailable", kind="type-PF")
    scene.cell.row(2, Z, "allocated", kind="type-VF", parent=X, owner=guest_uuid(9))
    scene.cell.row(3, W, kind="type-VF", parent=X)
    repair = scene.plan(trusts_nova=True)
    assert {each.row.id: dict(each.now)["status"] for each in repair.rows} == {1: "available", 2: "available"}


def test_one_of_two_virtual_functions_leaves_the_physical_one_blocked(scene: Scene) -> None:
    scene.cell.row(1, X, "unavailable", kind="type-PF")
    scene.cell.row(2, Z, "allocated", kind="type-VF", parent=X, owner=guest_uuid(9))
    scene.cell.row(3, W, "allocated", kind="type-VF", parent=X, owner=scene.cell.guest(1))
    repair = scene.plan(trusts_nova=True)
    assert [each.row.id for each in repair.rows] == [2]


def test_a_freed_physical_function_frees_its_virtual_ones(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", kind="type-PF", owner=guest_uuid(9))
    scene.cell.row(2, Z, "unavailable", kind="type-VF", parent=X)
    repair = scene.plan(trusts_nova=True)
    assert {each.row.id for each in repair.rows} == {1, 2}


def test_a_provider_goes_with_its_row_and_its_consumer(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    scene.host()
    scene.device(1, A, X, **{guest_uuid(9): 1})
    repair = scene.plan()
    assert (len(repair.rows), len(repair.releases), len(repair.drops)) == (1, 1, 1)


def test_a_provider_stays_while_its_row_does(scene: Scene) -> None:
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    scene.device(1, A, X, **{guest_uuid(9): 1})
    scene.host()
    scene.hosts = [unread(each) for each in scene.hosts]
    repair = scene.plan()
    assert not repair.drops
    assert {each.found.kind.id for each in repair.refused} == {
        "row-of-gone-guest",
        "allocation-of-gone-guest",
        "provider-left-behind",
    }


def test_children_go_before_their_host(scene: Scene) -> None:
    scene.cell.node(3, "gone", deleted=True)
    scene.tree(3, "gone")
    scene.device(3, "gone", X)
    assert [each.provider.is_root for each in scene.plan().drops] == [False, True]


def test_a_repair_is_shown_line_by_line(scene: Scene) -> None:
    stale(scene)
    lines = "\n".join(repair_lines(scene.plan()))
    assert "~ pci_devices id 1: 0000:3b:00.0 10de:1db4 on gpu01 (row-of-gone-guest)" in lines
    assert "    ~ status: allocated -> available" in lines
    assert f"    - instance_uuid={guest_uuid(1)}" in lines
    assert "- pci_devices id 2" in lines
    assert "then restart nova-compute on gpu01: it read its rows when it started" in lines
    assert plain_repair(scene.plan())["rows"][0]["was"]["status"] == "allocated"


def test_no_text_of_a_database_begins_a_line(scene: Scene) -> None:
    scene.cell.row(1, X, "claimed\n- pci_devices id 2")
    scene.cell.change("pci_devices", 1, status="removed", vendor_id="a\nb")
    assert all("\n" not in line for line in repair_lines(scene.plan(trusts_nova=True)))


def test_a_backup_never_replaces_another(scene: Scene, tmp_path: Path) -> None:
    stale(scene)
    (tmp_path / "kept.json").write_text("mine")
    with pytest.raises(Failure, match="is there already"):
        carry_out(scene, scene.plan(), tmp_path / "kept.json")
    assert scene.kinds()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "gpucloud cloud heal 1"}', "null"])
def test_what_is_no_backup_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "no.json").write_text(text)
    with pytest.raises(Failure, match="is no backup"):
        read_backup(tmp_path / "no.json")


def test_a_backup_can_only_be_read_by_its_owner(scene: Scene, tmp_path: Path) -> None:
    stale(scene)
    carry_out(scene, scene.plan(), tmp_path / "kept.json")
    assert (tmp_path / "kept.json").stat().st_mode & 0o777 == 0o600


def test_a_backup_of_another_database_is_refused(scene: Scene, tmp_path: Path) -> None:
    stale(scene)
    carry_out(scene, scene.plan(), tmp_path / "kept.json")
    other = Cell(f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(Failure, match="the backup is of"):
        Healer(other.engine, None).restore(read_backup(tmp_path / "kept.json"), lambda _: None)


def test_a_guest_of_another_host_loses_only_what_it_holds_there(scene: Scene) -> None:
    guest = scene.cell.guest(1, B)
    scene.server(guest, B)
    scene.cell.row(1, X, "allocated", owner=guest)
    scene.cell.row(2, X, "allocated", node=2, owner=guest)
    scene.device(1, A, X, **{guest: 1})
    scene.device(2, B, X, **{guest: 1})
    repair = scene.plan(trusts_nova=True)
    assert [each.row.id for each in repair.rows] == [1]
    (release,) = repair.releases
    assert list(release.providers.values()) == [f"{A}_{X.upper()}"]


def test_nothing_is_planned_of_placement_where_nova_was_not_asked(scene: Scene) -> None:
    scene.cell.row(1, X)
    scene.device(1, A, X, **{guest_uuid(9): 1})
    scene.providers = Unknown("403 Forbidden")
    assert not scene.plan(trusts_nova=True).count


def test_a_physical_function_is_not_freed_while_a_guest_has_a_function_of_it(scene: Scene) -> None:
    scene.cell.row(1, X, "unavailable", kind="type-PF")
    scene.cell.row(2, "0000:3b:00.4", kind="type-VF", parent=X)
    functions = (card(X, kind="type-PF"), card("0000:3b:00.4", kind="type-VF"))
    scene.host(*functions, held={"0000:3b:00.4": "instance-00000007"})
    repair = scene.plan()
    assert not repair.rows
    assert "instance-00000007" in " ".join(each.why for each in repair.refused)


@pytest.mark.parametrize("task", [None, "rebuilding"])
def test_a_row_of_a_lost_host_is_kept_for_a_guest_that_may_have_it(scene: Scene, task: str | None) -> None:
    guest = scene.cell.guest(1, A)
    scene.server(guest, A, task=task)
    if task is not None:
        scene.cell.node(9, "gpu09", deleted=True)
    scene.cell.row(1, X, "allocated", node=9, owner=guest)
    repair = scene.plan()
    assert not repair.rows
    assert "may be on" in repair.refused[0].why


@pytest.mark.parametrize("is_looked_at", [True, False])
def test_placement_does_not_offer_what_a_guest_may_have(scene: Scene, *, is_looked_at: bool) -> None:
    scene.tree(1, A)
    scene.device(1, A, X, **{guest_uuid(5): 1})
    scene.cell.row(1, X)
    if is_looked_at:
        scene.host(card(X), held={X: "instance-00000005"})
    assert not scene.plan().releases
    assert bool(scene.plan(trusts_nova=True).releases) is not is_looked_at


def test_a_host_is_not_taken_for_another_with_the_same_short_name(scene: Scene) -> None:
    scene.cell.node(3, "gpu01.rack2")
    scene.cell.row(1, X, node=3)
    scene.cell.row(2, Y, "claimed", node=3)
    scene.host(card(Y), name="gpu01.rack1")
    assert not scene.plan().rows


def test_rows_of_functions_that_went_with_their_card_into_a_guest_stay(scene: Scene) -> None:
    guest = scene.cell.guest(1, A)
    scene.server(guest, A)
    scene.cell.row(1, X, "allocated", owner=guest, kind="type-PF")
    scene.cell.row(2, "0000:3b:00.4", "unavailable", kind="type-VF", parent=X)
    scene.host(card(X, kind="type-PF"), held={X: "instance-00000001"})
    assert scene.kinds() == []


@pytest.mark.parametrize(
    ("process", "node", "is_kept"),
    [
        ("python3", "/dev/nvidia0", True),
        ("Xorg", "/dev/dri/card1", True),
        ("qemu-system-x86", "/dev/vfio/19", True),
        ("nvidia-persiste", "/dev/nvidia0", False),
        ("nvidia-vgpu-mgr", "/dev/nvidia0", False),
    ],
)
def test_what_a_program_of_the_host_has_open_stays(
    scene: Scene, process: str, node: str, *, is_kept: bool
) -> None:
    guest = scene.cell.guest(1, deleted=True)
    scene.cell.row(1, X, "allocated", owner=guest)
    held = {X: (Holder(7, process, node),)}
    scene.hosts.append(GivenHost(A, A, Machine({X: card(X)}), held, frozenset([X])))
    repair = scene.plan()
    assert [bool(repair.rows), bool(repair.refused)] == [not is_kept, is_kept]
