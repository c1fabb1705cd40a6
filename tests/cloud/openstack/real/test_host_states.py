"""A laboratory host of a real nova: a group that vfio refuses, and a card that is taken out under nova."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cloud.openstack.real.lab_host import CARDS, HOST, TOPOLOGY, Place, launch, standing

from gpucloud.cli.main import run
from gpucloud.cloud.openstack.calls import Call
from gpucloud.lab.cloud.hosts import settings
from gpucloud.lab.cloud.hosts.join import tell_host
from gpucloud.lab.cloud.settings import CLOUD

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with standing(tmp_path_factory, TOPOLOGY, CARDS) as made:
        yield made


def test_a_group_with_a_device_of_the_host_is_explained_by_its_number_and_that_device(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("stuck", "gpu.beside", "--keep-failed") == 1
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
    assert launch("keeper", "gpu.rage") == 0, capsys.readouterr().err
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
    assert launch("next", "gpu.rage") == 0, capsys.readouterr().err
    assert len(place.domains()) == 2
    assert place.rows()[free[1]]["status"] == "allocated"
    capsys.readouterr()
    assert run(["cloud", "audit", *words]) == 0, capsys.readouterr().out
