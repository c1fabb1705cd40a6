"""A program never keeps gpucloud waiting for ever, not even one that cannot be killed."""

from __future__ import annotations

import os
import re
import signal

import pytest

from gpucloud.cloud.programs import run
from gpucloud.model.failure import Failure
from gpucloud.prepare.reach.program import run_bounded
from gpucloud.prepare.system import ask_program

pytestmark = pytest.mark.proof

ENVIRONMENT = {"PATH": os.environ["PATH"]}
SLEEP = ("sleep", "600")


def test_what_it_said_and_how_it_ended_is_given() -> None:
    done = run_bounded(("sh", "-c", "echo out; echo why >&2; exit 3"), 20, ENVIRONMENT)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "why\n")


def test_one_that_takes_too_long_is_ended() -> None:
    with pytest.raises(TimeoutError, match=r"'sleep 600' had not ended after 0.1 s$"):
        run_bounded(SLEEP, 0.1, ENVIRONMENT)


def test_one_that_cannot_be_killed_is_left_behind_and_named() -> None:
    with pytest.raises(TimeoutError, match=r"process [0-9]+ is left behind") as raised:
        run_bounded(SLEEP, 0.1, ENVIRONMENT, kill=lambda _pid, _signal: None)
    match = re.search(r"process ([0-9]+)", str(raised.value))
    assert match is not None
    os.kill(int(match[1]), signal.SIGKILL)


def test_tools_of_root_are_found_by_whoever_has_become_root_without_a_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert "/usr/sbin" in ask_program(("sh", "-c", 'echo "$PATH"')).strip().split(":")


def test_what_guests_need_is_told_in_one_line() -> None:
    with pytest.raises(Failure, match=r"'sleep 600' had not ended after 0.1 s"):
        run(SLEEP, timeout_s=0.1)
