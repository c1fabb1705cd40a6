"""Commands in guests of a real nova: what cloud-init is told is what runs, and nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from tests.cloud.openstack.real.nova import LAUNCH, RealNova

from gpucloud.cli.main import run

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]
RUN = ["run", *LAUNCH[1:]]


def test_output_and_code_come_back_and_the_guest_is_gone(
    nova: RealNova, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sh", "-c", 'seq 3000; echo "it\'s here" >&2; exit 5']
    assert run([*RUN, "--gpus", "1", "--", *command]) == 5
    out = capsys.readouterr().out
    assert out == "".join(f"{n}\n" for n in range(1, 3001)) + "it's here\n"
    assert (nova.servers(), nova.used()) == ([], {})


def test_two_guests_at_once(nova: RealNova, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*RUN, "--gpus", "1", "--count", "2", "--name", "job", "--format", "json", "--", "pwd"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert [each["guest"] for each in results] == ["job-1", "job-2"]
    assert len({each["output"] for each in results}) == 2
    assert (nova.servers(), nova.used()) == ([], {})


def test_of_three_with_two_cards_none_is_left(nova: RealNova, capsys: pytest.CaptureFixture[str]) -> None:
    """The scheduler refuses the third, or the host does, where all three were let through at once."""
    assert run([*RUN, "--gpus", "1", "--count", "3", "--", "true"]) == 1
    said = capsys.readouterr().err
    assert "No valid host was found" in said or "Exhausted all hosts available" in said
    assert (nova.servers(), nova.used()) == ([], {})


def test_ctrl_c_ends_the_guest(nova: RealNova) -> None:
    argv = [
        sys.executable,
        "-c",
        "from gpucloud.cli import main; main()",
        *RUN,
        "--gpus",
        "1",
        "--",
        "sleep",
        "1000",
    ]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("the command runs in guest"):
                break
        assert nova.used()["VCPU"] == 1
        running.send_signal(signal.SIGINT)
        assert running.stderr.read().splitlines()[-1].startswith("gpucloud: the run was interrupted")
        assert running.wait(timeout=120) == 130
    assert (nova.servers(), nova.used()) == ([], {})
