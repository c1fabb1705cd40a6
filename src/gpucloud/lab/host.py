"""A running server of the laboratory: commands and files go in and out, and it can be ended at any time."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from gpucloud.lab.cache import remove_tree
from gpucloud.lab.disk.tree import unpack
from gpucloud.lab.evidence import PRODUCT_STATE, SYSTEM_JOURNAL, keep_answers, keep_logs
from gpucloud.lab.machine.boot import (
    DISK,
    SavedState,
    Start,
    line_of,
    make_disk,
    make_first_disk,
    power_on,
    power_on_saved,
    ssh_port,
    wake,
)
from gpucloud.lab.machine.qemu import end_qemu, is_running, wait_for_end
from gpucloud.lab.process import Completed, run, run_raw
from gpucloud.lab.record import TOPOLOGY, read_record, write_record
from gpucloud.lab.ssh import Keys, close_shared, ssh_argv, write_config
from gpucloud.lab.topology.parse import Topology, parse_topology
from gpucloud.model.failure import Failure

SSH_FAILED = 255
"""The exit code of ssh itself; a command can give it too."""


class LabHost:
    """A server that is not there. As a context manager it is ended whatever happens.

    Args:
        name: its name.
        folder: its state folder.
        topology: what it is.
        start: what it is started from; None for one that another process started, which can then not be
            powered on again.
        failed: folder under which evidence is kept.
    """

    def __init__(
        self, name: str, folder: Path, topology: Topology, start: Start | None, failed: Path
    ) -> None:
        self.name = name
        self.folder = folder
        self.topology = topology
        self._start = start
        self._failed = failed

    @classmethod
    def running(cls, name: str, folder: Path, failed: Path) -> Self:
        """The server that an earlier ``up`` left running."""
        try:
            source = (folder / TOPOLOGY).read_text()
        except OSError as error:
            raise Failure(
                f"the files of the server {name} are not whole", f"gpucloud lab down {name}"
            ) from error
        record = read_record(folder)
        return cls(name, folder, parse_topology(record.topology if record else name, source), None, failed)

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that leads to its ssh."""
        record = read_record(self.folder)
        if record is None or record.port is None or not is_running(self.folder):
            raise self._gone()
        return record.port

    def _gone(self) -> Failure:
        return Failure(f"the server {self.name} does not run any more", f"gpucloud lab down {self.name}")

    def _silent(self) -> Failure:
        return Failure(f"the server {self.name} has stopped answering", f"gpucloud lab down {self.name}")

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 120,
        input: bytes | str | None = None,  # noqa: A002 - the name that subprocess gives it
        ok: Collection[int] | None = None,
    ) -> Completed:
        """Run a program on the server as root, without a shell in between: words arrive as they are.

        Args:
            argv: program and arguments.
            timeout_s: how long it may take.
            input: what it reads; nothing by default.
            ok: exit codes that are fine; by default all are, and the caller looks at ``code``.

        Raises:
            Failure: the server cannot be reached, the program took too long, or its code is not in ``ok``.
        """
        stdin = input.encode() if isinstance(input, str) else input or b""
        done = run(ssh_argv(argv), timeout_s=timeout_s, ok=None, stdin=stdin, cwd=self._folder())
        if done.code == SSH_FAILED:
            raise self._silent() if is_running(self.folder) else self._gone()
        if ok is not None and done.code not in ok:
            said = (done.stderr or done.stdout).strip().splitlines()
            last = f": {said[-1][:300]}" if said else ""
            raise Failure(f"on {self.name}, `{shlex.join(argv)}` ended with code {done.code}{last}")
        return done

    def get(self, path: str, *, timeout_s: float = 120) -> bytes:
        """The content of a file of the server."""
        argv = ssh_argv(["cat", "--", path])
        return bytes(run_raw(argv, timeout_s=timeout_s, cwd=self._folder()).stdout)

    def put(self, content: bytes | Path, path: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """Write a file of the server, with the folders above it."""
        raw = content.read_bytes() if isinstance(content, Path) else content
        script = 'mkdir -p -- "$(dirname -- "$1")" && cat >"$1" && chmod -- "$2" "$1"'
        self.run(["sh", "-c", script, "sh", path, f"{mode:o}"], timeout_s=timeout_s, input=raw, ok=(0,))

    def _folder(self) -> Path:
        if not self.folder.is_dir():
            raise Failure(f"no server is named {self.name}", "gpucloud lab list")
        return self.folder

    # The power switch.

    def power_on(
        self,
        saved: SavedState | None,
        *,
        outlives: bool,
        timeout_s: float,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Start the server, and wait until it takes commands; ``progress`` is told while it boots.

        The first time on a new disk; after `kill` on the disk as the power cut left it.
        """
        start = self._start
        if start is None:
            raise Failure(f"the server {self.name} was started by another process", "use that one")
        if saved is not None:
            make_disk(self.folder, saved.disk, "qcow2")
            power_on_saved(self.folder, start, saved, outlives=outlives)
        else:
            if not (self.folder / DISK).exists():
                make_first_disk(self.folder, start.image)
            power_on(self.folder, start, outlives=outlives)
        with line_of(self.folder) as line:
            if saved is None:
                line.wait_ready(timeout_s, progress)
            wake(line, Keys(self.folder).for_server())
        self._open(timeout_s)

    def _open(self, timeout_s: float) -> None:
        port = ssh_port(self.folder)
        write_config(self.folder, port)
        self.run(["true"], timeout_s=min(timeout_s, 60), ok=(0,))
        record = read_record(self.folder)
        if record is not None:
            write_record(self.folder, replace(record, port=port))

    def restart(self, topology: Topology | None = None, *, timeout_s: float = 240) -> None:
        """Start the server again after `kill` or `power_off`: it boots cold, on its disk as it was left.

        With another topology somebody has changed its hardware or its firmware's settings meanwhile.
        """
        self._cut()
        if topology is not None and self._start is not None:
            self.topology, self._start = topology, replace(self._start, topology=topology)
            (self.folder / TOPOLOGY).write_text(topology.source)
        self.power_on(None, outlives=False, timeout_s=timeout_s)

    @contextmanager
    def starting_again(self, *, timeout_s: float = 240) -> Iterator[None]:
        """Wait, after the block, until the server has started anew and takes commands again."""
        with line_of(self.folder) as line:
            yield
            line.wait_ready(timeout_s)
            wake(line, Keys(self.folder).for_server())
        close_shared(self.folder)
        self._open(timeout_s)

    def reboot(self, *, timeout_s: float = 240) -> None:
        """Have the server restart in good order."""
        with self.starting_again(timeout_s=timeout_s):
            self.run(["systemctl", "--no-block", "reboot"], ok=(0,))

    def power_off(self, *, timeout_s: float = 120) -> None:
        """Have the server end in good order; its disk is then as it left it."""
        self.run(["systemctl", "--no-block", "poweroff"], ok=(0,))
        wait_for_end(self.folder, timeout_s)
        close_shared(self.folder)

    @property
    def disk(self) -> Path:
        """The server's own disk, in qcow2: to be read while it does not run."""
        return self.folder / DISK

    def kill(self) -> None:
        """Cut the power: what the server had not flushed to its disk is lost."""
        self._cut()

    def _cut(self) -> None:
        end_qemu(self.folder)
        close_shared(self.folder)

    def down(self) -> None:
        """End the server and remove all that is kept of it. Safe at any time, more than once."""
        clear_away(self.folder)

    # When something went wrong.

    def keep_evidence(self) -> Path:
        """Copy what tells why something failed into a folder, and give that.

        The console and QEMU's log always; from a server that still answers also the system's journal and
        gpucloud's own plans and journals; from the disk of one that does not, where it has its own.
        """
        kept = keep_logs(self.folder, self._failed, self.name)
        answers = keep_answers(kept, self._ask)
        if not answers and self._start is not None and self._start.image.direct(self.topology) is None:
            for path in (SYSTEM_JOURNAL, PRODUCT_STATE):
                unpack(self.disk, path, kept / "disk")
        return kept

    def _ask(self, script: str) -> bytes:
        if not is_running(self.folder):
            raise self._gone()
        argv = ssh_argv(["sh", "-c", script])
        return bytes(run_raw(argv, timeout_s=30, ok=None, cwd=self._folder()).stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()


def clear_away(folder: Path) -> None:
    """End the QEMU of a server's folder, if it runs, and remove the folder."""
    if folder.is_dir():
        close_shared(folder)
        end_qemu(folder)
        remove_tree(folder)
