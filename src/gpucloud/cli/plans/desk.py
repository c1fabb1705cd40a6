"""The desk that a command works at, and the journal it keeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gpucloud.prepare.desk import Desk

StateOption = Annotated[
    Path, typer.Option("--state", envvar="GPUCLOUD_STATE", metavar="FOLDER", help="Where the journal lies.")
]
STATE = Path("/var/lib/gpucloud")


def desk_of(context: typer.Context, state: Path) -> Desk:
    """The desk that tests put in place, or this host's."""
    from gpucloud.prepare.desk import Desk, open_desk

    return context.obj if isinstance(context.obj, Desk) else open_desk(state)
