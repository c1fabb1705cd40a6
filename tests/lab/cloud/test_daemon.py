from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gpucloud.lab.cloud import daemon
from gpucloud.lab.cloud.daemon import Daemon
from gpucloud.lab.cloud.ready import wait_until
from gpucloud.model.failure import Failure

FAMILY = "echo $SAID; sleep 300 & sleep 300 & echo ready; wait"


def _start(folder: Path) -> Daemon:
    log = folder / "log"
    started = daemon.start("family", ["sh", "-c", FAMILY], cwd=folder, log=log, variables={"SAID": "a word"})
    wait_until(lambda: "ready" in log.read_text(), timeout_s=20, what=lambda: "the family")
    return started


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Daemon]:
    started = _start(tmp_path)
    yield started
    daemon.end([started])


def test_what_it_says_is_in_its_log_and_it_is_told_its_variables(family: Daemon, tmp_path: Path) -> None:
    assert (tmp_path / "log").read_text() == "a word\nready\n"


def test_it_runs_in_a_session_of_its_own(family: Daemon) -> None:
    assert daemon.is_running(family)
    assert os.getsid(family.pid) == family.pid != os.getsid(0)


def test_it_is_ended_with_all_that_it_started(family: Daemon) -> None:
    daemon.end([family])
    assert not daemon.is_running(family)
    assert not _of_session(family.pid)


def test_what_it_started_is_ended_also_when_it_has_ended_itself(family: Daemon) -> None:
    os.kill(family.pid, 9)
    os.waitpid(family.pid, 0)
    assert len(_of_session(family.pid)) == 2
    daemon.end([family])
    assert not _of_session(family.pid)


def test_to_end_it_twice_is_fine(family: Daemon) -> None:
    daemon.end([family])
    daemon.end([family])


def test_another_process_with_its_id_is_left_alone(family: Daemon) -> None:
    earlier = replace(family, started_ticks=family.started_ticks - 1)
    assert not daemon.is_running(earlier)
    daemon.end([earlier])
    assert daemon.is_running(family)


def test_one_that_has_ended_does_not_run_even_while_nobody_has_asked_for_its_code(tmp_path: Path) -> None:
    started = daemon.start("short", ["true"], cwd=tmp_path, log=tmp_path / "log", variables={})
    wait_until(lambda: not daemon.is_running(started), timeout_s=20, what=lambda: "true")
    daemon.end([started])


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="/no/such cannot be run: No such file"):
        daemon.start("none", ["/no/such"], cwd=tmp_path, log=tmp_path / "log", variables={})


def _of_session(session: int) -> list[str]:
    asked = ["ps", "--no-headers", "-o", "pid,stat", "--sid", str(session)]
    lines = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
    return [line for line in lines if "Z" not in line]
