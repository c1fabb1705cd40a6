"""`gpucloud run`, `launch --count`, `extend` and `reap` on the command line, behind real sockets."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cloud.openstack.api_server import serving
from tests.cloud.openstack.server_state import Made, ServersState, prints_report, servers_state

from gpucloud.cli.main import run
from gpucloud.model.failure import Exit

pytestmark = [
    pytest.mark.proof,
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),  # of openstacksdk itself
]
RUN = ("run", "--cloud", "test", "--image", "ubuntu", "--name", "job")


class Runs:
    """What a guest's user data says of its command is what it prints."""

    def __init__(self, state: ServersState) -> None:
        self.data: list[str] = []
        self.code = 0
        self.output = "b3V0Cg=="
        state.seen_user_data = self.data.append
        state.prints = self.prints

    def prints(self, server: Made) -> str:
        own = next((each for each in self.data if server.nonce in each), "")
        nonce = re.findall(r"gpucloud_run ([0-9a-f]{32}) ", own)
        mark = f"gpucloud-run {nonce[0]}" if nonce else "none"
        frame = f"{mark} begin\n{mark} 0 {self.output}\n{mark} end 4 {self.code}\n"
        return prints_report(server) + frame


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServersState]:
    state = servers_state()
    state.becomes, state.looks_to_go = ("ACTIVE",), 0
    with serving(state, tmp_path) as clouds:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        yield state


def left(state: ServersState) -> list[str]:
    return [server.name for server in state.made.values() if server.id != "s-0"]


def test_output_and_exit_code_are_the_commands(
    state: ServersState, capsys: pytest.CaptureFixture[str]
) -> None:
    Runs(state).code = 7
    assert run([*RUN, "--", "make", "--format", "json"]) == 7
    assert capsys.readouterr().out == "out\n"
    assert left(state) == []


def test_several_guests_are_told_apart(state: ServersState, capsys: pytest.CaptureFixture[str]) -> None:
    runs = Runs(state)
    runs.output = "AAEC/w=="
    assert run([*RUN, "--count", "2", "--format", "json", "--", "cat", "x"]) == 0
    plain = {"code": 0, "lost_bytes": 0, "output_base64": "AAEC/w=="}
    results = json.loads(capsys.readouterr().out)["results"]
    assert results == [{"guest": "job-1", **plain}, {"guest": "job-2", **plain}]
    assert left(state) == []


def test_a_run_that_cannot_be_is_a_failure_of_its_own(
    state: ServersState, capsys: pytest.CaptureFixture[str]
) -> None:
    state.free_gpus = 1
    Runs(state)
    assert run([*RUN, "--count", "2", "--", "true"]) == 1
    assert "nova could not make guest job-2" in capsys.readouterr().err.splitlines()[-1]
    assert left(state) == []


def test_the_check_guest_runs_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "--", ""]) == 2
    assert "no command is named" in capsys.readouterr().err


def test_several_are_launched_all_or_none(state: ServersState, capsys: pytest.CaptureFixture[str]) -> None:
    launch = ["launch", "--cloud", "test", "--image", "ubuntu", "--name", "grid", "--format", "json"]
    assert run([*launch, "--count", "3"]) == 1
    assert left(state) == []
    capsys.readouterr()
    assert run([*launch, "--count", "2"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == ["grid-1", "grid-2"]
    assert run(["launch", "--count", "2", "--unit", "3b:00.0"]) == 2
    assert "the units of --unit are one guest's" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "interrupted, and nothing of it is left"),
        (("--keep-failed",), "that had failed before may be kept"),
    ],
)
def test_ctrl_c_leaves_nothing_and_says_so(
    state: ServersState, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], says: str
) -> None:
    def prints(server: Made) -> str:
        if server.name == "grid-2" and server.looks_to_go is None:
            os.kill(os.getpid(), signal.SIGINT)
            return ""
        return prints_report(server)

    state.prints = prints
    launch = ["launch", "--cloud", "test", "--image", "ubuntu", "--name", "grid", "--count", "2", *options]
    assert run(launch) == Exit.INTERRUPTED
    assert says in capsys.readouterr().err
    assert left(state) == []


def test_time_is_given_and_what_is_over_is_reaped(
    state: ServersState, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = ["launch", "--cloud", "test", "--image", "ubuntu", "--for", "1h"]
    assert run([*launch, "--name", "short"]) == 0
    assert run([*launch, "--name", "long"]) == 0
    assert run(["extend", "long", "--for", "2h", "--cloud", "test"]) == 0
    state.made["s-1"].metadata["gpucloud:ends_at"] = "1700000000"
    capsys.readouterr()
    assert run(["reap", "--cloud", "test", "--format", "json"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == ["short"]
    assert run(["reap", "--cloud", "test"]) == 0
    assert capsys.readouterr().out == "0 guests ended; nothing of them is left\n"
    assert left(state) == ["long"]
    assert run(["extend", "long", "--for", "soon", "--cloud", "test"]) == 2
