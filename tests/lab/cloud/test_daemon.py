from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.lab.cloud.sites import site_in

from gpucloud.lab.cloud import daemon
from gpucloud.lab.cloud.daemon import Daemon
from gpucloud.lab.cloud.ready import wait_until
from gpucloud.lab.cloud.setup import Command, run_command
from gpucloud.model.failure import Failure

OURS = {"HOME", "LC_ALL", "PATH", "SPT_NOENV", "TMPDIR", "no_proxy"}
FAMILY = "echo $SAID; sleep 300 & sleep 300 & echo ready; wait"


def _start(folder: Path) -> Daemon:
    log = folder / "log"
    started = daemon.start(
        "family", ["sh", "-c", FAMILY], cwd=folder, log=log, tmp=folder, variables={"SAID": "a word"}
    )
    wait_until(lambda: "ready" in log.read_text(), timeout_s=20, what=lambda: "the family")
    return started


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Daemon]:
    started = _start(tmp_path)
    yield started
    daemon.end([started], tmp_path)


@pytest.fixture
def strangers(tmp_path: Path) -> Iterator[Daemon]:
    """A session that a stranger led: it has ended, and what it started goes on without the cloud's mark."""
    log = tmp_path / "strangers"
    led = daemon.start(
        "strangers", ["sh", "-c", FAMILY], cwd=tmp_path, log=log, tmp=tmp_path / "theirs", variables={}
    )
    wait_until(lambda: "ready" in log.read_text(), timeout_s=20, what=lambda: "the strangers")
    os.kill(led.pid, 9)
    os.waitpid(led.pid, 0)
    yield led
    daemon.end([led], tmp_path / "theirs")


def test_what_it_says_is_in_its_log_and_it_is_told_its_variables(family: Daemon, tmp_path: Path) -> None:
    assert (tmp_path / "log").read_text() == "a word\nready\n"


def test_it_runs_in_a_session_of_its_own(family: Daemon) -> None:
    assert daemon.is_running(family)
    assert os.getsid(family.pid) == family.pid != os.getsid(0)


def test_it_is_ended_with_all_that_it_started(family: Daemon, tmp_path: Path) -> None:
    daemon.end([family], tmp_path)
    assert not daemon.is_running(family)
    assert not _of_session(family.pid)


def test_what_it_started_is_ended_also_when_it_has_ended_itself(family: Daemon, tmp_path: Path) -> None:
    os.kill(family.pid, 9)
    os.waitpid(family.pid, 0)
    assert len(_of_session(family.pid)) == 2
    daemon.end([family], tmp_path)
    assert not _of_session(family.pid)


def test_what_is_started_while_it_is_ended_is_ended_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    log = tmp_path / "log"
    forks = "(read word < pipe; sleep 300 & echo forked; wait) & echo ready; wait"
    started = daemon.start("forks", ["sh", "-c", forks], cwd=tmp_path, log=log, tmp=tmp_path, variables={})
    wait_until(lambda: "ready" in log.read_text(), timeout_s=20, what=lambda: "the first")

    def waits(handle: int, timeout_s: float) -> bool:
        if "forked" not in log.read_text():
            (tmp_path / "pipe").write_text("go\n")
            wait_until(lambda: "forked" in log.read_text(), timeout_s=20, what=lambda: "the second")
        return bool(select.select([handle], [], [], timeout_s)[0])

    daemon.end([started], tmp_path, waits)
    assert _of_session(started.pid) == []


def test_the_processes_of_a_stranger_who_got_the_id_are_left_alone(strangers: Daemon, tmp_path: Path) -> None:
    ours = replace(strangers, started_ticks=strangers.started_ticks - 1)
    assert len(_of_session(strangers.pid)) == 2
    daemon.end([ours], tmp_path)
    assert len(_of_session(strangers.pid)) == 2


def test_what_is_older_than_the_daemon_is_left_alone(strangers: Daemon, tmp_path: Path) -> None:
    later = replace(strangers, started_ticks=strangers.started_ticks + 100_000)
    daemon.end([later], tmp_path / "theirs")
    assert len(_of_session(strangers.pid)) == 2


def test_after_the_machine_has_started_again_nothing_is_ended(family: Daemon, tmp_path: Path) -> None:
    before = replace(family, boot="another")
    assert not daemon.is_running(before)
    daemon.end([before], tmp_path)
    assert daemon.is_running(family)


def test_one_that_does_not_end_is_named_and_the_others_are_ended(family: Daemon, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = _start(tmp_path / "other")
    with pytest.raises(Failure, match=f"does not end: family .process {family.pid}., family ") as failed:
        daemon.end([family, replace(other, name="other")], tmp_path, waits=lambda *_: False)
    assert failed.value.then.startswith(f"end by hand: kill -KILL {family.pid} ")
    for one in (family, other):
        _wait_for_the_end_of(one)
    daemon.end([other], tmp_path / "other")


def test_a_program_that_writes_its_title_over_its_environment_is_told_not_to(tmp_path: Path) -> None:
    # Source: README of setproctitle, which gunicorn and cotyledon (oslo.service) call.
    assert daemon.surroundings(tmp_path)["SPT_NOENV"]


def test_to_end_it_twice_is_fine(family: Daemon, tmp_path: Path) -> None:
    daemon.end([family], tmp_path)
    daemon.end([family], tmp_path)


def test_another_process_with_its_id_is_left_alone(family: Daemon, tmp_path: Path) -> None:
    earlier = replace(family, started_ticks=family.started_ticks - 1)
    assert not daemon.is_running(earlier)
    daemon.end([earlier], tmp_path)
    assert daemon.is_running(family)


def test_one_that_has_ended_does_not_run_even_while_nobody_has_asked_for_its_code(tmp_path: Path) -> None:
    started = daemon.start("short", ["true"], cwd=tmp_path, log=tmp_path / "log", tmp=tmp_path, variables={})
    _wait_for_the_end_of(started)
    daemon.end([started], tmp_path)


@pytest.fixture
def _caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets what would lead the cloud astray: a proxy, an option of keystone, one of MariaDB."""
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("OS_DATABASE__CONNECTION", "sqlite://")
    monkeypatch.setenv("MYSQL_HOME", "/etc/other")


@pytest.mark.usefixtures("_caller")
def test_of_the_callers_environment_a_daemon_has_little(tmp_path: Path) -> None:
    log = tmp_path / "log"
    started = daemon.start("env", ["env"], cwd=tmp_path, log=log, tmp=tmp_path, variables={"A": "b"})
    _wait_for_the_end_of(started)
    daemon.end([started], tmp_path)
    assert _variables(log) == {*OURS, "A"}
    assert "no_proxy=127.0.0.1\n" in log.read_text()


@pytest.mark.usefixtures("_caller")
def test_of_the_callers_environment_a_command_has_as_little(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    run_command(site, Command("env", ("env",), {"OS_BOOTSTRAP_PASSWORD": "p"}))
    assert _variables(site.logs / "env.log") == {*OURS, "OS_BOOTSTRAP_PASSWORD"}
    assert f"TMPDIR={site.tmp}\n" in (site.logs / "env.log").read_text()


def _variables(log: Path) -> set[str]:
    return {line.partition("=")[0] for line in log.read_text().splitlines()}


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="/no/such cannot be run: No such file"):
        daemon.start("none", ["/no/such"], cwd=tmp_path, log=tmp_path / "log", tmp=tmp_path, variables={})


def _wait_for_the_end_of(one: Daemon) -> None:
    wait_until(lambda: not daemon.is_running(one), timeout_s=20, what=lambda: "the end of it")


def _of_session(session: int) -> list[str]:
    asked = ["ps", "--no-headers", "-o", "pid,stat", "--sid", str(session)]
    lines = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
    return [line for line in lines if "Z" not in line]
