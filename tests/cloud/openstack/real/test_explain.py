"""Ten set-ups broken on a real nova, each after nova itself has refused a guest; explain names each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.openstack.real.nova import CARDS, LAUNCH, RealNova

from gpucloud.cli.main import run
from gpucloud.lab.cloud.services import COMPUTE_GPUS, CONTROL_GPUS, HOST_NAME, LAB_HOST
from gpucloud.lab.cloud.settings import CLOUD

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]
GROUP = (
    "internal error: qemu unexpectedly closed the monitor: 2026-11-22T10:00:00.000000Z qemu-system-x86_64: "
    "-device vfio-pci,host=0000:3b:00.0,id=hostdev0: vfio 0000:3b:00.0: group 19 is not viable\n"
    "Please ensure all devices within the iommu_group are bound to their vfio bus driver."
)


@dataclass
class Asking:
    """A user who launches, is refused, and asks why."""

    nova: RealNova
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def refused(self, *options: str) -> str:
        """The last line of a launch that fails; a server that nova made for it stays."""
        assert run([*LAUNCH, "--name", "train", "--keep-failed", *options]) == 1
        return self.capsys.readouterr().err.splitlines()[-1]

    def explained(self, name: str, *more: str) -> dict[str, Any]:
        """What explain finds, with what nova and its host were told."""
        self.capsys.readouterr()
        code = run(["cloud", "explain", name, "--cloud", CLOUD, "--format", "json", *self._given(), *more])
        told = self.capsys.readouterr()
        assert code == 3, told.out + told.err
        found: dict[str, Any] = json.loads(told.out)
        return dict(found["findings"][0])

    def _given(self) -> tuple[str, ...]:
        config = self.nova.folder / "config"
        devices = self.folder / f"{HOST_NAME}.json"
        has = json.loads((config / LAB_HOST).read_text())["devices"]
        devices.write_text(json.dumps([{"dev_type": "type-PCI", **each} for each in has]))
        files = ("--config", str(config / CONTROL_GPUS), "--compute-config", str(config / COMPUTE_GPUS))
        return ("--release", "34", *files, "--devices", f"{HOST_NAME}={devices}")

    def cause(self, name: str) -> str:
        return str(self.explained(name)["cause"])


@pytest.fixture
def asking(nova: RealNova, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Asking:
    return Asking(nova, tmp_path, capsys)


@pytest.fixture
def flavor(nova: RealNova) -> Iterator[Any]:
    """Makes a flavor with these extra specs, for one test."""
    made: list[str] = []

    def make(**specs: str) -> None:
        new = {"name": "own", "vcpus": 1, "ram": 512, "disk": 0}
        made.append(nova.compute("POST", "/flavors", {"flavor": new})["flavor"]["id"])
        nova.compute("POST", f"/flavors/{made[-1]}/os-extra_specs", {"extra_specs": specs})

    yield make
    for key in made:
        nova.compute("DELETE", f"/flavors/{key}")


def test_alias_missing_on_the_api(asking: Asking) -> None:
    control = asking.nova.well.control or ""
    asking.nova.told(control="\n".join(line for line in control.splitlines() if "alias =" not in line))
    assert "PCI alias v100 is not defined" in asking.refused("--gpus", "1")
    assert asking.nova.servers() == []
    assert asking.cause("gpu.1") == "alias-missing-on-api"


def test_wrong_device_type(asking: Asking) -> None:
    asking.nova.told(control=(asking.nova.well.control or "").replace("type-PCI", "type-PF"))
    assert "No valid host was found" in asking.refused("--gpus", "1")
    assert asking.cause("train") == "alias-device-type-mismatch"


def test_filter_missing(asking: Asking) -> None:
    asking.nova.told(control=(asking.nova.well.control or "").replace(",PciPassthroughFilter", ""))
    assert run([*LAUNCH, "--name", "theirs", "--gpus", "2"]) == 0
    assert "Exhausted all hosts" in asking.refused("--gpus", "1")  # one was chosen that has no free card
    assert run(["destroy", "theirs", "--cloud", CLOUD]) == 0
    assert asking.cause("train") == "filter-not-enabled"


def test_device_spec_that_matches_nothing(asking: Asking) -> None:
    asking.nova.told(
        compute=(asking.nova.well.compute or "").replace('"1db4", "address"', '"1db5", "address"')
    )
    assert "No valid host was found" in asking.refused("--gpus", "1")
    assert asking.cause("train") == "whitelist-mismatch"


def test_quota(asking: Asking) -> None:
    path = f"/os-quota-sets/{asking.nova.api.project()}"
    asking.nova.compute("PUT", path, {"quota_set": {"cores": 1}})
    try:
        assert "Quota exceeded for cores: Requested 2" in asking.refused("--gpus", "2")
        assert asking.cause("gpu.2") == "quota"
    finally:
        asking.nova.compute("DELETE", path)


def test_numa_policy(asking: Asking, flavor: Any) -> None:
    specs = {"hw:numa_nodes": "1", "hw:pci_numa_affinity_policy": "required"}
    flavor(**{"pci_passthrough:alias": "v100:1"}, **specs)
    filters = (asking.nova.well.control or "").replace(
        "PciPassthroughFilter", "PciPassthroughFilter,NUMATopologyFilter"
    )
    nowhere = [{**card, "numa_node": None} for card in CARDS]
    # A pool keeps the node that its devices had when nova-compute first saw them (nova/pci/stats.py).
    asking.nova.told(control=filters, host=asking.nova.host(devices=[]))
    asking.nova.told(control=filters, host=asking.nova.host(devices=nowhere))
    assert "No valid host was found" in asking.refused("--flavor", "own")
    assert asking.cause("train") == "numa-policy-no-host"


def test_no_free_card(asking: Asking) -> None:
    assert run([*LAUNCH, "--name", "theirs", "--gpus", "2"]) == 0
    assert "No valid host was found" in asking.refused("--gpus", "1")
    found = asking.explained("train")
    assert found["cause"] == "not-enough-devices"
    assert "server theirs" in [line["key"] for line in found["evidence"]]


def test_disabled_service(asking: Asking) -> None:
    (service,) = asking.nova.compute("GET", "/os-services?binary=nova-compute")["services"]
    path = f"/os-services/{service['id']}"
    asking.nova.compute("PUT", path, {"status": "disabled", "disabled_reason": "new disks"})
    try:
        assert "No valid host was found" in asking.refused("--gpus", "1")
        found = asking.explained("train")
        assert found["cause"] == "compute-service-down"
        assert f"{HOST_NAME} (disabled: new disks)" in found["title"]
    finally:
        asking.nova.compute("PUT", path, {"status": "enabled"})


def test_typo_in_the_flavor(asking: Asking, flavor: Any) -> None:
    flavor(**{"pci_passthrough:alais": "v100:1"})
    assert "1 wanted, and flavor own gives 0 GPUs" in _usage(asking)
    assert asking.cause("own") == "alias-definition-invalid"


def _usage(asking: Asking) -> str:
    assert run([*LAUNCH, "--gpus", "1", "--flavor", "own"]) == 2
    return asking.capsys.readouterr().err


def test_group_not_viable(asking: Asking) -> None:
    asking.nova.told(host=asking.nova.host(refuses=GROUP))
    assert "Exhausted all hosts" in asking.refused("--gpus", "1")
    assert run(["cloud", "explain", "train", "--cloud", CLOUD]) == 1
    assert "give the end of its nova-compute.log with --evidence" in asking.capsys.readouterr().out
    words = asking.folder / "nova-compute.log"
    log = (asking.nova.folder / "logs" / words.name).read_text().splitlines()
    words.write_text("\n".join(log[-200:]))
    found = asking.explained("train", "--evidence", str(words))
    assert found["cause"] == "group-not-viable"
    assert "group 19" in found["title"]
