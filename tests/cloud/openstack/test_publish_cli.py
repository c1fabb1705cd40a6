"""`gpucloud publish` against a cloud behind real sockets: what it shows, does, and says of what fails."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.openstack.api_server import serving
from tests.cloud.openstack.api_state import CloudState
from tests.cloud.openstack.publishing import HEAD
from tests.cloud.openstack.test_publish_idempotent import cloud

from gpucloud.cli.main import run

pytestmark = [
    pytest.mark.proof,
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),  # of openstacksdk itself
]

WISH = """
publish:
  flavors:
    cpu.small: {vcpus: 2, ram_mib: 4096, disk_gib: 20}
    a100.1:
      {vcpus: 16, ram_mib: 65536, disk_gib: 100, gpus: {a100: 1}, projects: [research], hide_hypervisor: true}
  quotas: {default: {servers: 5}, projects: {teaching: {vcpus: 7}}}
  images: {ubuntu: {gpu: true}}
  aggregates: {gpu: {hosts: gpus, metadata: {ssd: "true"}, traits: CUSTOM_GPU_HOST}}
"""


class Desk:
    """A folder with a spec, from which the verb is called."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder, self._patch, self._capsys = folder, monkeypatch, capsys
        self.spec = folder / "gpucloud.yaml"
        self.spec.write_text(HEAD + WISH)

    def publish(self, state: CloudState, *options: str, **served: Any) -> tuple[int, str, str]:
        with serving(state, self.folder, **served) as clouds:
            self._patch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
            code = run(["publish", "--cloud", "test", "--spec", str(self.spec), *options])
        told = self._capsys.readouterr()
        return code, told.out, told.err

    def told(self) -> str:
        return self._capsys.readouterr().err


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, monkeypatch, capsys)


def test_check_shows_every_difference_and_changes_nothing(desk: Desk) -> None:
    state = cloud()
    code, out, err = desk.publish(state, "--check")
    assert code == 4, err
    assert {method for method, _ in state.calls} == {"GET"}
    assert out.splitlines() == [
        "+ trait CUSTOM_GPU_HOST",
        "    + the trait",
        "~ host gpu01",
        "    + CUSTOM_GPU_HOST",
        "~ host gpu02",
        "    + CUSTOM_GPU_HOST",
        "~ host gpu03",
        "    + CUSTOM_GPU_HOST",
        "+ flavor a100.1",
        "    + 16 vCPUs, 65536 MiB, 100 GiB, for some projects",
        "    + pci_passthrough:alias=big:1",
        "    + hw:hide_hypervisor_id=true",
        "    + project p1",
        "+ flavor cpu.small",
        "    + 2 vCPUs, 4096 MiB, 20 GiB, for everybody",
        "+ aggregate gpu",
        "    + the aggregate",
        "    + ssd=true",
        "    + gpucloud:published=yes",
        "    + host gpu01",
        "    + host gpu02",
        "    + host gpu03",
        "~ image ubuntu",
        "    + hw_machine_type=q35",
        "    + hw_firmware_type=uefi",
        "    + gpucloud_properties=i1:hw_firmware_type,hw_machine_type",
        "~ quota default",
        "    ~ instances: 10 -> 5",
        "~ quota p2",
        "    ~ cores: 20 -> 7",
    ]


def test_it_is_done_with_one_call_for_each_difference_and_then_nothing_is_left(desk: Desk) -> None:
    state = cloud()
    code, out, err = desk.publish(state, "--yes", "--format", "json")
    assert code == 0, err
    told = json.loads(out)
    writes = [call for call in state.calls if call[0] != "GET"]
    assert told["done"] == len(told["differences"]) == len(writes) == 16
    assert told["failed"] == []
    made = next(each for each in state.flavors.values() if each["name"] == "a100.1")
    assert made["extra_specs"] == {"pci_passthrough:alias": "big:1", "hw:hide_hypervisor_id": "true"}
    assert state.access[made["id"]] == {"p1"}
    state.calls.clear()
    code, out, _ = desk.publish(state, "--check")
    assert (code, out) == (0, "nothing to do: the cloud offers what the spec says\n")


def test_it_asks_before_it_changes_anything(desk: Desk) -> None:
    state = cloud()
    code, _, err = desk.publish(state)
    assert code == 1
    assert "nothing was changed: there is no terminal to ask on" in err
    assert {method for method, _ in state.calls} == {"GET"}


def test_a_hundred_flavors_are_made_side_by_side(desk: Desk) -> None:
    size = "{{vcpus: 1, ram_mib: {0}, disk_gib: 1, gpus: {{a100: 1}}}}"
    sizes = "".join(f"    f{n}: {size.format(n + 1)}\n" for n in range(100))
    desk.spec.write_text(f"{HEAD}publish:\n  flavors:\n{sizes}")
    state = cloud()
    state.page = 1000
    code, _, err = desk.publish(state, "--yes", "--parallel", "100")
    assert code == 0, err
    told = [f"made {count} of 200" for count in (50, 100, 150, 200)]
    assert err.splitlines() == [*told, "done: 200 of 200 differences"]
    assert len(state.flavors) == 101
    assert sum(call[0] == "GET" for call in state.calls) == 1


def test_a_size_that_changes_is_made_anew_with_its_id(desk: Desk) -> None:
    state = cloud()
    desk.publish(state, "--yes")
    key = next(each["id"] for each in state.flavors.values() if each["name"] == "a100.1")
    desk.spec.write_text(desk.spec.read_text().replace("65536", "131072"))
    code, out, err = desk.publish(state, "--yes")
    assert code == 0, err
    assert "- 16 vCPUs, 65536 MiB" in out
    assert state.flavors[key]["ram"] == 131072
    assert state.access[key] == {"p1"}


def test_a_size_that_servers_use_is_refused_with_their_names(desk: Desk) -> None:
    state = cloud()
    desk.publish(state, "--yes")
    key = next(each["id"] for each in state.flavors.values() if each["name"] == "a100.1")
    state.servers = [{"name": f"train{n}", "flavor": key} for n in range(7)]
    state.calls.clear()
    desk.spec.write_text(desk.spec.read_text().replace("65536", "131072"))
    code, _, err = desk.publish(state, "--yes")
    assert code == 1
    assert "refused: flavor a100.1: size and visibility of a flavor cannot be changed" in err
    assert "train0, train1, train2, train3, train4, ..." in err
    assert {method for method, _ in state.calls} == {"GET"}


def test_a_pruned_flavor_that_servers_use_stays(desk: Desk) -> None:
    state = cloud()
    desk.publish(state, "--yes")
    key = next(each["id"] for each in state.flavors.values() if each["name"] == "a100.1")
    state.servers = [{"name": "train", "flavor": key}]
    desk.spec.write_text(f"{HEAD}publish: {{}}\n")
    code, out, err = desk.publish(state, "--yes", "--prune")
    assert code == 0, err
    assert "left: flavor a100.1: the whole flavor: servers use it: train" in out
    assert sorted(each["name"] for each in state.flavors.values()) == ["a100.1", "m1.tiny"]


@pytest.mark.parametrize(
    ("name", "kind"), [("m1.tiny", "flavor"), ("foreign", "aggregate")], ids=["flavor", "aggregate"]
)
def test_what_others_made_under_a_wanted_name_is_refused(desk: Desk, name: str, kind: str) -> None:
    state = cloud()
    state.aggregates["9"] = {"id": 9, "name": "foreign", "hosts": ["gpu01"], "metadata": {}}
    wish = "{vcpus: 1, ram_mib: 512, disk_gib: 1}" if kind == "flavor" else "{hosts: gpu01}"
    desk.spec.write_text(f"{HEAD}publish: {{{kind}s: {{{name}: {wish}}}}}\n")
    code, _, err = desk.publish(state, "--yes")
    assert code == 1
    assert f"refused: {kind} {name}: it is there and was not made by gpucloud publish" in err
    assert {method for method, _ in state.calls} == {"GET"}


def test_each_failure_is_named_and_the_next_run_finishes(desk: Desk) -> None:
    state = cloud()
    state.faults = [("POST", "os-extra_specs", 500), ("PATCH", "images", 409)]
    code, _, err = desk.publish(state, "--yes")
    assert code == 1
    assert "failed: flavor a100.1: + pci_passthrough:alias=big:1" in err
    assert "500 injected" in err
    assert "failed: image ubuntu" in err
    assert "13 of 16 differences were made, 2 failed" in err
    state.faults = []
    code, out, err = desk.publish(state, "--yes")
    assert code == 0, err
    assert "+ pci_passthrough:alias=big:1" in out
    assert desk.publish(state, "--check")[0] == 0


class Interrupted(CloudState):
    """Somebody presses Ctrl-C twice at the first change."""

    def answer(self, service: str, method: str, *rest: Any) -> tuple[int, Any]:
        if method != "GET" and not any(verb != "GET" for verb, _ in self.calls):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
        return super().answer(service, method, *rest)


def test_after_ctrl_c_it_says_what_was_done_however_often_it_comes(desk: Desk) -> None:
    state = Interrupted(**vars(cloud()))
    code, _, err = desk.publish(state, "--yes", "--parallel", "1")
    done = sum(method != "GET" for method, _ in state.calls)
    assert code == 130
    assert f"interrupted: {done} of 16 differences were made; run it again" in err
    assert 0 < done < 16


def test_limits_of_keystone_are_set_for_nova_and_its_region(desk: Desk) -> None:
    desk.spec.write_text(
        f"{HEAD}publish:\n  quotas:\n    unified: true\n"
        "    default: {servers: 5, gpus: {a100: 2, l4: 1, desktops/nvidia-558: 4}}\n"
        "    projects: {p2: {gpus: {a100: 8}}}\n"
    )
    state = cloud()
    code, _, err = desk.publish(state, "--yes")
    assert code == 0, err
    said = {each["resource_name"]: each["default_limit"] for each in state.registered.values()}
    assert said == {
        "servers": 5,
        "class:CUSTOM_A100": 2,
        "class:CUSTOM_PCI_10DE_27B8": 1,
        "class:CUSTOM_8Q": 4,
    }
    (own,) = state.limits.values()
    assert (own["project_id"], own["resource_limit"], own["region_id"]) == ("p2", 8, "RegionOne")
    state.knows_system = False
    code, _, err = desk.publish(state, "--yes")
    assert code == 1
    assert "hides other projects' limits from this token; have a role on the system" in err
    state.knows_system = True
    desk.spec.write_text(desk.spec.read_text().replace("servers: 5", "servers: 6"))
    assert desk.publish(state, "--yes")[0] == 0
    assert desk.publish(state, "--check")[0] == 0
