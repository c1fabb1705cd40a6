"""Stale states made on a host whose guests run in libvirt: found, healed beside them, and the next starts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.openstack.real.lab_host import HOST, TOPOLOGY, Place, launch, standing

from gpucloud.cli.main import run
from gpucloud.cloud.openstack.calls import Call
from gpucloud.lab.cloud import ready
from gpucloud.lab.cloud.hosts import settings
from gpucloud.lab.cloud.hosts.join import tell_host
from gpucloud.lab.cloud.settings import CLOUD

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(2400),
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]
SLOTS = range(0x0A, 0x12)
MORE_CARDS = "".join(f'    {{slot = {slot:#04x}, functions = ["rage128"]}},\n' for slot in SLOTS[3:])
CARDS = tuple(f"0000:00:{slot:02x}.0" for slot in SLOTS)
NOWHERE = "0000:00:00.7"
"""An address that the host has nothing at, before all of its cards."""
NOBODY = "00000000-0000-0000-0000-00000000dead"
WAIT_S = 180
_PLACEMENT = "1.28"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    more = TOPOLOGY.replace("    {port", f"{MORE_CARDS}    {{port", 1)
    with standing(tmp_path_factory, more, CARDS) as made:
        yield made


class Desk:
    """Who breaks things, audits and heals."""

    def __init__(self, place: Place, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.place, self._folder, self._capsys = place, folder, capsys
        self.compute = place.work / "compute.conf"

    def _words(self) -> list[str]:
        conf = ["--nova-conf", str(self.place.conf), "--compute-config", f"{HOST}={self.compute}"]
        return ["--cloud", CLOUD, *conf, "--release", "34", "--host", self.place.reach, "--format", "json"]

    def audit(self) -> dict[str, set[str | None]]:
        """Kind to the addresses that it is found at."""
        self._capsys.readouterr()
        code = run(["cloud", "audit", *self._words()])
        told = self._capsys.readouterr()
        assert code in (0, 3), told.out + told.err
        found: dict[str, set[str | None]] = {}
        for each in json.loads(told.out)["findings"]:
            found.setdefault(each["cause"], set()).add(each["address"])
        return found

    def heal(self, name: str) -> tuple[int, dict[str, Any], str]:
        self._capsys.readouterr()
        backup = ["--backup", str(self._folder / f"{name}.json")]
        code = run(["cloud", "heal", *self._words(), "--trust-nova", "--yes", *backup])
        told = self._capsys.readouterr()
        assert told.out, told.err
        return code, json.loads(told.out), told.err

    def server(self, name: str) -> dict[str, Any]:
        path = f"/servers/detail?all_tenants=1&name={name}"
        (found,) = self.place.api.send(Call("compute", "GET", path))["servers"]
        return dict(found)

    def delete(self, server: str) -> None:
        """A server, by nova; and wait until it has none of that id."""
        self.place.api.send(Call("compute", "DELETE", f"/servers/{server}"))
        path = "/servers/detail?all_tenants=1"

        def is_gone() -> bool:
            there = self.place.api.send(Call("compute", "GET", path))["servers"]
            return server not in {each["id"] for each in there}

        ready.wait_until(is_gone, timeout_s=WAIT_S, what=lambda: f"server {server} deleted")

    def lose(self) -> None:
        """The host's nova-compute ends, and nova is told so."""
        self.place.host.run(["systemctl", "stop", settings.UNIT], ok=(0,))
        self.force_down(True)

    def force_down(self, is_down: bool) -> None:
        path = "/os-services?binary=nova-compute"
        (service,) = self.place.api.send(Call("compute", "GET", path))["services"]
        body = {"forced_down": is_down}
        self.place.api.send(Call("compute", "PUT", f"/os-services/{service['id']}", body))

    def provider(self, address: str) -> str:
        found = self.place.api.send(Call("placement", "GET", "/resource_providers"))["resource_providers"]
        (uuid,) = (each["uuid"] for each in found if each["name"].lower().endswith(f"_{address}"))
        return str(uuid)

    def hold(self, address: str) -> None:
        """Placement counts a card as used by nobody that is there."""
        provider = self.provider(address)
        body = {
            "allocations": {provider: {"resources": {"CUSTOM_PCI_1002_5046": 1}}},
            "consumer_generation": None,
            "project_id": "0" * 32,
            "user_id": "0" * 32,
        }
        path = f"/allocations/{NOBODY}"
        self.place.api.send(Call("placement", "PUT", path, body, microversion=_PLACEMENT))


@dataclass(frozen=True)
class Roles:
    """Which card comes to what."""

    keeper: str
    killed: str
    edited: str
    removed: str
    outside: str
    held: str
    claimed: str
    forgotten: str


def _break(desk: Desk, roles: Roles) -> None:
    """States that crashes, old releases and hands leave; the host's nova-compute is down."""
    place, of = desk.place, {at: row["id"] for at, row in desk.place.rows().items()}
    place.sql("UPDATE pci_devices SET address = :to WHERE id = :id", to=NOWHERE, id=of[roles.edited])
    place.host.run(["sh", "-c", f"echo 1 >/sys/bus/pci/devices/{roles.removed}/remove"], ok=(0,))
    desk.hold(roles.held)
    place.sql("UPDATE pci_devices SET status = 'claimed' WHERE id = :id", id=of[roles.claimed])
    place.sql("UPDATE pci_devices SET deleted = id WHERE id = :id", id=of[roles.forgotten])
    lines = (place.work / "compute.conf").read_text().splitlines(keepends=True)
    desk.compute = place.work / "later.conf"
    kept = [line for line in lines if roles.outside not in line and roles.forgotten not in line]
    assert sum(map(_is_entry, kept)) == sum(map(_is_entry, lines)) - 2, lines
    desk.compute.write_text("".join(kept))


def _is_entry(line: str) -> bool:
    return line.startswith("device_spec")


def test_stale_states_are_healed_beside_guests_that_run(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(place, tmp_path, capsys)
    assert launch("guest", "gpu.rage", "--count", "2") == 0, capsys.readouterr().err
    assert desk.audit() == {}
    keeper, killed = desk.server("guest-1"), desk.server("guest-2")
    before = place.rows()
    owned = {row["instance_uuid"]: at for at, row in before.items()}
    free = [at for at in CARDS if before[at]["instance_uuid"] is None]
    roles = Roles(owned[keeper["id"]], owned[killed["id"]], *free)
    name, gone = (each["OS-EXT-SRV-ATTR:instance_name"] for each in (keeper, killed))

    # The guest is deleted while its host is away: it runs on, and keeps its card from everybody else.
    desk.lose()
    desk.delete(killed["id"])
    assert desk.audit() == {"row-of-gone-guest": {roles.killed}}
    code, told, err = desk.heal("running")
    assert (code, told["rows"]) == (1, []), err
    assert gone in err or gone in json.dumps(told["refused"]), err
    assert set(place.domains()) == {name, gone}
    assert place.rows() == before

    place.host.run(["sh", "-c", f'kill -9 "$(cat /run/libvirt/qemu/{gone}.pid)"'], ok=(0,))
    ready.wait_until(lambda: place.domains() == [name], timeout_s=WAIT_S, what=lambda: f"{gone} ended")
    _break(desk, roles)
    assert desk.audit() == {
        "row-of-gone-guest": {roles.killed},
        "row-of-moved-device": {NOWHERE},
        "row-of-missing-device": {roles.removed},
        "row-outside-device-spec": {roles.outside},
        "row-without-guest": {roles.claimed},
        "device-without-row": {roles.edited},
        "allocation-of-gone-guest": {None},
        "provider-left-behind": {roles.edited, roles.removed, roles.outside, roles.forgotten},
    }

    number = place.host.run(["virsh", "domid", name], ok=(0,)).stdout
    has = place.allocations(keeper["id"])
    code, told, err = desk.heal("stale")
    assert (code, told["refused"]) == (0, []), err
    healed = place.rows()
    assert healed[roles.keeper] == before[roles.keeper]
    assert place.allocations(keeper["id"]) == has
    assert place.host.run(["virsh", "domid", name], ok=(0,)).stdout == number
    assert {healed[at]["status"] for at in (roles.killed, roles.claimed)} == {"available"}
    assert not place.allocations(NOBODY)
    assert desk.audit() == {"device-without-row": {roles.edited}}

    place.host.run(["virsh", "undefine", gone, "--nvram"])
    desk.force_down(False)
    tell_host(place.folder, HOST, desk.compute.read_text())
    offered = before.keys() - {roles.removed, roles.outside, roles.forgotten}
    ready.wait_until(
        lambda: place.rows().keys() == offered, timeout_s=WAIT_S, what=lambda: f"rows of {sorted(offered)}"
    )
    assert desk.audit() == {}
    assert launch("next", "gpu.rage") == 0, capsys.readouterr().err
    assert desk.audit() == {}
