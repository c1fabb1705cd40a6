"""Programs run without a shell, never for ever; a failure prints a line that can be pasted."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpucloud.lab.needs import search_path
from gpucloud.model.failure import Failure

_WISHES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program left: its output, what it said on standard error, and its exit code."""

    stdout: str
    stderr: str
    code: int


def environment() -> dict[str, str]:
    """The caller's environment, with messages in English and the system's programs on PATH."""
    return {**os.environ, "LC_ALL": "C.UTF-8", "PATH": search_path()}


def bare_environment() -> dict[str, str]:
    """PATH, HOME and the language alone: no proxy, and nothing that a program would take for an option."""
    home = {"HOME": os.environ["HOME"]} if "HOME" in os.environ else {}
    return {**home, "LC_ALL": "C.UTF-8", "PATH": search_path()}


def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    ok: Collection[int] | None = (0,),
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Run a program and wait for it.

    Args:
        argv: program and arguments.
        timeout_s: after this many seconds it is killed.
        ok: exit codes that are fine; None for all.
        stdin: what it reads on standard input.
        cwd: folder it starts in.
        env: its whole environment; by default `environment`.

    Raises:
        Failure: it is not there, took too long, or ended with a code outside ``ok``.
    """
    done = run_raw(argv, timeout_s=timeout_s, ok=ok, stdin=stdin, cwd=cwd, env=env)
    return Completed(_text(done.stdout), _text(done.stderr), done.returncode)


def run_raw(
    argv: Sequence[str],
    *,
    timeout_s: float,
    ok: Collection[int] | None = (0,),
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """As `run`, with the output as bytes."""
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            cwd=cwd,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env=environment() if env is None else env,
        )
    except OSError as error:
        raise Failure(f"{argv[0]} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise Failure(f"no answer within {timeout_s:.0f} s from: {shlex.join(argv)}") from error
    if ok is not None and done.returncode not in ok:
        raise _failed(argv, done.returncode, _text(done.stderr) or _text(done.stdout))
    return done


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put off each wish to end until the block is left: what is started in it is written down in it.

    They are not blocked, as a blocked signal stays so in the program that is started. Elsewhere than in the
    main thread there is nothing to put off: Python hears them in that one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _WISHES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def follow(
    argv: Sequence[str],
    *,
    timeout_s: float,
    log: Path,
    on_line: Callable[[str], None],
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a program, write all that it says to a log, and hand on each line as it comes.

    Args:
        argv: program and arguments.
        timeout_s: after this many seconds it is killed.
        log: is written anew.
        on_line: told each line.
        env: its whole environment, which may hold passwords, as everybody could read them among the
            arguments; by default `environment`.

    Raises:
        Failure: it took too long or failed; the message names the log.
    """
    last = ""
    with log.open("w") as kept, _started(argv, environment() if env is None else env) as process:
        timer = threading.Timer(timeout_s, process.kill)
        timer.daemon = True  # an interrupt may come before it is cancelled
        try:
            timer.start()
            for line in process.stdout or ():
                kept.write(line)
                last = line.strip() or last
                on_line(line.rstrip())
            code = process.wait()
        finally:
            timer.cancel()
    if code != 0:
        raise Failure(f"{argv[0]} failed with code {code}: {last[:300]}", f"its whole output is in {log}")


@contextmanager
def _started(argv: Sequence[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A program whose output is read; whatever ends the block ends it, also an interrupt as it starts."""
    with ExitStack() as ends:
        with undisturbed():
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=env,
            )
            ends.enter_context(process)
            ends.callback(process.kill)  # of one that was waited for it does nothing
        yield process


def _failed(argv: Sequence[str], code: int, said: str) -> Failure:
    lines = said.strip().splitlines()
    last = f": {lines[-1][:300]}" if lines else ""
    return Failure(f"{argv[0]} failed with code {code}{last}", f"the command was: {shlex.join(argv)}")


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
