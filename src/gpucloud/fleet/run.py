"""``ansible-playbook`` run on hosts: what it tells as it comes, and how it is stopped.

It gets no terminal and a process group of its own, so Ctrl-C reaches only us: the first time no further hosts
begin, the second time Ansible is ended. What a host has begun then it does to its own end.

Ended, not interrupted: an interrupt is an exception in Python, and one that comes while Ansible starts a
worker is lost, since Python ignores what is raised in functions that ``os.register_at_fork`` was given.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from gpucloud.fleet.collection import NAME, write_collection
from gpucloud.fleet.event import Event, parse_event
from gpucloud.fleet.order import LIMIT
from gpucloud.fleet.wish import Variables, Wish
from gpucloud.model.failure import Failure

PROGRAM = "ansible-playbook"
SSH = ("ANSIBLE_SSH_EXTRA_ARGS", "-o ServerAliveInterval=15 -o ServerAliveCountMax=8")
"""A host that restarts may leave without closing its connections. Ansible asks it for its start on one that
is kept open, without a time limit, so ssh has to notice: two minutes of silence end it, and so does the first
answer of a host that has started anew. What the user has set in this variable stays."""
_LAST_WORDS = 8 * 1024
_ENDS = 2 * LIMIT
"""Characters of a line: an answer that is longer is none of ours."""


@dataclass(slots=True)
class Stop:
    """Who may end a run early."""

    file: Path
    """While it is there, no further batch begins."""
    process: subprocess.Popen[str] | None = None
    times: int = 0

    def ask(self) -> None:
        """Ask once more."""
        self.times += 1
        if self.times == 1:
            self.file.touch()
        elif self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs playbooks of the collection, each from a folder of its own that is removed after.

    Args:
        program: ``ansible-playbook``.
        keep: gets every line that a run tells, as it comes.
        environment: further variables of the environment.
    """

    program: str
    keep: Callable[[str], None] = lambda _: None
    environment: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def run(
        self, playbook: str, wish: Wish, plans: Mapping[str, str] | None = None, *, verb: str = "applied"
    ) -> Iterator[tuple[Iterator[Event], Stop]]:
        """Run a playbook; its events come one by one.

        Args:
            playbook: ``look`` or ``rolling``.
            wish: which hosts, and what for.
            plans: the stored plan for each host that was shown.
            verb: what hosts are to be: ``applied``, ``undone``; only looked at: ``verified``.

        Raises:
            Failure: Ansible cannot be run, or said that it cannot do it at all.
        """
        with tempfile.TemporaryDirectory(prefix="gpucloud-fleet-") as name:
            folder = Path(name)
            stop = Stop(folder / "stop")
            variables = {"gpucloud_stop": str(stop.file), "gpucloud_state": verb, **wish.as_variables()}
            if plans is not None:
                variables["gpucloud_plans"] = str(_write_plans(folder / "plans", plans))
            argv = self._prepare(folder, playbook, wish, variables)
            with closing(self._events(argv, folder, stop)) as events:
                yield events, stop

    def _prepare(self, folder: Path, playbook: str, wish: Wish, variables: Variables) -> list[str]:
        """The command line; Ansible looks for collections beside a playbook, too."""
        write_collection(folder / "collections")
        (folder / "run.yml").write_text(f"- import_playbook: {NAME}.{playbook}\n")
        (folder / "variables.json").write_text(json.dumps(variables))
        sources = [word for each in wish.inventories for word in ("-i", each)]
        return [self.program, *sources, "-e", f"@{folder / 'variables.json'}", str(folder / "run.yml")]

    def _events(self, argv: list[str], folder: Path, stop: Stop) -> Generator[Event]:
        has_begun = False
        errors = folder / "errors"
        with self._start(argv, folder / "tmp", errors) as process:
            stop.process = process
            try:
                for line in _lines(process):
                    self.keep(line)
                    if (event := parse_event(line)) is not None:
                        has_begun = True
                        yield event
            except BaseException:  # whoever reads has gone, so must Ansible
                os.killpg(process.pid, signal.SIGTERM)
                raise
        if not has_begun and not stop.times:
            raise Failure(f"{PROGRAM} did not begin: {_last_words(errors)}", "try: ansible-inventory --list")

    def _start(self, argv: list[str], local: Path, errors: Path) -> subprocess.Popen[str]:
        ours = {
            "ANSIBLE_STDOUT_CALLBACK": f"{NAME}.events",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
            "ANSIBLE_LOCAL_TEMP": str(local),  # one that is ended does not clean up
            SSH[0]: os.environ.get(*SSH),
        }
        try:
            with errors.open("w") as stream:
                return subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=stream,
                    env={**os.environ, **ours, **self.environment},
                    text=True,
                    errors="replace",
                    start_new_session=True,
                )
        except OSError as error:
            raise Failure(f"{argv[0]} cannot be run: {error.strerror}", _INSTALL) from error


_INSTALL = (
    f"install it: {sys.executable} -m pip install 'ansible-core>=2.16', "
    "or put the one of your deployment on PATH"
)


def find_program() -> str:
    """The user's own Ansible, or the one that was installed with gpucloud.

    Raises:
        Failure: there is none.
    """
    found = shutil.which(PROGRAM) or shutil.which(PROGRAM, path=str(Path(sys.executable).parent))
    if found is None:
        raise Failure(f"{PROGRAM} is not installed, and many hosts are reached through it", _INSTALL)
    return found


def _write_plans(folder: Path, plans: Mapping[str, str]) -> Path:
    """As files: Ansible fills in what looks like a template in a variable, and plans hold files of hosts."""
    folder.mkdir()
    for host, plan in plans.items():
        (folder / f"{quote(host, safe='')}.json").write_text(plan)
    return folder


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    if process.stdout is None:
        raise ValueError("the process has no pipe")
    while line := process.stdout.readline(_ENDS):
        yield line


def _last_words(errors: Path) -> str:
    with errors.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(size - _LAST_WORDS, 0))
        text = stream.read().decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("ERROR", "[ERROR]", "fatal"))] or lines
    return telling[-1] if telling else "it gave no reason"
