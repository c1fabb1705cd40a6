"""Guests of a cloud on the command line, behind real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest
from tests.cloud.openstack.api_server import serving
from tests.cloud.openstack.server_state import ServersState, servers_state

from gpucloud.cli.main import run

pytestmark = [
    pytest.mark.proof,
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),  # of openstacksdk itself
]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServersState]:
    """A quick cloud: servers run and go at the first look."""
    state = servers_state()
    state.becomes, state.looks_to_go = ("ACTIVE",), 0
    with serving(state, tmp_path) as clouds:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        yield state


LAUNCH = ("launch", "--cloud", "test", "--image", "ubuntu", "--name", "train")


def test_a_guest_lives_and_ends(state: ServersState, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*LAUNCH, "--gpus", "2", "--network", "none", "--format", "json"]) == 0
    told = capsys.readouterr()
    assert "of flavor gpu.2" in told.err
    guest = json.loads(told.out)
    assert (guest["name"], guest["state"], guest["gpus"], guest["cpus"]) == ("train", "running", 2, 4)

    assert run(["list", "--cloud", "test", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [guest]
    assert run(["show", "train", "--cloud", "test"]) == 0
    assert "10de:1db4" in capsys.readouterr().out
    assert run(["console", "train", "--cloud", "test", "--log"]) == 0
    assert "gpucloud-report" in capsys.readouterr().out
    assert run(["console", "train", "--cloud", "test"]) == 1
    assert "can only be read" in capsys.readouterr().err

    assert run(["destroy", "train", "--cloud", "test"]) == 0
    assert "guest train ended\n" in capsys.readouterr().out
    assert [server.name for server in state.made.values()] == ["theirs"]


def test_a_time_limit_is_one_of_the_clouds_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = servers_state()
    state.becomes, state.looks_to_go = ("ACTIVE",), 0
    with serving(state, tmp_path, ahead_s=86_400) as clouds:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        assert run([*LAUNCH, "--for", "1h"]) == 0
        (ends_at,) = [one.metadata["gpucloud:ends_at"] for one in state.made.values() if one.name == "train"]
        assert int(ends_at) == pytest.approx(time() + 86_400 + 3600, abs=60)
        assert run(["reap", "--cloud", "test"]) == 0
        assert "train" in [one.name for one in state.made.values()]


def test_what_others_made_is_not_listed_shown_or_destroyed(
    state: ServersState, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["list", "--cloud", "test", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    for verb in ("show", "destroy"):
        assert run([verb, "theirs", "--cloud", "test"]) == 2
        assert "there is no guest theirs" in capsys.readouterr().err
    assert "s-0" in state.made


def test_a_launch_that_nova_fails_is_one_line_and_leaves_nothing(
    state: ServersState, capsys: pytest.CaptureFixture[str]
) -> None:
    state.free_gpus = 0
    assert run([*LAUNCH, "--for", "1h"]) == 1
    told = capsys.readouterr().err
    assert "what ends it then is gpucloud reap --cloud" in told
    assert "nova could not make guest train: No valid host was found" in told.splitlines()[-1]
    assert [server.name for server in state.made.values()] == ["theirs"]


def test_ones_own_public_key_becomes_the_keypair(
    state: ServersState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519.pub").write_text("ssh-ed25519 AAAA me@here\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run([*LAUNCH, "--key", "mine"]) == 0
    assert state.keypairs == {"mine": "ssh-ed25519 AAAA me@here"}


@pytest.mark.parametrize("option", [("--flavor", "a"), ("--network", "none"), ("--key", "me")])
def test_what_only_a_cloud_has_needs_one(option: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["launch", *option]) == 2
    assert "name one of clouds.yaml with --cloud" in capsys.readouterr().err
