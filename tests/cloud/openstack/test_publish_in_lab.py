"""`gpucloud publish` against a real keystone, nova, glance and placement: made, changed, taken away."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gpucloud.cli.main import run
from gpucloud.cloud.openstack.api import Api, open_api
from gpucloud.cloud.openstack.calls import Call
from gpucloud.lab.cloud.down import down
from gpucloud.lab.cloud.record import CLOUDS_YAML, read_record
from gpucloud.lab.cloud.settings import CLOUD
from gpucloud.lab.cloud.site import place_of
from gpucloud.lab.cloud.up import up

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]
POOLS = """
openstack: {release: "34", placement: schedule}
pools:
  a100:
    use: passthrough
    match: {ids: 10de:20b0}
    nova: {alias: big}
  desktops: {use: vgpu, match: {model: "A40*"}}
"""
ALL = f"""{POOLS}
publish:
  flavors:
    cpu.small: {{vcpus: 1, ram_mib: 128, disk_gib: 0}}
    a100.1:
      vcpus: 4
      ram_mib: 8192
      disk_gib: 0
      gpus: {{a100: 1}}
      projects: [admin]
      hide_hypervisor: true
      extra_specs: {{"hw:cpu_policy": dedicated, "own: key of ours": x}}
    vdi.2: {{vcpus: 2, ram_mib: 4096, disk_gib: 0, gpus: {{desktops: 2}}, traits: [CUSTOM_GPU_HOST]}}
  quotas: {{default: {{servers: 50}}, projects: {{admin: {{vcpus: 100}}}}}}
  images: {{lab-guest: {{properties: {{hw_video_model: virtio}}}}}}
  aggregates:
    gpu: {{hosts: "*", metadata: {{ssd: "true", "own:key": x}}, traits: [CUSTOM_GPU_HOST, HW_GPU_API_VULKAN]}}
"""
SMALLER = f"""{POOLS}
publish:
  flavors:
    cpu.small: {{vcpus: 1, ram_mib: 256, disk_gib: 0}}
    a100.1: {{vcpus: 4, ram_mib: 8192, disk_gib: 0, gpus: {{a100: 1}}, projects: [admin]}}
  quotas: {{default: {{servers: 10}}, projects: {{admin: {{vcpus: 20}}}}}}
  aggregates: {{gpu: {{}}}}
"""
NOTHING = f"{POOLS}publish: {{}}\n"
UNIFIED = f"""{POOLS}
publish:
  quotas:
    unified: true
    default: {{vcpus: 7, gpus: {{a100: 2}}}}
    projects: {{admin: {{gpus: {{a100: 8}}}}}}
"""


@pytest.fixture(scope="module")
def clouds() -> Iterator[Path]:
    """The clouds.yaml of the laboratory's cloud: the one that is up, or one for these tests."""
    folder = place_of()
    record = read_record(folder)
    if record is not None and record.is_up:
        yield folder / CLOUDS_YAML
        return
    yield up().clouds_yaml
    down(folder)


class Desk:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.spec, self._capsys = folder / "gpucloud.yaml", capsys

    def publish(self, spec: str, *options: str) -> tuple[int, Mapping[str, Any], str]:
        self.spec.write_text(spec)
        code = run(["publish", "--cloud", CLOUD, "--spec", str(self.spec), "--format", "json", *options])
        told = self._capsys.readouterr()
        return code, json.loads(told.out.splitlines()[0]), told.err

    def made(self, spec: str, *options: str) -> Mapping[str, Any]:
        """Published, with one call for each difference, and nothing differs any more."""
        code, told, err = self.publish(spec, "--yes", *options)
        assert code == 0, err
        assert told["failed"] == []
        assert told["done"] == len(told["differences"])
        code, again, err = self.publish(spec, "--check", *options)
        assert (code, again["differences"]) == (0, []), err
        return told


@pytest.fixture
def desk(
    clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
    desk = Desk(tmp_path, capsys)
    desk.publish(NOTHING, "--yes", "--prune")  # a cloud that was up may have what others published
    yield desk
    desk.publish(NOTHING, "--yes", "--prune")


def compute(api: Api, path: str, method: str = "GET", body: object = None) -> Any:
    return api.send(Call("compute", method, path, body))


def flavors(api: Api) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in compute(api, "/flavors/detail?is_public=None")["flavors"]}


def test_all_of_it_is_made_changed_and_taken_away(desk: Desk) -> None:
    api = open_api(CLOUD)
    before = flavors(api).keys()
    desk.made(ALL)
    there = flavors(api)
    assert there["a100.1"]["extra_specs"] == {
        "pci_passthrough:alias": "big:1",
        "hw:hide_hypervisor_id": "true",
        "hw:cpu_policy": "dedicated",
        "own: key of ours": "x",
    }
    assert there["vdi.2"]["extra_specs"]["resources2:VGPU"] == "1"
    assert compute(api, "/os-quota-class-sets/default")["quota_class_set"]["instances"] == 50
    left = desk.made(SMALLER)["left"]
    assert {(each["kind"], each["name"]) for each in left} >= {("flavor", "vdi.2"), ("aggregate", "gpu")}
    assert flavors(api)["cpu.small"]["ram"] == 256
    desk.made(SMALLER, "--prune", "--exact")
    assert flavors(api).keys() - before == {"cpu.small", "a100.1"}
    (aggregate,) = compute(api, "/os-aggregates")["aggregates"]
    assert (aggregate["hosts"], aggregate["metadata"]) == ([], {"gpucloud:published": "yes"})
    desk.made(NOTHING, "--prune")
    assert flavors(api).keys() == before
    assert compute(api, "/os-aggregates")["aggregates"] == []


def test_a_flavor_that_a_server_uses_is_not_made_anew(desk: Desk) -> None:
    api = open_api(CLOUD)
    desk.made(f"{POOLS}publish: {{flavors: {{used: {{vcpus: 1, ram_mib: 64, disk_gib: 0}}}}}}\n")
    image = api.send(Call("image", "GET", "/images"))["images"][0]["id"]
    wish = {
        "name": "user-of-it",
        "flavorRef": flavors(api)["used"]["id"],
        "imageRef": image,
        "networks": "none",
    }
    server = compute(api, "/servers", "POST", {"server": wish})["server"]["id"]
    try:
        bigger = f"{POOLS}publish: {{flavors: {{used: {{vcpus: 2, ram_mib: 64, disk_gib: 0}}}}}}\n"
        code, told, err = desk.publish(bigger, "--yes")
        assert code == 1
        assert "servers use it: user-of-it" in err
        assert told["refused"]
        assert flavors(api)["used"]["vcpus"] == 1
    finally:
        compute(api, f"/servers/{server}", "DELETE")


def test_a_hundred_flavors_are_made_side_by_side(desk: Desk) -> None:
    size = "{{vcpus: 1, ram_mib: {0}, disk_gib: 0, gpus: {{a100: 1}}}}"
    sizes = "".join(f"    many.{n}: {size.format(n + 1)}\n" for n in range(100))
    told = desk.made(f"{POOLS}publish:\n  flavors:\n{sizes}", "--parallel", "16")
    assert told["done"] == 200


def test_keystone_takes_the_limits(desk: Desk) -> None:
    api = open_api(CLOUD)
    desk.made(UNIFIED)
    desk.made(UNIFIED.replace("vcpus: 7", "vcpus: 8"))
    try:
        found = api.send(Call("identity", "GET", "/registered_limits"))["registered_limits"]
        said = {each["resource_name"]: each["default_limit"] for each in found}
        assert said == {"class:VCPU": 8, "class:CUSTOM_PCI_10DE_20B0": 2}
    finally:
        for kind in ("limits", "registered_limits"):
            for each in api.send(Call("identity", "GET", f"/{kind}"))[kind]:
                api.send(Call("identity", "DELETE", f"/{kind}/{each['id']}"))
