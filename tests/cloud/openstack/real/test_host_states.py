"""A laboratory host of a real nova: a group that vfio refuses, and a card that is taken out under nova."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gpucloud.cli.main import run
from gpucloud.cloud.openstack.api import Api, open_api
from gpucloud.cloud.openstack.audit.database.place import open_database, url_in
from gpucloud.cloud.openstack.calls import Call
from gpucloud.lab.cloud.down import down
from gpucloud.lab.cloud.hosts import settings
from gpucloud.lab.cloud.hosts.join import add_host, tell_host
from gpucloud.lab.cloud.services import NOVA_DATABASES
from gpucloud.lab.cloud.settings import CLOUD, Compute
from gpucloud.lab.cloud.up import up
from gpucloud.lab.cloud.upkeep.configure import Told, configure
from gpucloud.lab.host import LabHost
from gpucloud.nova.config import Configuration, read_config_file

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]

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
        conf = read_config_file("nova.conf", self.conf.read_text())
        text = sa.text("SELECT * FROM pci_devices WHERE deleted = 0")
        with open_database(url_in(Configuration((conf,)))).connect() as connection:
            return {str(row["address"]): dict(row) for row in connection.execute(text).mappings()}

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


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    state, work = tmp_path_factory.mktemp("state"), tmp_path_factory.mktemp("work")
    topology = work / "grouped.toml"
    topology.write_text(TOPOLOGY)
    cloud = up(compute=Compute.NONE, state=state)
    try:
        host = add_host(cloud.folder, topology, HOST)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OS_CLIENT_CONFIG_FILE", str(cloud.clouds_yaml))
            patch.setenv("PATH", str(_ssh(host, tmp_path_factory.mktemp("bin"))), prepend=":")
            made = Place(cloud.folder, host, open_api(CLOUD), work, f"{HOST}=root@gpucloud-lab")
            units = [word for card in CARDS for word in ("--unit", card)]
            host.run(["gpucloud", "apply", *units, "--yes"], ok=(0,), timeout_s=300)
            made.take()
            control, compute = made.render()
            configure(cloud.folder, Told(control=control.read_text()))
            tell_host(cloud.folder, HOST, compute.read_text())
            assert run(["publish", "--cloud", CLOUD, "--spec", str(work / "gpucloud.yaml"), "--yes"]) == 0
            yield made
    finally:
        down(cloud.folder)


def _launch(name: str, flavor: str, *more: str) -> int:
    what = ["--image", "lab-guest", "--network", "none", "--gpus", "1", "--flavor", flavor, "--name", name]
    return run(["launch", "--cloud", CLOUD, *what, "--timeout", "15m", *more])


def test_a_group_with_a_device_of_the_host_is_explained_by_its_number_and_that_device(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _launch("stuck", "gpu.beside", "--keep-failed") == 1
    assert "Exhausted all hosts" in capsys.readouterr().err
    (server,) = place.api.send(Call("compute", "GET", "/servers/detail?name=stuck"))["servers"]
    assert server["status"] == "ERROR"

    log = place.work / "nova-compute.log"
    log.write_text(place.host.run(["tail", "-n", "300", settings.LOG], ok=(0,)).stdout)
    place.take()
    files = [
        "--config",
        str(place.work / "control.conf"),
        "--compute-config",
        str(place.work / "compute.conf"),
    ]
    words = [*files, "--release", "34", "--devices", f"{HOST}={place.capture}", "--evidence", str(log)]
    code = run(["cloud", "explain", "stuck", "--cloud", CLOUD, "--format", "json", *words])
    told = capsys.readouterr()
    assert code == 3, told.out + told.err
    found = json.loads(told.out)["findings"][0]
    where = "/sys/bus/pci/devices/0000:01:00.0/iommu_group"
    group = place.host.run(["readlink", where], ok=(0,)).stdout.strip().rpartition("/")[2]
    said = json.dumps(found)
    assert f"group {group} is not viable" in said
    assert "02:00.0" in found["title"], found["title"]
    assert run(["destroy", "stuck", "--cloud", CLOUD]) == 0, capsys.readouterr().err


def test_a_card_taken_out_is_found_and_healed_beside_a_guest_that_runs_on(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _launch("keeper", "gpu.rage") == 0, capsys.readouterr().err
    before = place.rows()
    held = next(at for at in CARDS if before[at]["status"] == "allocated")
    keeper = str(before[held]["instance_uuid"])
    free = [at for at in CARDS if at != held]
    running, has = place.domains(), place.allocations(keeper)

    place.host.run(["systemctl", "stop", settings.UNIT], ok=(0,))
    taken = free[0]
    place.host.run(["sh", "-c", 'echo 1 >"$1"', "sh", f"/sys/bus/pci/devices/{taken}/remove"], ok=(0,))
    conf = ["--nova-conf", str(place.conf), "--compute-config", f"{HOST}={place.work / 'compute.conf'}"]
    words = ["--cloud", CLOUD, *conf, "--release", "34", "--host", place.reach, "--format", "json"]
    capsys.readouterr()
    code = run(["cloud", "audit", *words])
    told = capsys.readouterr()
    assert code == 3, told.out + told.err
    found = json.loads(told.out)["findings"]
    assert [each["cause"] for each in found][:1] == ["row-of-missing-device"], told.out
    assert {each["address"] for each in found} == {taken}, told.out

    assert run(["cloud", "heal", *words, "--dry-run"]) == 4, capsys.readouterr().err
    assert place.rows() == before
    code = run(["cloud", "heal", *words, "--yes", "--backup", str(tmp_path / "before.json")])
    assert code == 0, capsys.readouterr().err
    assert place.rows() == {at: row for at, row in before.items() if at != taken}
    assert not any(taken in name for name in place.providers())
    assert (place.domains(), place.allocations(keeper)) == (running, has)

    tell_host(place.folder, HOST, (place.work / "compute.conf").read_text())
    assert _launch("next", "gpu.rage") == 0, capsys.readouterr().err
    assert len(place.domains()) == 2
    assert place.rows()[free[1]]["status"] == "allocated"
    capsys.readouterr()
    assert run(["cloud", "audit", *words]) == 0, capsys.readouterr().out
