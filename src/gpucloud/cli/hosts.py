"""The options of every command that takes a host or GPUs of it, and the host they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.typed.complete import units
from gpucloud.model.pci import PciAddress

if TYPE_CHECKING:
    from gpucloud.model.host import Host


def _address(text: str) -> str:
    """Refuse what is no PCI address, before anything is read."""
    try:
        PciAddress.parse_typed(text)
    except ValueError:
        raise typer.BadParameter(f"needs a PCI address such as 3b:00.0, not {text!r}") from None
    return text


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
UnitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--unit",
        metavar="ADDRESS",
        parser=_address,
        autocompletion=units,
        help="A GPU by its PCI address, as `gpucloud scan` and lspci have it; may be repeated.",
    ),
]


def host_from(capture: Path | None, remote: str | None) -> Host:
    """Read the host that the options name; this one where they name none.

    Raises:
        Failure: it cannot be reached or read, or both options were given.
    """
    from gpucloud.inventory import open_host

    return open_host(capture=capture, remote=remote)
