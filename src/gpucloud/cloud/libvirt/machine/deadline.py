"""A guest's time limit, kept by this machine itself: nothing of gpucloud needs to run or be there.

systemd is asked for a one-shot timer; where it does not run, a small shell is left behind that waits.
Both end the domain by its UUID, try again while libvirt does not answer, and remove its folder.
Neither survives a reboot of the host, and neither do the guests: they are transient.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gpucloud.cloud.programs import SYSTEM_PATH, Run
from gpucloud.model.failure import Failure

_RETRY_S = 10
_NOT_LOADED = "systemctl ended with 5:"
_WATCHER = "watcher"
"""File in the guest's folder with the process id of the shell that waits."""


def end_script(retry_s: int = _RETRY_S) -> str:
    """POSIX shell that ends a domain and removes its folder and console log, and the folders above if empty.

    Arguments: UUID, folder, log; older parts of the log have a number behind its name.

    What virsh says does not tell a guest that is gone from a connection that broke in mid-call ("failed to
    get domain" is both): only a list that came, and has no such guest, says that there is none.
    """
    return f"""
until virsh -q -c qemu:///system destroy "$1" >/dev/null 2>&1; do
  if left=$(virsh -q -c qemu:///system list --all --uuid 2>/dev/null); then
    case $left in *"$1"*) ;; *) break ;; esac
  fi
  sleep {retry_s}
done
rm -rf -- "$2"
rm -f -- "$3" "$3".[0-9]*
rmdir -- "${{2%/*}}" "${{3%/*}}" 2>/dev/null || true
"""


class Deadline(Protocol):
    """Ends a guest when its time is over, whatever happens to the command that made it."""

    def arm(self, name: str, uuid: str, folder: Path, log: Path, seconds: int) -> None:
        """Start the time.

        Raises:
            Failure: nothing here can keep the time.
        """
        ...

    def disarm(self, name: str, uuid: str, folder: Path) -> None:
        """Stop the time; fine where none was started.

        Raises:
            Failure: it was started, and could not be stopped.
        """
        ...


@dataclass(frozen=True, slots=True)
class SystemdDeadline:
    """A transient timer of systemd: it is not tied to any session or terminal."""

    run: Run

    def arm(self, name: str, uuid: str, folder: Path, log: Path, seconds: int) -> None:
        self.run(
            [
                "systemd-run",
                "--quiet",
                "--collect",
                f"--unit={_unit(name)}",
                f"--description=end the gpucloud guest {name}",
                f"--on-active={seconds}",
                "--timer-property=AccuracySec=1s",
                "--setenv=LC_ALL=C.UTF-8",
                f"--setenv=PATH={SYSTEM_PATH}",
                *_command(end_script(), uuid, folder, log),
            ]
        )

    def disarm(self, name: str, uuid: str, folder: Path) -> None:
        del uuid, folder
        try:
            # The service too: where the time is over already it may wait for a guest that lingers, and would
            # remove the folder of the next guest of that name.
            self.run(["systemctl", "stop", f"{_unit(name)}.timer", f"{_unit(name)}.service"])
        except Failure as failure:
            # A unit that does not exist is exit code 5; nothing to stop is what is wanted.
            if not failure.what.startswith(_NOT_LOADED):
                raise


def _unit(name: str) -> str:
    return f"gpucloud-end-{name}"


def _command(script: str, uuid: str, folder: Path, log: Path, *more: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script, "gpucloud-end", uuid, str(folder), str(log), *more)


@dataclass(frozen=True, slots=True)
class ShellDeadline:
    """A shell in a session of its own that sleeps until the time is over."""

    def arm(self, name: str, uuid: str, folder: Path, log: Path, seconds: int) -> None:
        del name
        shell = subprocess.Popen(
            _command('sleep "$4"' + end_script(), uuid, folder, log, str(seconds)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
        (folder / _WATCHER).write_text(str(shell.pid))

    def disarm(self, name: str, uuid: str, folder: Path) -> None:
        del name
        with suppress(OSError, ValueError):
            group = int((folder / _WATCHER).read_text())
            # The number may belong to another process by now: only one that waits for this guest is ended.
            line = Path(f"/proc/{group}/cmdline").read_bytes()
            if uuid.encode() in line and str(folder).encode() in line.split(b"\0"):
                os.killpg(group, signal.SIGTERM)


def deadline_of_this_machine(run: Run, is_there: Callable[[Path], bool] = Path.exists) -> Deadline:
    """Choose who keeps the time: systemd where it is what runs this machine (sd_booted(3))."""
    return SystemdDeadline(run) if is_there(Path("/run/systemd/system")) else ShellDeadline()
