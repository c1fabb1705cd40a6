"""Repairs and restores that somebody comes between, or that are cut off and made once more."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from tests.cloud.openstack.heal.cell import A, guest_uuid, node_uuid
from tests.cloud.openstack.heal.scene import Scene
from tests.cloud.openstack.heal.stale_state import StaleState

from gpucloud.cloud.openstack.audit.look import Looker
from gpucloud.cloud.openstack.audit.observed import Provider
from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.heal.backup import read_backup
from gpucloud.cloud.openstack.heal.carry_out import Healer, as_planned
from gpucloud.cloud.openstack.heal.placement import Placement
from gpucloud.cloud.openstack.heal.repair import DropProvider, Repair, TakeBack
from gpucloud.model.failure import Failure

X, V, W = "0000:3b:00.0", "0000:3b:00.4", "0000:3b:00.5"


@pytest.fixture
def scene() -> Scene:
    return Scene()


@dataclass
class Shelves:
    """Placement with a host and two providers below each other below it."""

    state: StaleState = field(default_factory=StaleState)

    def __post_init__(self) -> None:
        self.state.node(node_uuid(1), A)
        self.state.device("rp-1", node_uuid(1), X)
        self.state.device("rp-2", node_uuid(1), V)
        self.state.shelves["rp-2"].parent = "rp-1"

    def send(self, call: Call) -> Any:
        status, answer = self.state.answer(call.service, call.method, call.path, call.body, {})
        if status >= 400:
            raise Refusal(call.path, "look", status, str(answer))
        return answer

    def seen(self) -> list[Provider]:
        found = Looker(self.send).providers()
        assert isinstance(found, tuple)
        return list(found)

    def provider(self, uuid: str) -> Provider:
        return next(each for each in self.seen() if each.uuid == uuid)


def no_check(_: sa.Connection) -> None:
    """Nobody comes between."""


def quiet(_: str) -> None:
    """Nobody reads it."""


def two_rows(scene: Scene) -> Repair:
    scene.cell.row(1, X, "allocated", owner=guest_uuid(8))
    scene.cell.row(2, V, "removed")
    return scene.plan(trusts_nova=True)


def test_a_relative_that_a_guest_takes_meanwhile_keeps_its_physical_function_blocked(
    scene: Scene, tmp_path: Path
) -> None:
    scene.cell.row(1, X, "unavailable", kind="type-PF")
    scene.cell.row(2, V, kind="type-VF", parent=X)
    seen, repair = scene.look(), scene.plan(trusts_nova=True)
    healer = Healer(scene.cell.engine, None)
    kept = healer.keep(repair, tmp_path / "kept.json")
    scene.cell.row(3, W, "allocated", kind="type-VF", parent=X, owner=scene.cell.guest(1))
    before = scene.cell.all()
    with pytest.raises(Failure, match="changed in the last moment; nothing was changed"):
        healer.carry_out(kept, quiet, as_planned(seen, repair, trusts_nova=True))
    assert scene.cell.all() == before


def test_a_guest_that_comes_to_the_host_meanwhile_keeps_its_row(scene: Scene, tmp_path: Path) -> None:
    guest = scene.cell.guest(1, None)
    scene.cell.row(1, X, "allocated", owner=guest)
    seen, repair = scene.look(), scene.plan(trusts_nova=True)
    assert repair.rows
    healer = Healer(scene.cell.engine, None)
    kept = healer.keep(repair, tmp_path / "kept.json")
    scene.cell.change("instances", 1, host=A, node=A)
    with pytest.raises(Failure, match="nothing was changed"):
        healer.carry_out(kept, quiet, as_planned(seen, repair, trusts_nova=True))
    assert scene.cell.read(1)["status"] == "allocated"


def test_all_rows_of_the_host_are_locked_before_any_is_changed(scene: Scene, tmp_path: Path) -> None:
    repair, said = two_rows(scene), []
    sa.event.listen(
        scene.cell.engine, "before_execute", lambda _, clause, *__: said.append(clause), named=False
    )
    healer = Healer(scene.cell.engine, None)
    healer.carry_out(healer.keep(repair, tmp_path / "kept.json"), quiet, no_check)
    first = str(said[0].compile(dialect=mysql.dialect()))
    assert first.endswith("FOR UPDATE")
    assert "compute_node_id IN" in first


def test_a_restore_goes_on_where_it_was_cut_off(scene: Scene, tmp_path: Path) -> None:
    repair = two_rows(scene)
    before = scene.cell.all()
    healer = Healer(scene.cell.engine, None)
    healer.carry_out(healer.keep(repair, tmp_path / "kept.json"), quiet, no_check)
    backup = read_backup(tmp_path / "kept.json")
    healer.restore(replace(backup, rows=backup.rows[:1]), quiet)
    healer.restore(backup, quiet)
    healer.restore(backup, quiet)
    assert scene.cell.all() == before


def test_a_row_does_not_come_back_beside_the_one_that_nova_made_since(scene: Scene, tmp_path: Path) -> None:
    repair = two_rows(scene)
    healer = Healer(scene.cell.engine, None)
    healer.carry_out(healer.keep(repair, tmp_path / "kept.json"), quiet, no_check)
    scene.cell.row(7, V)
    now = scene.cell.all()
    with pytest.raises(Failure, match=f"nova has made another of {V}; nothing was changed") as caught:
        healer.restore(read_backup(tmp_path / "kept.json"), quiet)
    assert "UNIQUE" not in str(caught.value)
    assert scene.cell.all() == now


@pytest.mark.parametrize("fault", ["/inventories", "/traits", "/aggregates"])
def test_a_provider_that_was_made_half_is_filled(tmp_path: Path, fault: str) -> None:
    shelves = Shelves()
    healer = Healer(None, Placement(shelves.send))
    repair = Repair(drops=(DropProvider(shelves.provider("rp-2"), "kind"),))
    before = shelves.state.shelves["rp-2"]
    before.aggregates = ["00000000-0000-0000-0000-0000000000aa"]
    healer.carry_out(healer.keep(repair, tmp_path / "kept.json"), quiet, no_check)
    shelves.state.faults.append(("PUT", fault, 503))
    with pytest.raises(Refusal):
        healer.restore(read_backup(tmp_path / "kept.json"), quiet)
    shelves.state.faults.clear()
    for _ in range(2):
        healer.restore(read_backup(tmp_path / "kept.json"), quiet)
    assert replace(shelves.state.shelves["rp-2"], generation=0) == replace(before, generation=0)


def test_a_provider_does_not_come_back_beside_the_one_that_nova_made_since(tmp_path: Path) -> None:
    shelves = Shelves()
    healer = Healer(None, Placement(shelves.send))
    repair = Repair(drops=(DropProvider(shelves.provider("rp-2"), "kind"),))
    healer.carry_out(healer.keep(repair, tmp_path / "kept.json"), quiet, no_check)
    shelves.state.device("rp-9", node_uuid(1), V)
    with pytest.raises(Failure, match="nova has made another of that name"):
        healer.restore(read_backup(tmp_path / "kept.json"), quiet)


def test_a_tree_is_deleted_from_its_leaves_and_made_from_its_root(scene: Scene, tmp_path: Path) -> None:
    shelves = Shelves()
    scene.cell.change("compute_nodes", 1, deleted=1)
    scene.hypervisors = scene.hypervisors[1:]
    scene.providers = shelves.seen()
    before = {uuid: each.parent for uuid, each in shelves.state.shelves.items()}
    repair = scene.plan()
    assert [each.provider.uuid for each in repair.drops] == ["rp-2", "rp-1", node_uuid(1)]
    healer = Healer(None, Placement(shelves.send))
    healer.carry_out(healer.keep(repair, tmp_path / "kept.json"), quiet, no_check)
    assert not shelves.state.shelves
    healer.restore(read_backup(tmp_path / "kept.json"), quiet)
    assert {uuid: each.parent for uuid, each in shelves.state.shelves.items()} == before


def test_all_that_is_above_a_provider_that_stays_stays(scene: Scene) -> None:
    shelves = Shelves()
    scene.cell.change("compute_nodes", 1, deleted=1)
    scene.hypervisors = scene.hypervisors[1:]
    guest = scene.cell.guest(1)
    scene.server(guest, A)
    shelves.state.hold(guest, "rp-2")
    scene.providers = shelves.seen()
    repair = scene.plan()
    assert not repair.drops
    assert [each.why for each in repair.refused].count("a provider below it stays") == 2


def test_what_a_consumer_took_meanwhile_is_not_taken_back() -> None:
    shelves = Shelves()
    shelves.state.hold("c", "rp-1", "rp-2")
    expected = {"rp-1": {"CUSTOM_PCI_10DE_1DB4": 1}}
    for tree in (None, node_uuid(1)):
        asked = TakeBack(
            "c", tree, {"rp-1": "x"}, "kind", expected if tree is None else {"rp-1": {"VGPU": 1}}
        )
        with pytest.raises(Failure, match="nothing was changed"):
            Placement(shelves.send).held(asked)


@contextmanager
def small_files() -> Iterator[None]:
    """No file grows beyond some bytes, as where a disk is full."""
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, was[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)


def test_half_a_backup_is_none(scene: Scene, tmp_path: Path) -> None:
    repair = two_rows(scene)
    with small_files(), pytest.raises(Failure, match=r"cannot be kept in .*; nothing was changed"):
        Healer(scene.cell.engine, None).keep(repair, tmp_path / "kept.json")
    assert not list(tmp_path.iterdir())


def test_a_backup_that_has_no_folder_is_one_line(scene: Scene, tmp_path: Path) -> None:
    repair = two_rows(scene)
    with pytest.raises(Failure, match="nothing was changed"):
        Healer(scene.cell.engine, None).keep(repair, tmp_path / "none" / "kept.json")


def test_a_backup_names_no_column_that_heal_does_not_know(scene: Scene, tmp_path: Path) -> None:
    Healer(scene.cell.engine, None).keep(two_rows(scene), tmp_path / "kept.json")
    text = (tmp_path / "kept.json").read_text()
    (tmp_path / "kept.json").write_text(text.replace('"request_id"', '"extra_info"'))
    with pytest.raises(Failure, match="is no backup"):
        read_backup(tmp_path / "kept.json")
