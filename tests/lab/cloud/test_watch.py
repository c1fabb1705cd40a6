"""A service that ends is started again, a few times; its place in the record is that of the one before."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lab.cloud.sites import site_in

from gpucloud.lab.cloud import daemon
from gpucloud.lab.cloud.daemon import Daemon, boot_id
from gpucloud.lab.cloud.record import Record, read_record, site_of, write_record
from gpucloud.lab.cloud.services import Service
from gpucloud.lab.cloud.site import make_folders
from gpucloud.lab.cloud.upkeep.start import start_written
from gpucloud.lab.cloud.upkeep.watch import MOST, WITHIN_S, look, may_start, revive

NOW = 1_700_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A cloud whose only process is a scheduler that is no more; its program waits."""
    site = site_in(tmp_path / "cloud")
    site = replace(site, environment=tmp_path / "environment")
    make_folders(site)
    (site.environment / "bin").mkdir(parents=True)
    waits = site.environment / "bin" / "python"
    waits.write_text("#!/bin/sh\nexec sleep 1000\n")
    waits.chmod(0o755)
    dead = Daemon("nova-scheduler", _dead_pid(), 1, boot_id())
    write_record(site.folder, Record(str(site.environment), site.ports, (dead,), NOW, is_up=True))
    yield site.folder
    record = read_record(site.folder)
    assert record is not None
    daemon.end(record.daemons, site.tmp)


def _dead_pid() -> int:
    with subprocess.Popen(["/bin/true"]) as ended:
        return ended.pid


def _only(folder: Path) -> tuple[Record, Daemon]:
    record = read_record(folder)
    assert record is not None
    (one,) = record.daemons
    return record, one


def test_what_has_ended_runs_again_and_is_written_down(folder: Path) -> None:
    assert revive(folder, NOW) == ("nova-scheduler",)
    record, one = _only(folder)
    assert daemon.is_running(one)
    assert record.restarts == {"nova-scheduler": (NOW,)}
    assert revive(folder, NOW) == ()


def test_what_ends_again_and_again_is_left(folder: Path) -> None:
    for number in range(MOST):
        assert revive(folder, NOW + number) == ("nova-scheduler",)
        daemon.end([_only(folder)[1]], folder / "data" / "tmp")
    assert revive(folder, NOW + MOST) == ()
    assert revive(folder, NOW + WITHIN_S) == ("nova-scheduler",)


def test_of_a_cloud_that_is_coming_up_nothing_is_started(folder: Path) -> None:
    record, _ = _only(folder)
    write_record(folder, replace(record, is_up=False))
    assert revive(folder, NOW) == ()


def test_what_cannot_be_started_is_told_and_tried_again(folder: Path) -> None:
    said: list[str] = []
    program = folder.parent / "environment" / "bin" / "python"
    hidden = program.rename(program.with_name("hidden"))
    look(folder, said.append, NOW)
    hidden.rename(program)
    look(folder, said.append, NOW + 1)
    assert "is not started again" in said[0]
    assert said[1:] == ["nova-scheduler had ended, and was started again"]
    assert daemon.is_running(_only(folder)[1])


def test_what_comes_up_is_written_down_before_anybody_else_writes(folder: Path) -> None:
    record, _ = _only(folder)
    others: list[bool] = []

    def write(one: Daemon) -> None:
        others.append(_may_write(folder))
        write_record(folder, replace(record, daemons=(*record.daemons, one)))

    start_written(site_of(folder, record), Service("other", ("sleep", "1000")), write)
    assert others == [False]
    assert _may_write(folder)
    assert revive(folder, NOW) == ("nova-scheduler",)
    written = read_record(folder)
    assert written is not None
    assert [one.name for one in written.daemons] == ["nova-scheduler", "other"]
    assert all(map(daemon.is_running, written.daemons))


def _may_write(folder: Path) -> bool:
    """Whether nobody holds the lock of `alone` now."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(handle)


@given(st.lists(st.floats(NOW - 2 * WITHIN_S, NOW), max_size=8))
def test_only_starts_of_late_count(times: list[float]) -> None:
    recent = [at for at in times if NOW - at < WITHIN_S]
    assert may_start({"a": tuple(times)}, "a", NOW) == (len(recent) < MOST)
    assert may_start({"a": tuple(times)}, "b", NOW)
