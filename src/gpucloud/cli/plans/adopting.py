"""What was set up by hand on a host that is not this one: planned with a spec that lies and stays here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gpucloud.cli.given import refuse_pipe
from gpucloud.cli.output import say
from gpucloud.cli.plans.making import ADOPTING, Asked, name_elsewhere
from gpucloud.cli.writing import replace_whole
from gpucloud.model.failure import Exit, Failure, code_of

if TYPE_CHECKING:
    from gpucloud.model.change import FileState
    from gpucloud.model.plan import Plan


def adopt_elsewhere(capture: Path | None, remote: str | None, asked: Asked) -> Plan:
    """The plan for a captured host, or for one over ssh.

    Raises:
        Failure: the host or the spec cannot be read, or the spec contradicts itself there.
    """
    from gpucloud.inventory.host import read_host
    from gpucloud.inventory.open import open_reader
    from gpucloud.prepare.adopt import SpecFile, plan_adoption, read_files_by_hand

    refuse_pipe(asked.spec or asked.spec_path, ADOPTING)
    reader = open_reader(capture=capture, remote=remote)
    file = SpecFile(str(asked.spec_path), _state(asked.spec_path))
    name = name_elsewhere(remote, asked)
    found = read_files_by_hand(reader)
    is_captured = capture is not None
    return plan_adoption(read_host(reader), found, file, name, force=asked.is_forced, is_captured=is_captured)


def _state(path: Path) -> FileState | None:
    from gpucloud.model.change import Content, FileState
    from gpucloud.spec.file import read_spec_text

    return FileState(Content(read_spec_text(path))) if path.exists() else None


def check_writing(asked: Asked, *, is_elsewhere: bool) -> None:
    """Only the spec of a host that is not this one is written while it is planned.

    Raises:
        Failure: nothing is adopted, or it is this host.
    """
    if not (asked.is_adopting and is_elsewhere):
        raise Failure(
            "--write-spec is for --adopt with --from or --host",
            "on the host itself the spec is written with all else: gpucloud apply --adopt",
            code=Exit.USAGE,
        )


def settle_spec(made: Plan, asked: Asked, *, is_written: bool) -> None:
    """Write the spec that the plan comes to where it lies here, or say that it is not written.

    Raises:
        Failure: it cannot be written.
    """
    path = asked.spec_path
    text = _new_text(made, path)
    if text is None:
        say(f"{path} needs no change")
    elif not is_written:
        say(f"nothing is written, here neither: with --write-spec the spec goes to {path}")
    else:
        _write(path, text)
        say(f"{path} is written; take it to the host, and there: gpucloud apply --adopt --spec {path.name}")


def _new_text(made: Plan, path: Path) -> str | None:
    """None: the spec stays as it is."""
    from gpucloud.model.change import WriteFile

    for step in made.steps:
        if isinstance(step.change, WriteFile) and step.change.path == str(path):
            return step.change.after.text
    return None


def _write(path: Path, text: str) -> None:
    try:
        replace_whole(path, text.encode())
    except OSError as error:
        raise Failure(
            f"cannot write {path}: {error.strerror}", "choose another place with --spec", code=code_of(error)
        ) from error
