"""Guests on a real nova: the contract of clouds, and their whole life by the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from tests.cloud.contract import ClockContract, Ground
from tests.cloud.openstack.real.nova import IMAGE, LAUNCH, RealNova

from gpucloud.cli.main import run
from gpucloud.cloud.clock import CLOCK, Clock
from gpucloud.cloud.openstack.servers.cloud import OpenStackCloud
from gpucloud.cloud.openstack.servers.launch import Wishes
from gpucloud.lab.cloud.settings import CLOUD
from gpucloud.model.guest import GuestSpec

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]


@dataclass
class AheadTime:
    """The time of day, so many seconds ahead."""

    seconds: float = 0.0

    def now(self) -> float:
        return CLOCK.now() + self.seconds

    def passes(self, seconds: float) -> None:
        self.seconds += seconds


class TestRealOpenStack(ClockContract):
    @pytest.fixture
    def ground(self, nova: RealNova) -> Ground:
        time = AheadTime()
        clock = Clock(time.now, CLOCK.since_boot, CLOCK.wait)
        cloud = OpenStackCloud(nova.api.send, Wishes(network="none"), clock)
        return Ground(cloud, 2, GuestSpec("one", 1, image=IMAGE), [], time.passes)


def test_a_guest_is_launched_by_flavor_sees_its_card_and_leaves_nothing(
    nova: RealNova, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*LAUNCH, "--name", "train", "--gpus", "2", "--format", "json"]) == 0, capsys.readouterr().err
    guest = json.loads(capsys.readouterr().out)
    assert (guest["state"], guest["gpus"], guest["cpus"]) == ("running", 2, 2)
    assert [each["id"] for each in guest["seen"]].count("10de:1db4") == 2
    assert nova.used() == {"VCPU": 2, "MEMORY_MB": 1024}

    assert run(["list", "--format", "json", "--cloud", CLOUD]) == 0
    assert json.loads(capsys.readouterr().out) == [guest]
    assert run(["console", "train", "--log", "--cloud", CLOUD]) == 0
    assert "10de:1db4" in capsys.readouterr().out
    assert run(["destroy", "train", "--cloud", CLOUD]) == 0
    assert nova.servers() == []
    assert nova.used() == {}


def test_a_card_that_is_taken_is_not_given_again_and_what_failed_is_gone(
    nova: RealNova, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = [*LAUNCH, "--gpus", "2"]
    assert run([*launch, "--name", "first"]) == 0, capsys.readouterr().err
    assert run([*launch, "--name", "second"]) == 1
    assert "nova could not make guest second: No valid host was found" in capsys.readouterr().err
    assert [each["name"] for each in nova.servers()] == ["first"]
    assert nova.used() == {"VCPU": 2, "MEMORY_MB": 1024}
    assert run(["destroy", "first", "--cloud", CLOUD]) == 0


def test_without_networks_launch_says_what_to_look_at(
    nova: RealNova, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*LAUNCH[:-2], "--name", "train", "--gpus", "1"]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "nova does not make guest train" in line
    assert "--network" in line
    assert nova.servers() == []
