"""Stale states made on a real nova, Placement and MariaDB: found, repaired, and the next guest starts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.openstack.heal.real.site import HOST, OTHER_HOST, Cloud, address, card, two_hosts
from tests.cloud.openstack.real.nova import RealNova, publish, render

from gpucloud.cli.main import run
from gpucloud.lab.cloud.down import down
from gpucloud.lab.cloud.record import CLOUDS_YAML
from gpucloud.lab.cloud.settings import CLOUD, Compute
from gpucloud.lab.cloud.up import up

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(2400),
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]
NOBODY = "00000000-0000-0000-0000-00000000dead"
ALL = range(0x10, 0x1C)
LATER = 0x30
"""Where the card that is moved is after that."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of its own, with two hosts."""
    folder = up(compute=Compute.CARDS, state=tmp_path_factory.mktemp("heal")).folder
    work = tmp_path_factory.mktemp("spec")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(folder / CLOUDS_YAML))
        told = render(work)
        placed = f"{told.control}\n[filter_scheduler]\npci_in_placement = true\n"
        nova = RealNova(folder, replace(told, control=placed))
        nova.told()
        publish(work)
        try:
            with two_hosts(nova) as made:
                yield made
        finally:
            down(folder)


class Desk:
    """Who audits and heals."""

    def __init__(self, cloud: Cloud, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.cloud, self._folder, self._capsys = cloud, folder, capsys

    def sources(self) -> tuple[str, ...]:
        words = ["--cloud", CLOUD, "--nova-conf", str(self.cloud.conf), "--release", "34"]
        config = self.cloud.computes.site.config
        for host in (HOST, OTHER_HOST):
            has = json.loads((config / f"lab-host-{host}.json").read_text())["devices"]
            path = self._folder / f"{host}.json"
            path.write_text(json.dumps([{"dev_type": "type-PCI", **each} for each in has]))
            spec = self.cloud.computes.spec_file(host)
            words += ["--from", f"{host}={path}", "--compute-config", f"{host}={spec}"]
        return tuple(words)

    def audit(self) -> dict[str, set[str]]:
        """What is found: kind to the devices' addresses on their hosts."""
        code = run(["cloud", "audit", *self.sources(), "--format", "json"])
        told = self._capsys.readouterr()
        assert code in (0, 3), told.err
        found: dict[str, set[str]] = {}
        for each in json.loads(told.out)["findings"]:
            found.setdefault(each["cause"], set()).add(f"{each['host']} {each['address']}")
        return found

    def heal(self, *options: str) -> tuple[int, dict[str, Any], str]:
        code = run(["cloud", "heal", *self.sources(), "--trust-nova", "--format", "json", *options])
        told = self._capsys.readouterr()
        assert told.out, told.err
        return code, json.loads(told.out), told.err


@pytest.fixture
def desk(cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(cloud, tmp_path, capsys)


def on(host: str, *numbers: int) -> set[str]:
    return {f"{host} {address(each)}" for each in numbers}


@dataclass(frozen=True)
class Roles:
    """Which card of the host comes to which state."""

    killed: int
    moved: int
    removed: int
    replaced: int
    migrated: int
    outside: int
    forgotten: int
    stuck: int
    claimed: int
    half: int

    @property
    def lost(self) -> tuple[int, ...]:
        """Those that the host does not offer any more."""
        return (self.moved, self.removed, self.replaced, self.outside, self.forgotten)


def number(row: Any) -> int:
    return int(row["address"][5:7], 16)


def break_it(cloud: Cloud, roles: Roles, killed: str, mover: str) -> None:
    """Stale states on a host whose nova-compute was killed."""
    computes, here, rows = cloud.computes, HOST, cloud.rows(HOST)
    cloud.compute("DELETE", f"/servers/{killed}")  # nova-api deletes it alone: the host is down
    cloud.wait_for_end(killed)
    kept = [each for each in ALL if each not in (roles.removed, roles.moved, roles.replaced)]
    computes.devices(here, [card(LATER), card(roles.replaced, "20b0"), *map(card, kept)])
    computes.spec(here, LATER, *(each for each in ALL if each not in (roles.outside, roles.forgotten)))

    def mark(which: int, status: str, owner: str | None = None) -> None:
        text = "UPDATE pci_devices SET status = :status, instance_uuid = :owner WHERE id = :id"
        cloud.sql(text, status=status, owner=owner, id=rows[address(which)]["id"])

    mark(roles.migrated, "allocated", mover)
    cloud.hold(mover, str(cloud.provider(here, roles.migrated)))
    cloud.hold(NOBODY, str(cloud.provider(here, roles.forgotten)))
    cloud.delete_row(rows[address(roles.forgotten)])
    mark(roles.stuck, "unavailable")
    mark(roles.claimed, "claimed")
    mark(roles.half, "removed")


def test_stale_states_are_found_and_repaired_beside_a_guest_that_runs(
    cloud: Cloud, desk: Desk, tmp_path: Path
) -> None:
    cloud.wait_for_rows(HOST, 12)
    cloud.wait_for_rows(OTHER_HOST, 2)
    keeper, killed = cloud.launch("keeper", HOST), cloud.launch("killed", HOST)
    mover = cloud.launch("mover", OTHER_HOST)
    assert desk.audit() == {}

    cloud.computes.lose(HOST, cloud.nova)
    rows = cloud.rows(HOST)
    owned = {str(each["instance_uuid"]): each for each in rows.values()}
    free = sorted(number(each) for each in rows.values() if each["instance_uuid"] is None)
    roles = Roles(number(owned[killed]), *free[:9])
    break_it(cloud, roles, killed, mover)
    assert desk.audit() == {
        "row-of-gone-guest": on(HOST, roles.killed),
        "row-of-missing-device": on(HOST, roles.removed),
        "row-of-moved-device": on(HOST, roles.moved),
        "row-of-replaced-device": on(HOST, roles.replaced),
        "row-after-migration": on(HOST, roles.migrated),
        "row-outside-device-spec": on(HOST, roles.outside),
        "row-stuck": on(HOST, roles.stuck),
        "row-without-guest": on(HOST, roles.claimed),
        "row-half-removed": on(HOST, roles.half),
        "device-without-row": on(HOST, LATER),
        "allocation-of-gone-guest": {f"{HOST} None"},
        "allocation-on-other-host": {f"{HOST} None"},
        "provider-left-behind": on(HOST, *roles.lost, roles.half),
    }

    before = (owned[keeper], cloud.allocations(keeper), cloud.rows(OTHER_HOST))
    code, told, err = desk.heal("--yes", "--backup", str(tmp_path / "before.json"))
    assert (code, told["refused"]) == (0, []), err
    assert f"now restart nova-compute on {HOST}" in err
    healed = cloud.rows(HOST)
    assert (healed[owned[keeper]["address"]], cloud.allocations(keeper), cloud.rows(OTHER_HOST)) == before
    assert desk.audit() == {"device-without-row": on(HOST, LATER, roles.half)}
    assert not cloud.allocations(NOBODY)["allocations"]

    cloud.computes.start(HOST, cloud.nova)
    left = 12 - len(roles.lost) + 1
    cloud.wait_for_rows(HOST, left)
    assert desk.audit() == {}
    for each in range(left - 1):
        cloud.launch(f"next-{each}", HOST)
    assert [each["status"] for each in cloud.rows(HOST).values()] == ["allocated"] * left
    assert desk.audit() == {}


def test_device_spec_changed_under_a_guest_which_keeps_its_device_while_it_lives(
    cloud: Cloud, desk: Desk, tmp_path: Path
) -> None:
    rows = cloud.rows(HOST)
    named = {each["name"]: each["id"] for each in cloud.servers()}
    (held,) = (number(each) for each in rows.values() if each["instance_uuid"] == named["keeper"])
    others = [number(each) for each in rows.values() if number(each) != held]
    cloud.computes.spec(HOST, *others)
    assert desk.audit() == {"row-outside-device-spec": on(HOST, held)}
    code, told, err = desk.heal("--yes")
    assert (code, told["rows"]) == (1, [])
    assert "put its entry back into device_spec" in err
    assert cloud.rows(HOST) == rows

    cloud.computes.lose(HOST, cloud.nova)
    cloud.compute("DELETE", f"/servers/{named['keeper']}")
    cloud.wait_for_end(named["keeper"])
    assert desk.audit() == {
        "row-of-gone-guest": on(HOST, held),
        "provider-left-behind": on(HOST, held),
    }
    code, _, err = desk.heal("--yes", "--backup", str(tmp_path / "before.json"))
    assert code == 0, err
    assert desk.audit() == {}
    assert cloud.rows(HOST) == {at: row for at, row in rows.items() if at != address(held)}
    assert cloud.provider(HOST, held) is None

    cloud.computes.start(HOST, cloud.nova)
    cloud.compute("DELETE", f"/servers/{named['next-0']}")
    cloud.wait_for_end(named["next-0"])
    cloud.launch("after", HOST)
    assert desk.audit() == {}


def test_a_repair_is_taken_back_from_mariadb_and_placement(cloud: Cloud, desk: Desk, tmp_path: Path) -> None:
    mover = next(each["id"] for each in cloud.servers() if each["name"] == "mover")
    cloud.compute("DELETE", f"/servers/{mover}")
    cloud.wait_for_end(mover)
    cloud.computes.kill(OTHER_HOST)
    free = str(cloud.provider(OTHER_HOST, 0x21))
    cloud.hold(NOBODY, free)
    cloud.delete_row(cloud.rows(OTHER_HOST)[address(0x21)])
    cloud.computes.spec(OTHER_HOST, 0x20)
    before = (cloud.rows(OTHER_HOST), cloud.allocations(NOBODY)["allocations"].keys())
    found = desk.audit()
    backup = tmp_path / "before.json"
    code, _, err = desk.heal("--yes", "--backup", str(backup))
    assert code == 0, err
    assert desk.audit() == {}
    assert cloud.provider(OTHER_HOST, 0x21) is None
    code, _, err = desk.heal("--restore", str(backup), "--yes")
    assert code == 0, err
    assert (cloud.rows(OTHER_HOST), cloud.allocations(NOBODY)["allocations"].keys()) == before
    assert desk.audit() == found
    assert desk.heal("--yes", "--backup", str(tmp_path / "again.json"))[0] == 0
