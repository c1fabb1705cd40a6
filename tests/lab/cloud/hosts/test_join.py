"""Hosts that cannot be added or told, and what is left then."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.lab.cloud.sites import site_in

from gpucloud.cli.main import run
from gpucloud.lab.cloud.hosts.join import add_host, tell_host
from gpucloud.lab.cloud.record import Record, read_record, write_record
from gpucloud.lab.cloud.site import place_of
from gpucloud.lab.cloud.status import State, look
from gpucloud.lab.lab import HOSTS
from gpucloud.model.failure import Exit, Failure


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    """The folder of a cloud that is up, with one host whose emulator has ended."""
    site = site_in(place_of(tmp_path))
    write_record(site.folder, Record("/environment", site.ports, (), 0, is_up=True, hosts=("gpu01",)))
    return site.folder


def test_without_a_cloud_no_server_is_brought_up(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="there is no cloud that is up"):
        add_host(place_of(tmp_path), "card-audio", cache=tmp_path / "cache")
    assert not (tmp_path / HOSTS).exists()


def test_a_server_that_is_there_is_not_taken(cloud: Path, tmp_path: Path) -> None:
    (tmp_path / HOSTS / "mine").mkdir(parents=True)
    with pytest.raises(Failure, match=r"a server named mine is there already.*gpucloud lab down mine"):
        add_host(cloud, "card-audio", "mine", cache=tmp_path / "cache")
    assert (tmp_path / HOSTS / "mine").is_dir()


def test_only_a_host_of_the_cloud_is_told_of_gpus(cloud: Path) -> None:
    with pytest.raises(Failure, match=r"the cloud has no host gpu02.*there are: gpu01"):
        tell_host(cloud, "gpu02", "[pci]\n")


def test_what_is_told_to_a_host_must_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "cloud", "configure", "--on", "gpu01"]) == Exit.USAGE
    assert "--on says for which host --compute is" in " ".join(capsys.readouterr().err.split())


def test_a_host_whose_emulator_has_ended_is_named(cloud: Path) -> None:
    found = look(cloud)
    assert found is not None
    assert [(one.name, one.state) for one in found.services] == [("nova-compute on gpu01", State.ENDED)]
    assert not found.is_whole


def test_the_record_keeps_the_hosts(cloud: Path) -> None:
    known = read_record(cloud)
    assert known is not None
    assert known.hosts == ("gpu01",)
