"""Limits that publish writes into keystone, which nova holds guests to; explain names the one that refuses.

Nova's driver for unified limits asks keystone as the administrator of the cloud; it counts devices of aliases
from 34.0.0 on, where Placement chooses them (nova/limit/placement.py, nova/scheduler/utils.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.openstack.real import nova as real
from tests.cloud.openstack.real.nova import LAUNCH, SPEC, RealNova

from gpucloud.cli.main import run
from gpucloud.cloud.openstack.calls import Call
from gpucloud.lab.cloud import ready
from gpucloud.lab.cloud.down import down
from gpucloud.lab.cloud.record import CLOUDS_YAML
from gpucloud.lab.cloud.services import COMPUTE_GPUS, CONTROL_GPUS, HOST_NAME, LAB_HOST
from gpucloud.lab.cloud.settings import CLOUD, REGION, Compute
from gpucloud.lab.cloud.up import up

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]
CLASS = "class:CUSTOM_PCI_10DE_1DB4"
WIDE = "    wide: {vcpus: 9, ram_mib: 512, disk_gib: 0, gpus: {v100: 1}}\n"
LIMITS = """\
  quotas:
    unified: true
    default: {servers: 5, vcpus: 8, ram_mib: 8192, gpus: {v100: 1}}
"""
MORE = f"{LIMITS}    projects: {{admin: {{gpus: {{v100: 2}}}}}}\n"
WAIT_S = 180


@dataclass
class Desk:
    """Who publishes limits, launches, and asks why not."""

    nova: RealNova
    work: Path
    capsys: pytest.CaptureFixture[str]

    def publish(self, quotas: str) -> None:
        (self.work / "gpucloud.yaml").write_text(_spec(quotas))
        real.publish(self.work)

    def launch(self, name: str, flavor: str) -> tuple[int, str]:
        self.capsys.readouterr()
        code = run([*LAUNCH, "--name", name, "--flavor", flavor])
        return code, self.capsys.readouterr().err

    def explained(self, flavor: str) -> Mapping[str, Any] | None:
        """What explain finds with the files of nova; None where nothing stops it."""
        config, devices = self.nova.folder / "config", self.work / f"{HOST_NAME}.json"
        has = json.loads((config / LAB_HOST).read_text())["devices"]
        devices.write_text(json.dumps([{"dev_type": "type-PCI", **each} for each in has]))
        words = ["--config", str(config / CONTROL_GPUS), "--compute-config", str(config / COMPUTE_GPUS)]
        words += ["--release", "34", "--devices", f"{HOST_NAME}={devices}", "--format", "json"]
        self.capsys.readouterr()
        code = run(["cloud", "explain", flavor, "--cloud", CLOUD, *words])
        told = self.capsys.readouterr()
        assert code in (0, 3), told.out + told.err
        return next(iter(json.loads(told.out)["findings"]), None)


def _spec(quotas: str) -> str:
    placed = SPEC.replace('{release: "34"}', '{release: "34", placement: schedule}')
    return placed + WIDE + quotas


def _asks_keystone(folder: Path) -> str:
    """Nova's settings for limits of keystone, with the cloud's own administrator."""
    told = json.loads((folder / CLOUDS_YAML).read_text())["clouds"][CLOUD]["auth"]
    auth = "\n".join(f"{key} = {value}" for key, value in told.items())
    where = f"endpoint_service_type = compute\nendpoint_region_name = {REGION}\nregion_name = {REGION}\n"
    driver = "\n[quota]\ndriver = nova.quota.UnifiedLimitsDriver\n"
    return f"{driver}[oslo_limit]\nauth_type = password\n{auth}\n{where}"


def _await_devices(nova: RealNova) -> None:
    """Until nova-compute has told Placement of its cards: a provider for each beside its own."""

    def are_there() -> bool:
        found = nova.api.send(Call("placement", "GET", "/resource_providers"))["resource_providers"]
        return len(found) == 1 + len(real.CARDS)

    ready.wait_until(are_there, timeout_s=WAIT_S, what=lambda: "the cards in Placement")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealNova, Path]]:
    """A cloud of its own: what is once reported in Placement cannot be taken back."""
    folder = up(compute=Compute.CARDS, state=tmp_path_factory.mktemp("limits")).folder
    work = tmp_path_factory.mktemp("spec")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OS_CLIENT_CONFIG_FILE", str(folder / CLOUDS_YAML))
            told = real.render(work, spec=_spec(LIMITS))
            nova = RealNova(folder, replace(told, control=f"{told.control}{_asks_keystone(folder)}"))
            nova.told()
            _await_devices(nova)
            yield nova, work
    finally:
        down(folder)


def test_nova_holds_guests_to_published_limits_and_explain_names_the_one(
    limited: tuple[RealNova, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(*limited, capsys)
    desk.publish(LIMITS)
    assert desk.explained("gpu.1") is None
    code, said = desk.launch("wide", "wide")
    assert (code, "class:VCPU is over limit of 8" in said) == (1, True), said
    found = desk.explained("wide")
    assert found is not None
    assert (found["cause"], "cores" in found["title"]) == ("quota", True), found["title"]

    code, said = desk.launch("first", "gpu.1")
    assert code == 0, said

    code, said = desk.launch("second", "gpu.1")
    assert (code, f"{CLASS} is over limit of 1" in said) == (1, True), said
    found = desk.explained("gpu.1")
    assert found is not None
    assert found["cause"] == "quota"
    assert CLASS.removeprefix("class:") in found["title"], found["title"]

    assert [each["name"] for each in desk.nova.servers()] == ["first"]

    desk.publish(MORE)
    assert desk.explained("gpu.1") is None
    code, said = desk.launch("second", "gpu.1")
    assert code == 0, said
    for name in ("first", "second"):
        assert run(["destroy", name, "--cloud", CLOUD]) == 0
    assert desk.nova.used() == {}
