"""vGPUs through a real nova that gpucloud tells of them: two guests share a parent, and no third gets one.

The parent is the kernel's sample driver mtty, the only one without hardware that libvirt offers nova.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpucloud.cli.main import run
from gpucloud.cloud.openstack.api import Api, open_api
from gpucloud.cloud.openstack.calls import Call
from gpucloud.lab.cloud.down import down
from gpucloud.lab.cloud.hosts.join import add_host, tell_host
from gpucloud.lab.cloud.hosts.settings import LOG
from gpucloud.lab.cloud.settings import CLOUD, Compute
from gpucloud.lab.cloud.up import up
from gpucloud.lab.host import LabHost

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]

HOST, DEVICE = "gpu01", "4348:3253"
TOPOLOGY = """
title = "Serial ports of which guests of a cloud have slices"
about = "The kernel's sample driver mtty, on a server with room for two guests of a cloud."
memory_mib = 3072
iommu = "intel"
kernel_arguments = ["intel_iommu=on"]
own_display = true
mdev = ["mtty"]
"""
LAYOUT = "mtty: 2 x mtty-2, 20 x mtty-1"
"""Two of the type that nova offers; what else the driver has is taken."""
UNTOLD = """\
[devices]
enabled_mdev_types = nvidia-35
"""
"""Types that are on, and no word of the parent that is there."""
SPEC = """
openstack: {release: "34"}
pools:
  serial: {use: vgpu, vgpu_types: [{type: mtty-2}], match: {parent: mtty}}
publish:
  flavors:
    vgpu.1: {vcpus: 1, ram_mib: 640, disk_gib: 0, gpus: {serial: 1}}
"""


@dataclass(frozen=True)
class Place:
    """A cloud, its host, and a session of its administrator."""

    host: LabHost
    api: Api
    folder: Path

    def vgpus(self) -> tuple[int, int]:
        """How many Placement has, and how many are in use."""
        total = used = 0
        for each in self._placement("/resource_providers")["resource_providers"]:
            known = self._placement(f"/resource_providers/{each['uuid']}/inventories")["inventories"]
            total += known.get("VGPU", {}).get("total", 0)
            usages = self._placement(f"/resource_providers/{each['uuid']}/usages")["usages"]
            used += usages.get("VGPU", 0)
        return total, used

    def _placement(self, path: str) -> Any:
        return self.api.send(Call("placement", "GET", path))

    def server(self, name: str) -> Any:
        """What nova says of a guest."""
        (found,) = self.api.send(Call("compute", "GET", f"/servers/detail?name={name}"))["servers"]
        return found

    def users(self) -> list[int]:
        """How many have each device of the type, as the host tells."""
        told = self.host.run(["gpucloud", "vgpu", "list", "--format", "json"], ok=(0,), timeout_s=120)
        slices = [each for card in json.loads(told.stdout)["cards"] for each in card["slices"]]
        return sorted(len(each["used_by"]) for each in slices if each["profile"] == "mtty-2")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    state, work = tmp_path_factory.mktemp("state"), tmp_path_factory.mktemp("work")
    topology = work / "serial.toml"
    topology.write_text(TOPOLOGY)
    cloud = up(compute=Compute.NONE, state=state)
    try:
        host = add_host(cloud.folder, topology, HOST)
        host.run(["gpucloud", "vgpu", "apply", LAYOUT, "--yes"], ok=(0,), timeout_s=300)
        spec, capture = work / "gpucloud.yaml", work / f"{HOST}.tar.gz"
        spec.write_text(SPEC)
        host.run(["gpucloud", "capture", "--output", "/root/host.tar.gz"], ok=(0,), timeout_s=300)
        capture.write_bytes(host.get("/root/host.tar.gz"))
        tell_host(cloud.folder, HOST, _rendered(spec, capture, work / "rendered"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OS_CLIENT_CONFIG_FILE", str(cloud.clouds_yaml))
            assert run(["publish", "--cloud", CLOUD, "--spec", str(spec), "--yes"]) == 0
            yield Place(host, open_api(CLOUD), cloud.folder)
    finally:
        down(cloud.folder)


def _rendered(spec: Path, capture: Path, out: Path) -> str:
    """What `gpucloud nova render` writes for nova-compute, and `gpucloud nova check` finds right."""
    words = ["--spec", str(spec), "--layout", "packages", "--from", f"{HOST}={capture}", "--write", str(out)]
    assert run(["nova", "render", *words]) == 0
    files = sorted(out.rglob("*.conf"))
    known = ["--release", "34", "--service", "compute", "--devices", str(capture)]
    assert run(["nova", "check", *map(str, files), *known]) == 0
    return "".join(file.read_text() for file in files)


def _launch(name: str, *more: str) -> int:
    what = ["--flavor", "vgpu.1", "--image", "lab-guest", "--network", "none", "--name", name]
    return run(["launch", "--cloud", CLOUD, *what, "--timeout", "15m", "--format", "json", *more])


def test_two_guests_share_a_parent_and_the_third_is_told_that_there_is_no_more(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.vgpus() == (2, 0)
    capsys.readouterr()
    for count, name in enumerate(("first", "second"), 1):
        assert _launch(name, "--keep-failed") == 1
        assert "its PCI list has 0 GPUs" in capsys.readouterr().err  # a serial port is not taken for one
        assert place.server(name)["status"] == "ACTIVE"
        assert place.vgpus() == (2, count)
        assert run(["console", name, "--cloud", CLOUD, "--log"]) == 0
        assert f" {DEVICE} 0700" in capsys.readouterr().out
    assert place.users() == [1, 1]

    assert _launch("third", "--keep-failed") == 1
    assert "No valid host" in place.server("third")["fault"]["message"]
    capsys.readouterr()
    assert run(["cloud", "explain", "third", "--cloud", CLOUD, "--format", "json"]) == 3
    found = json.loads(capsys.readouterr().out)["findings"][0]
    assert found["title"] == "No VGPU is free: 2 of 2 are in use, and the flavor asks for 1"
    assert run(["destroy", "third", "--cloud", CLOUD]) == 0, capsys.readouterr().err

    assert run(["destroy", "first", "--cloud", CLOUD]) == 0, capsys.readouterr().err
    assert place.vgpus() == (2, 1)
    assert run(["destroy", "second", "--cloud", CLOUD]) == 0, capsys.readouterr().err
    assert place.vgpus() == (2, 0)
    assert place.users() == [0, 0]


def test_a_parent_that_nova_is_not_told_of_keeps_it_from_reporting_what_the_host_has(place: Place) -> None:
    """As `gpucloud nova check` says of such files (nova-mdev-parent-in-the-way)."""
    place.host.run(["truncate", "--size", "0", LOG], ok=(0,))
    tell_host(place.folder, HOST, UNTOLD)
    said = place.host.run(["cat", LOG], ok=(0,)).stdout
    assert "Error updating resources for node" in said
    assert "'NoneType' object has no attribute 'vendor_id'" in said
