"""A real OpenStack with two hosts full of cards, whose devices are counted in Placement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from tests.cloud.openstack.real.nova import RealNova

from gpucloud.cloud.openstack.audit.database.place import open_database, url_in
from gpucloud.cloud.openstack.calls import Call
from gpucloud.lab.cloud import daemon, ready, setup
from gpucloud.lab.cloud.daemon import Daemon
from gpucloud.lab.cloud.record import read_record, site_of
from gpucloud.lab.cloud.services import (
    NOVA_COMPUTE,
    NOVA_CONF,
    NOVA_DATABASES,
    config_files,
    everything,
)
from gpucloud.lab.cloud.settings import Compute, nova_compute, render
from gpucloud.lab.cloud.site import Site, write_secret
from gpucloud.model.failure import Failure
from gpucloud.nova.config import Configuration, read_config_file

HOST, OTHER_HOST = "heal-1", "heal-2"
WAIT_S = 180
_HOST, _SPEC = "lab-host-{}.json", "spec-{}.conf"
_PLACEMENT = "1.28"


def card(number: int, product: str = "1db4") -> dict[str, Any]:
    return {"address": address(number), "vendor_id": "10de", "product_id": product, "numa_node": 0}


def address(number: int) -> str:
    return f"0000:{number:02x}:00.0"


@dataclass
class Computes:
    """nova-compute of both hosts: started and killed here, so that nothing else writes meanwhile.

    Args:
        folder: of the cloud.
        running: by host.
    """

    folder: Path
    running: dict[str, Daemon] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        record = read_record(self.folder)
        assert record is not None
        return site_of(self.folder, record)

    def devices(self, host: str, cards: list[dict[str, Any]]) -> None:
        """What a host has from its next start on."""
        (self.site.config / _HOST.format(host)).write_text(json.dumps({"devices": cards, "numa_nodes": 1}))

    def spec(self, host: str, *numbers: int) -> None:
        """The device_spec of a host: these cards."""
        lines = ["[pci]", "report_in_placement = true"]
        for number in numbers:
            entry = {"vendor_id": "10de", "product_id": "1db4", "address": address(number)}
            lines.append(f"device_spec = {json.dumps(entry)}")
        self.spec_file(host).write_text("\n".join(lines) + "\n")

    def spec_file(self, host: str) -> Path:
        return self.site.config / _SPEC.format(host)

    def start(self, host: str, nova: RealNova) -> None:
        """Start one, and wait until nova has heard of it."""
        site = self.site
        own = site.config / f"own-{host}.conf"
        sections = nova_compute(host, Compute.CARDS)
        state = site.data / f"nova-{host}"
        state.mkdir(mode=0o700, exist_ok=True)
        write_secret(own, render({"DEFAULT": {**sections["DEFAULT"], "state_path": str(state)}}))
        known = next(one for one in everything(site) if one.name == "nova-compute")
        program = [word for word in known.argv if not word.startswith("--config-file")]
        files = config_files(site.config, NOVA_CONF, own.name, _SPEC.format(host))
        self.running[host] = daemon.start(
            f"nova-compute-{host}",
            (*program, *files),
            cwd=site.data,
            log=site.logs / f"nova-compute-{host}.log",
            tmp=site.tmp,
            variables={"GPUCLOUD_LAB_HOST": str(site.config / _HOST.format(host))},
        )
        before = _heard(nova, host)

        def has_come() -> bool:
            return _heard(nova, host) not in (None, before)

        ready.wait_until(has_come, timeout_s=WAIT_S, what=lambda: f"nova-compute {host}")

    def kill(self, host: str) -> None:
        """The host loses its nova-compute."""
        daemon.end([self.running.pop(host)], self.site.tmp)

    def lose(self, host: str, nova: RealNova) -> None:
        """The same, and nova notices."""
        self.kill(host)
        ready.wait_until(lambda: _heard(nova, host) is None, timeout_s=WAIT_S, what=lambda: f"{host} down")

    def discover(self) -> None:
        """nova's cell learns of new hosts."""
        setup.run_command(self.site, setup.discover_hosts(self.site))


def _heard(nova: RealNova, host: str) -> str | None:
    """When nova heard of a nova-compute last."""
    services = nova.compute("GET", f"/os-services?binary=nova-compute&host={host}")["services"]
    return next((each["updated_at"] for each in services if each["state"] == "up"), None)


@dataclass
class Cloud:
    """All of it: what tests make, edit and look at."""

    nova: RealNova
    computes: Computes

    @property
    def conf(self) -> Path:
        """The nova.conf that names the database."""
        return self.nova.folder / "config" / NOVA_DATABASES

    def engine(self) -> Engine:
        return open_database(url_in(Configuration((read_config_file("nova.conf", self.conf.read_text()),))))

    def sql(self, text: str, **values: object) -> None:
        with self.engine().begin() as connection:
            connection.execute(sa.text(text), values)

    def rows(self, host: str) -> Mapping[str, Mapping[str, Any]]:
        """Rows of a host that are not deleted, by address."""
        text = (
            "SELECT d.* FROM pci_devices d JOIN compute_nodes n ON n.id = d.compute_node_id "
            "WHERE n.host = :host AND n.deleted = 0 AND d.deleted = 0"
        )
        with self.engine().connect() as connection:
            found = connection.execute(sa.text(text), {"host": host}).mappings()
            return {str(each["address"]): dict(each) for each in found}

    def send(self, call: Call) -> Any:
        """A request; one more where the service has just closed a connection that had been idle."""
        try:
            return self.nova.api.send(call)
        except Failure as failure:
            if "Connection reset" not in str(failure) and "Connection aborted" not in str(failure):
                raise
            return self.nova.api.send(call)

    def compute(self, method: str, path: str) -> Any:
        return self.send(Call("compute", method, path))

    def servers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.compute("GET", "/servers/detail?all_tenants=1")["servers"]
        return found

    def launch(self, name: str, host: str | None = None) -> str:
        """A guest with one card that runs, and its uuid."""
        flavors = self.compute("GET", "/flavors/detail")["flavors"]
        flavor = next(each["id"] for each in flavors if each["name"] == "gpu.1")
        image = self.send(Call("image", "GET", "/images"))["images"][0]["id"]
        wish = {"name": name, "flavorRef": flavor, "imageRef": image, "networks": "none"}
        where = {} if host is None else {"host": host}
        call = Call("compute", "POST", "/servers", {"server": {**wish, **where}}, microversion="2.74")
        uuid = str(self.send(call)["server"]["id"])
        self.wait(uuid, "ACTIVE")
        return uuid

    def wait(self, uuid: str, status: str) -> None:
        """Until a guest has a status; it fails where nova gives it up."""

        def has_it() -> bool:
            server = self.compute("GET", f"/servers/{uuid}")["server"]
            assert server["status"] in (status, "BUILD"), server.get("fault")
            return bool(server["status"] == status)

        ready.wait_until(has_it, timeout_s=WAIT_S, what=lambda: f"guest {uuid} {status}")

    def wait_for_end(self, uuid: str) -> None:
        """Until nova has deleted a guest."""

        def is_gone() -> bool:
            return uuid not in {each["id"] for each in self.servers()}

        ready.wait_until(is_gone, timeout_s=WAIT_S, what=lambda: f"guest {uuid} deleted")

    def delete_row(self, row: Mapping[str, Any]) -> None:
        """As nova deletes one."""
        self.sql("UPDATE pci_devices SET deleted = id WHERE id = :id", id=row["id"])

    def wait_for_rows(self, host: str, count: int) -> None:
        """Until nova-compute has written its rows."""
        ready.wait_until(
            lambda: len(self.rows(host)) == count, timeout_s=WAIT_S, what=lambda: f"{count} rows of {host}"
        )

    def provider(self, host: str, number: int) -> str | None:
        """The provider of a device, where there is one."""
        name = f"{host}_{address(number).upper()}"
        path = f"/resource_providers?name={name.replace(':', '%3A')}"
        found = self.placement("GET", path)["resource_providers"]
        return found[0]["uuid"] if found else None

    def allocations(self, consumer: str) -> Any:
        return self.placement("GET", f"/allocations/{consumer}")

    def hold(self, consumer: str, provider: str) -> None:
        """A consumer holds a card, too."""
        has = self.allocations(consumer)
        known = {name: {"resources": each["resources"]} for name, each in has["allocations"].items()}
        body = {
            "allocations": {**known, provider: {"resources": {"CUSTOM_PCI_10DE_1DB4": 1}}},
            "consumer_generation": has.get("consumer_generation"),
            "project_id": has.get("project_id", "0" * 32),
            "user_id": has.get("user_id", "0" * 32),
        }
        self.placement("PUT", f"/allocations/{consumer}", body)

    def placement(self, method: str, path: str, body: object = None) -> Any:
        return self.send(Call("placement", method, path, body, microversion=_PLACEMENT))


@contextmanager
def two_hosts(nova: RealNova) -> Iterator[Cloud]:
    """Both hosts with their cards, known to nova; the cloud's own nova-compute is ended for it."""
    computes = Computes(nova.folder)
    record = read_record(nova.folder)
    assert record is not None
    daemon.end([one for one in record.daemons if one.name == "nova-compute"], computes.site.tmp)
    assert (computes.site.config / NOVA_COMPUTE).exists()
    try:
        for host, numbers in ((HOST, range(0x10, 0x1C)), (OTHER_HOST, range(0x20, 0x22))):
            computes.devices(host, [card(each) for each in numbers])
            computes.spec(host, *numbers)
            computes.start(host, nova)
        computes.discover()
        yield Cloud(nova, computes)
    finally:
        for host in tuple(computes.running):
            computes.kill(host)
