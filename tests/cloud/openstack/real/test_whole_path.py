"""From a server as it comes to a guest with its card, and back: real nova, real libvirt, real VFIO.

One host of one laboratory cloud serves all that is looked at, in the order in which an operator does it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
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
from gpucloud.lab.cloud.hosts.join import add_host, tell_host
from gpucloud.lab.cloud.services import NOVA_DATABASES
from gpucloud.lab.cloud.settings import CLOUD, Compute
from gpucloud.lab.cloud.status import look
from gpucloud.lab.cloud.up import Cloud, up
from gpucloud.lab.cloud.upkeep.configure import Told, configure
from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import HOSTS
from gpucloud.nova.config import Configuration, read_config_file

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]

HOST, CARD, AUDIO = "gpu01", "1002:5046", "8086:2668"
FUNCTIONS = ("0000:00:0a.0", "0000:00:0a.1")
SPEC = """
openstack: {release: "34", placement: report}
pools:
  rage: {use: passthrough, match: {address: "0000:00:0a.0"}, nova: {alias: rage, companions: audio}}
publish:
  flavors:
    gpu.1:
      vcpus: 1
      ram_mib: 768
      disk_gib: 0
      gpus: {rage: 1}
"""


@dataclass(frozen=True)
class Place:
    """A cloud, its host, and a session of its administrator."""

    cloud: Cloud
    host: LabHost
    api: Api

    def providers_in_use(self) -> dict[str, int]:
        """What Placement says is in use, without what is not."""
        known = self._placement("/resource_providers")["resource_providers"]
        usages = [self._placement(f"/resource_providers/{each['uuid']}/usages")["usages"] for each in known]
        return {name: count for each in usages for name, count in each.items() if count}

    def rows(self) -> dict[str, tuple[str, bool]]:
        """Of pci_devices, by address: the status, and whether a guest is named."""
        conf = read_config_file("nova.conf", (self.cloud.folder / "config" / NOVA_DATABASES).read_text())
        text = sa.text("SELECT address, status, instance_uuid FROM pci_devices WHERE deleted = 0")
        with open_database(url_in(Configuration((conf,)))).connect() as connection:
            return {
                row.address: (row.status, row.instance_uuid is not None) for row in connection.execute(text)
            }

    def domains(self) -> list[str]:
        """What libvirt on the host has, also what is shut off."""
        return self.host.run(["virsh", "list", "--all", "--name"], ok=(0,)).stdout.split()

    def _placement(self, path: str) -> Any:
        return self.api.send(Call("placement", "GET", path))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    state = tmp_path_factory.mktemp("state")
    cloud = up(compute=Compute.NONE, state=state)
    try:
        host = add_host(cloud.folder, "card-audio", HOST)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OS_CLIENT_CONFIG_FILE", str(cloud.clouds_yaml))
            yield Place(cloud, host, open_api(CLOUD))
    finally:
        down(cloud.folder)
    assert not (state / HOSTS / HOST).exists()


def _rendered(place: Place, work: Path) -> dict[str, str]:
    """What `gpucloud nova render` writes for the host, by who is to read it."""
    spec, capture, out = work / "gpucloud.yaml", work / f"{HOST}.tar.gz", work / "rendered"
    spec.write_text(SPEC)
    place.host.run(["gpucloud", "capture", "--output", "/root/host.tar.gz"], ok=(0,), timeout_s=300)
    capture.write_bytes(place.host.get("/root/host.tar.gz"))
    words = ["--spec", str(spec), "--layout", "packages", "--from", f"{HOST}={capture}", "--write", str(out)]
    assert run(["nova", "render", *words]) == 0
    return {path.parents[3].name: path.read_text() for path in sorted(out.rglob("*.conf"))}


def _driver(place: Place, function: str) -> str:
    link = f"/sys/bus/pci/devices/0000:00:0a.{function}/driver"
    return place.host.run(["readlink", "-f", link], ok=(0,)).stdout.strip().rpartition("/")[2]


def test_a_server_is_prepared_joined_and_gives_its_card_to_a_guest_and_back(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = look(place.cloud.folder)
    assert found is not None
    assert found.is_whole

    place.host.run(["gpucloud", "apply", "--unit", "00:0a.0", "--yes"], ok=(0,), timeout_s=300)
    assert (_driver(place, "0"), _driver(place, "1")) == ("vfio-pci", "vfio-pci")

    texts = _rendered(place, tmp_path)
    configure(place.cloud.folder, Told(control=texts["all"] + texts["controllers"]))
    tell_host(place.cloud.folder, HOST, texts["all"] + texts[HOST])
    spec = str(tmp_path / "gpucloud.yaml")
    assert run(["publish", "--cloud", CLOUD, "--spec", spec, "--yes"]) == 0
    capsys.readouterr()

    wanted = ["--gpus", "1", "--memory", "512M", "--name", "train", "--timeout", "15m"]
    words = ["--cloud", CLOUD, "--image", "lab-guest", "--network", "none", *wanted, "--format", "json"]
    assert run(["launch", *words]) == 0, capsys.readouterr().err
    guest = json.loads(capsys.readouterr().out)
    assert guest["state"] == "running"
    assert {each["id"] for each in guest["seen"]} >= {CARD, AUDIO}

    assert run(["console", "train", "--cloud", CLOUD, "--log"]) == 0
    console = capsys.readouterr().out
    assert f" {CARD} 030000 " in console
    assert f" {AUDIO} 040300 " in console

    used = place.providers_in_use()
    assert {used.pop(name) for name in ("CUSTOM_PCI_1002_5046", "CUSTOM_PCI_8086_2668")} == {1}
    assert used == {"VCPU": 1, "MEMORY_MB": 768}
    assert place.rows() == dict.fromkeys(FUNCTIONS, ("allocated", True))
    assert len(place.domains()) == 1

    assert run(["destroy", "train", "--cloud", CLOUD]) == 0, capsys.readouterr().err
    assert place.providers_in_use() == {}
    assert place.rows() == dict.fromkeys(FUNCTIONS, ("available", False))
    assert place.domains() == []
