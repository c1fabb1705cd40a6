"""A laboratory host of a real nova, prepared by gpucloud, with cards that its guests get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from gpucloud.cli.main import run
from gpucloud.cloud.openstack.api import Api, open_api
from gpucloud.cloud.openstack.audit.database.place import open_database, url_in
from gpucloud.cloud.openstack.calls import Call
from gpucloud.lab.cloud.down import down
from gpucloud.lab.cloud.hosts.join import add_host, tell_host
from gpucloud.lab.cloud.services import NOVA_DATABASES
from gpucloud.lab.cloud.settings import CLOUD, Compute
from gpucloud.lab.cloud.up import up
from gpucloud.lab.cloud.upkeep.configure import Told, configure
from gpucloud.lab.host import LabHost
from gpucloud.nova.config import Configuration, read_config_file

HOST = "gpu01"
CARDS = ("0000:00:0a.0", "0000:00:0b.0", "0000:00:0c.0")
TOPOLOGY = """
title = "Three cards apart, and one in a group with a USB controller"
about = "Two root ports in one slot without ACS: a card behind one, a USB controller behind the other."
memory_mib = 3072
iommu = "intel"
kernel_arguments = ["intel_iommu=on"]
own_display = true
cards = [
    {slot = 0x0a, functions = ["rage128"]},
    {slot = 0x0b, functions = ["rage128"]},
    {slot = 0x0c, functions = ["rage128"]},
    {port = "first", functions = ["radeon-rv100"]},
    {port = "second", functions = ["usb"]},
]
ports = [
    {name = "first", slot = 0x08, function = 0, acs = false},
    {name = "second", slot = 0x08, function = 1, acs = false},
]
"""
SPEC = """
openstack: {release: "34", placement: report}
pools:
  rage: {use: passthrough, match: {ids: "1002:5046"}, nova: {alias: rage}}
  beside: {use: passthrough, match: {ids: "1002:5159"}, nova: {alias: beside}}
publish:
  flavors:
    gpu.rage: {vcpus: 1, ram_mib: 768, disk_gib: 0, gpus: {rage: 1}}
    gpu.beside: {vcpus: 1, ram_mib: 768, disk_gib: 0, gpus: {beside: 1}}
"""


@dataclass(frozen=True)
class Place:
    """A cloud, its host, and what was rendered for them.

    Args:
        folder: of the cloud.
        work: folder with the rendered files and the host's capture.
        reach: what gpucloud reaches the host by, as ``--host`` takes it.
    """

    folder: Path
    host: LabHost
    api: Api
    work: Path
    reach: str

    @property
    def conf(self) -> Path:
        return self.folder / "config" / NOVA_DATABASES

    @property
    def capture(self) -> Path:
        return self.work / f"{HOST}.tar.gz"

    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """Of pci_devices, by address."""
        text = sa.text("SELECT * FROM pci_devices WHERE deleted = 0")
        with self._engine().connect() as connection:
            return {str(row["address"]): dict(row) for row in connection.execute(text).mappings()}

    def sql(self, text: str, **values: object) -> None:
        with self._engine().begin() as connection:
            connection.execute(sa.text(text), values)

    def _engine(self) -> Engine:
        conf = read_config_file("nova.conf", self.conf.read_text())
        return open_database(url_in(Configuration((conf,))))

    def allocations(self, server: str) -> Any:
        return self.api.send(Call("placement", "GET", f"/allocations/{server}"))["allocations"]

    def providers(self) -> set[str]:
        found = self.api.send(Call("placement", "GET", "/resource_providers"))["resource_providers"]
        return {each["name"].lower() for each in found}

    def domains(self) -> list[str]:
        """What runs on the host."""
        return self.host.run(["virsh", "list", "--name"], ok=(0,)).stdout.split()

    def take(self) -> None:
        """The host as it is now, in a capture."""
        self.host.run(["rm", "-f", "/root/host.tar.gz"], ok=(0,))
        self.host.run(["gpucloud", "capture", "--output", "/root/host.tar.gz"], ok=(0,), timeout_s=300)
        self.capture.write_bytes(self.host.get("/root/host.tar.gz"))

    def render(self) -> tuple[Path, Path]:
        """nova.conf as `gpucloud nova render` writes it: of the controllers, and of the host."""
        spec, out = self.work / "gpucloud.yaml", self.work / "rendered"
        spec.write_text(SPEC)
        words = ["--spec", str(spec), "--layout", "packages", "--from", f"{HOST}={self.capture}"]
        assert run(["nova", "render", *words, "--write", str(out)]) == 0
        texts = {path.parents[3].name: path.read_text() for path in sorted(out.rglob("*.conf"))}
        control, compute = self.work / "control.conf", self.work / "compute.conf"
        control.write_text(texts["all"] + texts["controllers"])
        compute.write_text(texts["all"] + texts[HOST])
        return control, compute


def _ssh(host: LabHost, folder: Path) -> Path:
    """A program ssh that knows the laboratory's keys, as ~/.ssh/config of an administrator does."""
    program = folder / "ssh"
    program.write_text(f'#!/bin/sh\ncd "{host.folder}" && exec /usr/bin/ssh -F ssh_config "$@"\n')
    program.chmod(0o755)
    return folder


@contextmanager
def standing(factory: pytest.TempPathFactory, topology: str, cards: tuple[str, ...]) -> Iterator[Place]:
    """A cloud with a host of that topology, whose cards (addresses) are prepared, and its flavors."""
    state, work = factory.mktemp("state"), factory.mktemp("work")
    file = work / "grouped.toml"
    file.write_text(topology)
    cloud = up(compute=Compute.NONE, state=state)
    try:
        host = add_host(cloud.folder, file, HOST)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OS_CLIENT_CONFIG_FILE", str(cloud.clouds_yaml))
            patch.setenv("PATH", str(_ssh(host, factory.mktemp("bin"))), prepend=":")
            made = Place(cloud.folder, host, open_api(CLOUD), work, f"{HOST}=root@gpucloud-lab")
            units = [word for card in cards for word in ("--unit", card)]
            host.run(["gpucloud", "apply", *units, "--yes"], ok=(0,), timeout_s=300)
            made.take()
            control, compute = made.render()
            configure(cloud.folder, Told(control=control.read_text()))
            tell_host(cloud.folder, HOST, compute.read_text())
            assert run(["publish", "--cloud", CLOUD, "--spec", str(work / "gpucloud.yaml"), "--yes"]) == 0
            yield made
    finally:
        down(cloud.folder)


def launch(name: str, flavor: str, *more: str) -> int:
    """Ask for a guest with a card, and give the exit code."""
    what = ["--image", "lab-guest", "--network", "none", "--gpus", "1", "--flavor", flavor, "--name", name]
    return run(["launch", "--cloud", CLOUD, *what, "--timeout", "15m", *more])
