"""``gpucloud collection``: the module for playbooks of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gpucloud.cli.output import print_text
from gpucloud.model.failure import Failure, code_of


def collection(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="A folder of Ansible's collections_path, as ~/.ansible/collections."
        ),
    ],
) -> None:
    """Write the Ansible collection gpucloud.host: a module with check and diff mode, and two playbooks.

    gpucloud itself is in it, so that hosts need only Python. One that is there already is replaced.

    Examples:
      gpucloud collection ~/.ansible/collections
      gpucloud collection collections
    """
    from gpucloud.fleet.collection import write_collection

    try:
        place = write_collection(folder)
    except OSError as error:
        what = f"{error.filename or folder} cannot be written: {error.strerror}"
        raise Failure(what, "name another folder", code=code_of(error)) from error
    print_text(f"{place} is written; see: ansible-doc gpucloud.host.gpucloud")
