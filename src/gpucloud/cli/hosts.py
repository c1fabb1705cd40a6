"""The options of every command that takes a host, and the host they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gpucloud.model.host import Host

FromOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="CAPTURE",
        help="Look at a captured host: a directory or archive (`gpucloud capture`).",
    ),
]
HostOption = Annotated[
    str | None, typer.Option("--host", metavar="USER@HOST", help="Look at another host, over ssh.")
]


def host_from(capture: Path | None, remote: str | None) -> Host:
    """Read the host that the options name; this one where they name none.

    Raises:
        Failure: it cannot be reached or read, or both options were given.
    """
    from gpucloud.inventory import open_host

    return open_host(capture=capture, remote=remote)
