"""An error that a user can act on: what is, and what to do. The only errors that end a command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the exit code of every command means."""

    FINE = 0
    ERROR = 1
    """What was asked for was understood, and it failed or is refused. So it is where nothing was named and
    there is nothing to do it to (``undo`` with an empty journal), and where a file is there that a program
    wrote (a plan, a capture, a journal) and does not hold what it must."""
    USAGE = 2
    """What was typed cannot be meant: it is malformed, it names what is not there or is of another kind (a
    folder or a pipe for a file), or it would make what is there already. The same holds for what a person
    wrote into a file for gpucloud (``gpucloud.yaml``, a topology)."""
    FINDINGS = 3
    """Findings at or above the level that was asked for; a host that is not as planned (``verify``)."""
    PENDING = 4
    """Changes are pending (``plan --check``)."""
    UNDONE = 5
    """The change failed and was taken back: the host is as before."""
    UNDO_FAILED = 6
    """The change failed and could not be taken back whole: the message says what is left."""
    INTERRUPTED = 130
    READER_LEFT = 141
    """Who read the output left before the code was known; a program that SIGPIPE ends has it in a shell."""


class Failure(Exception):  # noqa: N818 - a failure is what the user reads
    """Something cannot be done, in one line, with the next step.

    Args:
        what: what is, and what follows from it; no full stop at the end.
        then: what the user can do; a command where there is one.
        code: the exit code of the command.
    """

    def __init__(self, what: str, then: str = "", *, code: Exit = Exit.ERROR) -> None:
        self.what = what
        self.then = then
        self.code = code
        super().__init__(f"{what}; {then}" if then else what)


def code_of(error: OSError) -> Exit:
    """The exit code where a path that the user named cannot be used: 2 where the path itself is wrong."""
    is_wrong = isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError | FileExistsError)
    return Exit.USAGE if is_wrong else Exit.ERROR
