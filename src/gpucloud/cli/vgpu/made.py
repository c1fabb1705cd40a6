"""``gpucloud vgpu list``: the slices that are there, and who uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gpucloud.cli.hosts import FromOption, HostOption, UnitOption
from gpucloud.cli.output import Format, one_line, print_json, print_text, table
from gpucloud.cli.typed.shape import TableOption
from gpucloud.cli.vgpu.given import SmiOption, look
from gpucloud.cli.vgpu.kinds import parents_unread
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from gpucloud.slices import Offer, Slice

_COLUMNS = ("UNIT", "SLICE", "OF", "TYPE", "NAME", "USED BY")


def list_slices(
    capture: FromOption = None,
    remote: HostOption = None,
    unit: UnitOption = None,
    smi: SmiOption = None,
    format_: TableOption = Format.TABLE,
) -> None:
    """List the slices that are cut of each card: mediated devices, virtual functions, MIG instances.

    USED BY has guests by name, else processes; - is nobody, ? that it cannot be told. What a MIG instance is
    stands in the output of nvidia-smi, not in a host's files: --smi takes it.

    Examples:
      gpucloud vgpu list
      gpucloud vgpu list --from gpu01.tar.gz --format json
      nvidia-smi mig -lgi | gpucloud vgpu list --smi -
    """
    looked = look(capture, remote, unit, smi)
    if format_ is Format.JSON:
        cards = [{"unit": each.unit, "name": each.name, "slices": each.slices} for each in looked.offers]
        print_json({"host": looked.host.source, "cards": cards})
        return
    rows = [row for offer in looked.offers for row in _rows(offer)]
    if rows:
        table(_COLUMNS, rows)
    else:
        print_text(one_line(f"No slice of a card on {looked.host.source}."))
    for line in (*_unread(looked.offers), *parents_unread(looked)):
        print_text(line)


def _rows(offer: Offer) -> Iterator[tuple[str, ...]]:
    for each in () if isinstance(offer.slices, Unknown) else offer.slices:
        yield (
            offer.unit.short,
            one_line(each.name),
            each.place.short,
            _said(each.profile),
            _said(each.profile_name),
            _users(each),
        )


def _said(value: str | None | Unknown) -> str:
    if isinstance(value, Unknown):
        return "?"
    return one_line(value) if value else "-"


def _users(each: Slice) -> str:
    return "?" if isinstance(each.used_by, Unknown) else one_line(", ".join(each.used_by)) or "-"


def _unread(offers: tuple[Offer, ...]) -> Iterator[str]:
    for offer in offers:
        if isinstance(offer.slices, Unknown):
            yield one_line(f"{offer.unit.short}: its slices cannot be told: {offer.slices.why}")
