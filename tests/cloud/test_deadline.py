"""Time limits are kept by something that outlives gpucloud, and end only the guest they were made for."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from gpucloud.cloud.libvirt.machine.deadline import (
    Deadline,
    ShellDeadline,
    SystemdDeadline,
    deadline_of_this_machine,
    end_script,
)
from gpucloud.model.failure import Failure

_LOST = "echo \"error: failed to get domain 'x'\" >&2"
UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


class Recorder:
    """Remembers what would have been run."""

    def __init__(self, failure: str | None = None) -> None:
        self.ran: list[Sequence[str]] = []
        self.failure = failure

    def __call__(self, argv: Sequence[str], *, timeout_s: float = 0) -> str:
        self.ran.append(argv)
        if self.failure:
            raise Failure(self.failure)
        return ""


def test_systemd_is_asked_for_a_timer_that_ends_the_guest_by_its_uuid(tmp_path: Path) -> None:
    run = Recorder()
    SystemdDeadline(run).arm("one", UUID, tmp_path, tmp_path / "one.log", 7200)
    (argv,) = run.ran
    assert argv[0] == "systemd-run"
    assert {"--unit=gpucloud-end-one", "--on-active=7200", "--collect"} <= set(argv)
    assert argv[-3:] == [UUID, str(tmp_path), str(tmp_path / "one.log")]


def test_a_timer_that_is_gone_already_needs_no_stopping(tmp_path: Path) -> None:
    run = Recorder("systemctl ended with 5: Unit gpucloud-end-one.timer not loaded")
    SystemdDeadline(run).disarm("one", UUID, tmp_path)
    assert run.ran == [["systemctl", "stop", "gpucloud-end-one.timer", "gpucloud-end-one.service"]]


def test_a_timer_that_cannot_be_stopped_is_said(tmp_path: Path) -> None:
    run = Recorder("systemctl ended with 1: Failed to connect to bus")
    with pytest.raises(Failure, match="Failed to connect to bus"):
        SystemdDeadline(run).disarm("one", UUID, tmp_path)


@pytest.mark.parametrize(("is_booted", "kind"), [(True, SystemdDeadline), (False, ShellDeadline)])
def test_where_systemd_does_not_run_a_shell_waits(is_booted: bool, kind: type[Deadline]) -> None:
    assert isinstance(deadline_of_this_machine(Recorder(), lambda _: is_booted), kind)


@pytest.fixture
def virsh(tmp_path: Path) -> Path:
    """A folder with a virsh that answers what a test tells it, and notes what it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "virsh"
    program.write_text(f'#!/bin/sh\necho "$*" >>{folder}/asked\n. {folder}/answer\n')
    program.chmod(0o755)
    return folder


def _end(virsh: Path, folder: Path, answer: str) -> list[str]:
    (virsh / "answer").write_text(answer)
    folder.mkdir()
    path = {"PATH": f"{virsh}:{os.environ['PATH']}"}
    subprocess.run(
        ["sh", "-c", end_script(retry_s=0), "end", UUID, folder, folder.with_name("one.log")],
        env=path,
        check=True,
        timeout=20,
    )
    return (virsh / "asked").read_text().splitlines()


def test_the_guest_is_ended_and_its_folder_and_log_removed(virsh: Path, tmp_path: Path) -> None:
    logs = [tmp_path / "one.log", tmp_path / "one.log.0"]
    others = tmp_path / "one.log-of-another"
    for log in (*logs, others):
        log.write_text("")
    asked = _end(virsh, tmp_path / "guest", "exit 0")
    assert asked == [f"-q -c qemu:///system destroy {UUID}"]
    assert not any(path.exists() for path in (tmp_path / "guest", *logs))
    assert others.exists()


def test_a_guest_that_is_gone_already_is_fine(virsh: Path, tmp_path: Path) -> None:
    gone = f"case $* in *list*) echo another-guest; exit 0 ;; esac; {_LOST}; exit 1"
    assert len(_end(virsh, tmp_path / "guest", gone)) == 2
    assert not (tmp_path / "guest").exists()


def test_while_libvirt_lists_the_guest_its_folder_stays(virsh: Path, tmp_path: Path) -> None:
    folder, asked = tmp_path / "guest", f"$(grep -c destroy {virsh}/asked)"
    lingers = (
        f"case $* in *list*) echo {UUID}; exit 0 ;; esac; [ -d {folder} ] || echo gone >>{virsh}/asked;"
        f"[ {asked} -ge 3 ] && exit 0; {_LOST}; exit 1"
    )
    assert [line.split()[3] for line in _end(virsh, folder, lingers)] == ["destroy", "list"] * 2 + ["destroy"]


def test_a_list_that_does_not_come_says_nothing_of_the_guest(virsh: Path, tmp_path: Path) -> None:
    breaks = f"[ $(grep -c destroy {virsh}/asked) -ge 3 ] && exit 0; {_LOST}; exit 1"
    assert len(_end(virsh, tmp_path / "guest", breaks)) == 5


def test_while_libvirt_does_not_answer_it_is_tried_again(virsh: Path, tmp_path: Path) -> None:
    thrice = f'[ $(wc -l <{virsh}/asked) -ge 5 ] && exit 0; echo "error: failed to connect" >&2; exit 1'
    assert len(_end(virsh, tmp_path / "guest", thrice)) == 5


def test_the_waiting_shell_outlives_its_maker_and_is_ended_with_the_guest(tmp_path: Path) -> None:
    arm = (
        "from pathlib import Path; from gpucloud.cloud.libvirt.machine.deadline import ShellDeadline;"
        f"ShellDeadline().arm('one', '{UUID}', Path('{tmp_path}'), Path('{tmp_path}/one.log'), 600)"
    )
    subprocess.run([sys.executable, "-c", arm], check=True)
    waiting = int((tmp_path / "watcher").read_text())
    _wait_until_named(waiting)
    assert os.getsid(waiting) == waiting
    ShellDeadline().disarm("one", "another-guest", tmp_path)
    os.kill(waiting, 0)  # still there: the limit of another guest is none of its business
    ShellDeadline().disarm("one", UUID, tmp_path)
    _wait_until_gone(waiting)


def test_a_process_that_took_the_number_of_a_shell_long_gone_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True) as other:
        (tmp_path / "watcher").write_text(str(other.pid))
        ShellDeadline().disarm("one", "", tmp_path)
    assert other.returncode == 0, "it ended by itself"


def _wait_until_named(pid: int) -> None:
    """It names its guest once it has become the shell, which can be later than its maker's end."""
    end = time.monotonic() + 10
    while UUID not in Path(f"/proc/{pid}/cmdline").read_text():
        assert time.monotonic() < end
        os.sched_yield()


def _wait_until_gone(pid: int) -> None:
    descriptor = os.pidfd_open(pid)
    try:
        assert select.select([descriptor], [], [], 10)[0]
    finally:
        os.close(descriptor)


def test_where_no_limit_was_set_there_is_nothing_to_end(tmp_path: Path) -> None:
    ShellDeadline().disarm("one", UUID, tmp_path)
