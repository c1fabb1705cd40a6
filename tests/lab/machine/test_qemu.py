from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpucloud.lab.machine.qemu import end_qemu, is_running, pid_file, running_pid, start_qemu, wait_for_end
from gpucloud.lab.machine.wire import Monitor
from gpucloud.model.failure import Failure

WAITS = "import sys; sys.stdin.buffer.raw.read(1); import signal; signal.pause()"
LIKE_QEMU = """
import fcntl, os, socket, sys
with open(sys.argv[2] + ".part", "w") as file:
    file.write(str(os.getpid()))
kept = open(sys.argv[2] + ".part", "r+")
fcntl.lockf(kept, fcntl.LOCK_EX)
monitor = socket.socket(socket.AF_UNIX)
monitor.bind("qmp.sock")
monitor.listen()
os.rename(sys.argv[2] + ".part", sys.argv[2])
connection, _ = monitor.accept()
connection.sendall(b'{"QMP": {}}\\n')
while heard := connection.recv(65536, socket.MSG_PEEK):
    if b"quit" in heard:
        sys.exit()
    connection.recv(len(heard))
    connection.sendall(b'{"return": {}}\\n')
"""
"""Locks its pid file, answers on its monitor and ends as QEMU does: at once, without reading all."""


def like_qemu(folder: Path) -> list[str]:
    return [sys.executable, "-c", LIKE_QEMU, "-pidfile", str(pid_file(folder))]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Path]:
    start_qemu(tmp_path, like_qemu(tmp_path), ["qmp.sock"], outlives=False)
    yield tmp_path
    end_qemu(tmp_path)


def test_a_qemu_that_runs_is_found_by_its_folder(started: Path) -> None:
    assert running_pid(started) == int(pid_file(started).read_text())


def test_ending_it_leaves_neither_process_nor_pid_file(started: Path) -> None:
    pid = running_pid(started)
    assert pid
    assert end_qemu(started)
    assert not Path(f"/proc/{pid}").exists()
    assert not pid_file(started).exists()
    assert not end_qemu(started)


def test_one_that_ends_by_itself_is_waited_for_and_one_that_does_not_is_named(started: Path) -> None:
    with pytest.raises(Failure, match="not switched off"):
        wait_for_end(started, 0.01)
    with Monitor(started / "qmp.sock") as monitor:
        monitor.send('{"execute": "quit"}')
    wait_for_end(started, 10)
    assert running_pid(started) is None
    wait_for_end(started, 10)


def test_one_of_another_pid_namespace_is_seen_and_can_be_ended(
    started: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    proc_of_another_namespace = tmp_path_factory.mktemp("proc")
    assert running_pid(started, proc_of_another_namespace) is None
    assert is_running(started, proc_of_another_namespace)
    assert end_qemu(started, proc=proc_of_another_namespace)
    assert not is_running(started, proc_of_another_namespace)


def test_a_folder_without_pid_file_has_no_qemu(tmp_path: Path) -> None:
    assert running_pid(tmp_path) is None
    assert not is_running(tmp_path)


@pytest.mark.parametrize("content", ["", "x", "-1", "99999999"])
def test_a_pid_file_that_names_nothing_has_no_qemu(tmp_path: Path, content: str) -> None:
    pid_file(tmp_path).write_text(content)
    assert running_pid(tmp_path) is None
    assert not end_qemu(tmp_path)


def test_an_id_that_another_process_has_by_now_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE)
    try:
        pid_file(tmp_path).write_text(str(other.pid))
        assert not end_qemu(tmp_path)
        assert other.poll() is None
    finally:
        other.kill()
        other.communicate()


def test_a_qemu_of_another_folder_is_left_alone(
    started: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    pid_file(other).write_text(pid_file(started).read_text())
    assert not end_qemu(other)
    assert running_pid(started)


def test_a_qemu_that_ends_at_once_is_reported_in_its_own_words(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "import sys; sys.exit('no such machine')"]
    with pytest.raises(Failure, match="no such machine"):
        start_qemu(tmp_path, argv, [], outlives=True)


def test_a_qemu_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="did not start within"):
        start_qemu(
            tmp_path, [sys.executable, "-c", "import signal; signal.pause()"], [], outlives=True, timeout_s=0
        )


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from gpucloud.lab.machine.qemu import start_qemu;"
        f"start_qemu(pathlib.Path({str(tmp_path)!r}), {like_qemu(tmp_path)!r}, ['qmp.sock'], outlives=False)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
    pid = int(pid_file(tmp_path).read_text())
    handle = _pidfd(pid)
    if handle is not None:
        import select

        assert select.select([handle], [], [], 10)[0]
        os.close(handle)
    assert running_pid(tmp_path) is None


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None
