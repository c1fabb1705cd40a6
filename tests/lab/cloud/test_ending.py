"""However a cloud ends, nothing of it goes on: also where its disk is full, or Ctrl-C comes twice."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpucloud.lab.cache import ensure, locked
from gpucloud.lab.cloud import daemon
from gpucloud.lab.cloud.daemon import Daemon
from gpucloud.lab.cloud.down import KEPT, clear_away, down, give_up, keep_logs
from gpucloud.lab.cloud.record import Record, read_record, write_record
from gpucloud.lab.cloud.site import alone, tmp_of
from gpucloud.lab.process import undisturbed
from gpucloud.model.failure import Failure

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "cloud"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "nova-api.log").write_text("it said this\n")
    return folder


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[str], Daemon]]:
    """Starts a daemon of the cloud; none outlives the test."""
    started: list[Daemon] = []

    def start(name: str) -> Daemon:
        log = folder / "logs" / name
        tmp = tmp_of(folder)
        started.append(daemon.start(name, ["sleep", "300"], cwd=folder, log=log, tmp=tmp, variables={}))
        return started[-1]

    yield start
    daemon.end(started, tmp_of(folder))


def _record(folder: Path, *daemons: Daemon) -> None:
    write_record(folder, Record("/environment", {}, daemons, 5.0))


def _refuse() -> None:
    raise Failure("somebody is at it")


def test_what_was_started_and_not_written_down_is_ended_too(
    folder: Path, start: Callable[[str], Daemon]
) -> None:
    written, not_written = start("one"), start("two")
    _record(folder, written)
    clear_away(folder, [written, not_written])
    assert not daemon.is_running(written)
    assert not daemon.is_running(not_written)
    assert not folder.exists()


def test_a_cloud_that_does_not_come_up_leaves_its_logs_alone(
    folder: Path, start: Callable[[str], Daemon]
) -> None:
    one = start("one")
    failure = give_up(folder, [one], Failure("nova has ended", "look at it"))
    assert failure.what == "the cloud did not come up: nova has ended"
    kept = Path(failure.then.removeprefix("the logs are in "))
    assert (kept / "nova-api.log").read_text() == "it said this\n"
    assert not daemon.is_running(one)
    assert not folder.exists()


def test_where_the_disk_is_full_it_is_ended_as_well(folder: Path, start: Callable[[str], Daemon]) -> None:
    def keep(_: Path) -> Path:
        raise FULL

    one = start("one")
    failure = give_up(folder, [one], FULL, keep)
    assert failure.what == "the cloud did not come up: [Errno 28] No space left on device"
    assert failure.then == "its logs cannot be kept: [Errno 28] No space left on device"
    assert not daemon.is_running(one)
    assert not folder.exists()


def test_ctrl_c_while_the_logs_are_kept_leaves_nothing_running(
    folder: Path, start: Callable[[str], Daemon]
) -> None:
    def keep(_: Path) -> Path:
        raise KeyboardInterrupt

    one = start("one")
    with pytest.raises(KeyboardInterrupt):
        give_up(folder, [one], FULL, keep)
    assert not daemon.is_running(one)


def test_ctrl_c_while_a_daemon_is_started_waits_until_it_is_written_down(
    folder: Path, start: Callable[[str], Daemon]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        _start_with_ctrl_c(folder, start)
    record = read_record(folder)
    assert record is not None
    assert [one.name for one in record.daemons] == ["one"]


def _start_with_ctrl_c(folder: Path, start: Callable[[str], Daemon]) -> None:
    with undisturbed():
        one = start("one")
        signal.raise_signal(signal.SIGINT)
        _record(folder, one)


def test_what_is_started_undisturbed_can_be_ended_by_each_signal(start: Callable[[str], Daemon]) -> None:
    with undisturbed():
        one = start("one")
    (blocked,) = [line for line in _status(one) if line.startswith("SigBlk:")]
    assert int(blocked.split()[1], 16) == 0


def _status(one: Daemon) -> list[str]:
    return Path(f"/proc/{one.pid}/status").read_text().splitlines()


def test_down_leaves_a_cloud_alone_that_is_coming_up(folder: Path, start: Callable[[str], Daemon]) -> None:
    one = start("one")
    _record(folder, one)
    with alone(folder, _refuse), pytest.raises(Failure, match=r"the cloud is coming up.*Ctrl-C"):
        down(folder)
    assert daemon.is_running(one)
    down(folder)
    assert not daemon.is_running(one)
    assert not folder.exists()


def test_who_waits_for_another_is_told_so(tmp_path: Path) -> None:
    with locked(tmp_path / "up"):
        with pytest.raises(Failure, match="somebody is at it"), locked(tmp_path / "up", _refuse):
            pass
        with pytest.raises(Failure, match="somebody is at it"):
            ensure(tmp_path / "up", lambda _: None, _refuse)
    assert ensure(tmp_path / "up", lambda _: None, _refuse).is_dir()


def test_the_logs_of_the_newest_failures_are_kept_and_those_of_servers_left_alone(folder: Path) -> None:
    failed = folder.parent / "failed"
    (failed / "gpu01-20200101-000000").mkdir(parents=True)
    days = iter(range(KEPT + 3))
    for _ in range(KEPT + 3):
        keep_logs(folder, clock=lambda: next(days) * 86400.0)
    names = sorted(entry.name for entry in failed.iterdir())
    assert names[-1] == "gpu01-20200101-000000"
    assert len(names) == KEPT + 1
    assert names[0] == "cloud-19700104-000000"
