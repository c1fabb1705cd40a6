"""What was set up by hand on a host that is not this one: planned with a spec that lies here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gpucloud.cli.plans.making import Asked, name_elsewhere

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
