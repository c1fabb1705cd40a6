"""`gpucloud cloud audit` and `heal` as they are typed, on a database in a file and APIs behind sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.openstack.api_server import serving
from tests.cloud.openstack.heal.cell import A, B, Cell, guest_uuid, node_uuid
from tests.cloud.openstack.heal.stale_state import StaleState

from gpucloud.cli.main import run

pytestmark = [pytest.mark.proof, pytest.mark.filterwarnings("ignore:Support for InfluxDB")]
X, Y = "0000:3b:00.0", "0000:5e:00.0"


@dataclass
class Desk:
    """A cloud, its database, a host, and who types."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    state: StaleState = field(default_factory=StaleState)

    def __post_init__(self) -> None:
        self.cell = Cell(f"sqlite:///{self.folder / 'nova.db'}")
        conf = self.folder / "nova.conf"
        conf.write_text(f"[database]\nconnection = {self.cell.url}\n")
        for key, host in ((1, A), (2, B)):
            self.state.node(node_uuid(key), host)
        self.devices(X)

    def devices(self, *addresses: str) -> None:
        listed = [{"address": each, "vendor_id": "10de", "product_id": "1db4"} for each in addresses]
        (self.folder / f"{A}.json").write_text(json.dumps(listed))

    def type(self, verb: str, *words: str) -> tuple[int, Any, str]:
        given = ("--nova-conf", str(self.folder / "nova.conf"), "--from", str(self.folder / f"{A}.json"))
        code = run(["cloud", verb, "--cloud", "test", *given, "--format", "json", *words])
        told = self.capsys.readouterr()
        return code, json.loads(told.out) if told.out else None, told.err


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    desk = Desk(tmp_path, capsys)
    with serving(desk.state, tmp_path) as clouds:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        yield desk


def stale(desk: Desk) -> None:
    """A guest that is gone with what it held; a card that is gone with its provider; a guest that lives."""
    desk.cell.row(1, X, "allocated", owner=guest_uuid(1))
    desk.cell.row(2, Y)
    desk.cell.row(3, X, "allocated", node=2, owner=desk.cell.guest(2, B))
    desk.state.guest(guest_uuid(2), B)
    for number, (key, at) in enumerate(((1, X), (1, Y), (2, X))):
        desk.state.device(f"rp-{number}", node_uuid(key), at)
    desk.state.hold(guest_uuid(1), "rp-0")
    desk.state.hold(guest_uuid(2), "rp-2")


def test_nothing_is_wrong_with_a_cloud_that_is_true(desk: Desk) -> None:
    code, told, _ = desk.type("audit")
    assert (code, told["findings"], told["schema"]) == (0, [], "nova 16 (Pike) to 34")


def test_what_is_stale_is_found(desk: Desk) -> None:
    stale(desk)
    code, told, _ = desk.type("audit")
    assert code == 3
    assert [(each["cause"], each["host"], each["address"]) for each in told["findings"]] == [
        ("row-of-gone-guest", A, X),
        ("row-of-missing-device", A, Y),
        ("allocation-of-gone-guest", A, None),
        ("provider-left-behind", A, Y),
    ]
    assert all(each["is_healable"] for each in told["findings"])


def test_a_dry_run_changes_nothing(desk: Desk) -> None:
    stale(desk)
    before = desk.cell.all()
    code, told, _ = desk.type("heal", "--trust-nova", "--dry-run")
    assert (code, len(told["rows"]), len(told["releases"]), len(told["providers"])) == (4, 2, 1, 1)
    assert desk.cell.all() == before
    assert not [each for each in desk.state.calls if each[0] != "GET"]


def test_all_of_it_is_repaired_and_taken_back(desk: Desk) -> None:
    stale(desk)
    rows, held, shelves = desk.cell.all(), dict(desk.state.held), set(desk.state.shelves)
    backup = desk.folder / "kept.json"
    code, told, err = desk.type("heal", "--trust-nova", "--yes", "--backup", str(backup))
    assert (code, told["backup"]) == (0, str(backup)), err
    assert f"now restart nova-compute on {A}" in err
    assert desk.type("audit")[1]["findings"] == []
    assert desk.cell.all()[2] == rows[2]
    assert desk.state.held == {guest_uuid(2): held[guest_uuid(2)]}
    code, told, err = desk.type("heal", "--restore", str(backup), "--yes")
    assert (code, told["rows"]) == (0, 2), err
    assert (desk.cell.all(), desk.state.held, set(desk.state.shelves)) == (rows, held, shelves)
    assert desk.state.shelves["rp-1"].traits


def test_a_host_that_shows_no_guests_is_not_changed_without_a_word(desk: Desk) -> None:
    stale(desk)
    before = desk.cell.all()
    code, told, err = desk.type("heal", "--yes")
    assert (code, told["rows"]) == (1, [])
    assert "--trust-nova" in err
    assert desk.cell.all() == before


def test_nobody_is_asked_where_there_is_no_terminal(desk: Desk) -> None:
    stale(desk)
    before = desk.cell.all()
    code, _, err = desk.type("heal", "--trust-nova")
    assert code == 1
    assert "there is no terminal to ask on" in err
    assert desk.cell.all() == before


def test_a_project_alone_sees_no_consumer(desk: Desk) -> None:
    stale(desk)
    desk.state.is_admin = False
    code, told, _ = desk.type("audit")
    assert code == 3
    assert "allocation-of-gone-guest" not in {each["cause"] for each in told["findings"]}
    assert "servers of nova-api" in {each["fact"] for each in told["could_not_look"]}


def test_a_refusal_of_placement_names_the_way_back(desk: Desk) -> None:
    stale(desk)
    desk.state.faults.append(("PUT", "/allocations/", 500))
    backup = desk.folder / "kept.json"
    code, _, err = desk.type("heal", "--trust-nova", "--yes", "--backup", str(backup))
    assert code == 1
    assert f"--restore {backup}" in err.splitlines()[-1]
    assert desk.cell.read(1)["status"] == "available"


def test_nothing_named_is_nothing_to_compare(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cloud", "audit"]) == 2
    assert "there is nothing to compare" in capsys.readouterr().err


def test_a_host_that_cannot_be_reached_is_said_and_left_alone(desk: Desk) -> None:
    desk.cell.row(1, X, "allocated", node=2, owner=guest_uuid(9))
    where = ("--host", f"{B}=-oProxyCommand=x")
    code, told, _ = desk.type("audit", *where)
    assert code == 3
    assert f"devices and guests of host {B}" in {each["fact"] for each in told["could_not_look"]}
    assert desk.type("heal", "--yes", *where)[0] == 1
    assert desk.cell.read(1)["status"] == "allocated"


@pytest.mark.proof
def test_many_guests_are_listed_rather_than_asked_for_one_by_one(desk: Desk) -> None:
    for number in range(1, 61):
        uuid = desk.cell.guest(number, B)
        desk.state.guest(uuid, B)
        desk.cell.row(number, f"0000:{number:02x}:00.0", "allocated", node=2, owner=uuid)
    desk.cell.row(100, X, "allocated", owner=guest_uuid(100))
    code, told, _ = desk.type("audit")
    assert (code, [each["cause"] for each in told["findings"]]) == (3, ["row-of-gone-guest"])
    asked = [path for _, path in desk.state.calls if path.startswith("compute /servers/0")]
    assert asked == [f"compute /servers/{guest_uuid(100)}"]
