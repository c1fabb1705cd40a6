"""The options that say whose cards are meant and what is known of them, and the offers that they come to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.given import STANDARD_INPUT, waiting
from gpucloud.model.failure import Exit, Failure, code_of
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from gpucloud.inventory.reader import Reader
    from gpucloud.model.host import Host
    from gpucloud.slices import Offer

SmiOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--smi",
        metavar="FILE",
        help="What nvidia-smi printed there: `-q -x`, `mig -lgip`, `mig -lgipp`, `mig -lgi`, `mig -lci`, "
        "in one file or several; - is standard input; may be repeated.",
    ),
]
_SMI = "give a file with what nvidia-smi printed"
_LIMIT = 4 * 1024 * 1024
"""Bytes of one text: a log of sixteen cards with all their instances has a tenth of it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A host with the offers of the cards that are asked for."""

    host: Host
    offers: tuple[Offer, ...]
    reader: Reader


def look(
    capture: Path | None, remote: str | None, units: Sequence[str] | None, smi: Sequence[Path] | None
) -> Looked:
    """Read a host and what its cards offer.

    Raises:
        Failure: the host or an output cannot be read, or a unit is no GPU of it.
    """
    from gpucloud.inventory import open_reader, read_host
    from gpucloud.model.units.named import units_named
    from gpucloud.slices import offers_of
    from gpucloud.slices.interface import nvidias_of
    from gpucloud.slices.mig.evidence import parse_evidence
    from gpucloud.slices.mig.read import read_instances

    texts = [text_given(path, _SMI) for path in smi or ()]
    reader = open_reader(capture=capture, remote=remote)
    host = read_host(reader)
    if isinstance(host.functions, Unknown):
        raise Failure(
            f"no card can be looked for on {host.source}: {host.functions.why}",
            "give the directory that holds sys/bus/pci as on the host, or make one with: gpucloud capture",
        )
    named = {unit.address for unit in units_named(host, units or ())}
    try:
        evidence = parse_evidence(texts, nvidias_of(host), read_instances(reader))
    except ValueError as error:
        raise Failure(str(error), "give what nvidia-smi printed on that host, whole") from None
    offers = offers_of(host, evidence)
    wanted = tuple(each for each in offers if not named or each.unit in named)
    return Looked(host, wanted, reader)


def text_given(path: Path, then: str) -> str:
    """A text that the user names; ``-`` is standard input.

    Raises:
        Failure: it cannot be read, or is longer than any that is meant.
    """
    name = "standard input" if path == STANDARD_INPUT else str(path)
    try:
        with waiting(path):
            data = _read(path)
    except OSError as error:
        what = f"cannot read {name}: {error.strerror or error}"
        raise Failure(what, then, code=code_of(error)) from error
    if len(data) > _LIMIT:
        raise Failure(f"{name} is longer than {_LIMIT} bytes", then, code=Exit.USAGE)
    return data.decode(errors="replace")


def _read(path: Path) -> bytes:
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read(_LIMIT + 1)
    with path.open("rb") as file:
        return file.read(_LIMIT + 1)
