"""``gpucloud vgpu list``: the slices that are there, who uses them, and which guests are to get them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from gpucloud.cli.hosts import FromOption, HostOption, UnitOption
from gpucloud.cli.output import Format, one_line, print_json, print_text, table
from gpucloud.cli.typed.shape import TableOption
from gpucloud.cli.vgpu.defined import Definitions, read_definitions
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

    USED BY has guests by name, else processes; - is nobody, ? that it cannot be told. A guest that libvirt
    has defined with a slice, and that does not have it now, stands there with its state: "guest desk (off)",
    or "(runs without it)", which gets it at its next start. JSON has all that are so defined as defined_with.
    Definitions are read on this host, by root: they are in no capture, and are not read over ssh. What a MIG
    instance is stands in the output of nvidia-smi, not in a host's files: --smi takes it.

    Examples:
      gpucloud vgpu list
      gpucloud vgpu list --from gpu01.tar.gz --format json
      nvidia-smi mig -lgi | gpucloud vgpu list --smi -
    """
    looked = look(capture, remote, unit, smi)
    guests = read_definitions(looked.reader)
    if format_ is Format.JSON:
        cards = [_card(each, guests) for each in looked.offers]
        print_json({"host": looked.host.source, "cards": cards, "definitions_unread": guests.unread})
        return
    rows = [row for offer in looked.offers for row in _rows(offer, guests)]
    if rows:
        table(_COLUMNS, rows)
    else:
        print_text(one_line(f"No slice of a card on {looked.host.source}."))
    for line in (*_unread(looked.offers), *parents_unread(looked), *_unsure(looked.offers, guests)):
        print_text(line)


def _card(offer: Offer, guests: Definitions) -> dict[str, object]:
    slices: object = offer.slices
    if not isinstance(offer.slices, Unknown):
        slices = [{**_fields(each), "defined_with": tuple(guests.of(each))} for each in offer.slices]
    return {"unit": offer.unit, "name": offer.name, "slices": slices}


def _fields(each: Slice) -> dict[str, object]:
    return {field.name: getattr(each, field.name) for field in fields(each)}


def _rows(offer: Offer, guests: Definitions) -> Iterator[tuple[str, ...]]:
    for each in () if isinstance(offer.slices, Unknown) else offer.slices:
        yield (
            offer.unit.short,
            one_line(each.name),
            each.place.short,
            _said(each.profile),
            _said(each.profile_name),
            one_line(", ".join(_users(each, guests))) or "-",
        )


def _said(value: str | None | Unknown) -> str:
    if isinstance(value, Unknown):
        return "?"
    return one_line(value) if value else "-"


def _users(each: Slice, guests: Definitions) -> Iterator[str]:
    yield from ("?",) if isinstance(each.used_by, Unknown) else each.used_by
    yield from (guest.words for guest in guests.of(each) if guest.has_it is not True)


def _unread(offers: tuple[Offer, ...]) -> Iterator[str]:
    for offer in offers:
        if isinstance(offer.slices, Unknown):
            yield one_line(f"{offer.unit.short}: its slices cannot be told: {offer.slices.why}")


def _unsure(offers: tuple[Offer, ...], guests: Definitions) -> Iterator[str]:
    """Libvirt gives guests no MIG instance itself: only of other slices it matters what is defined."""
    slices = [each for offer in offers if not isinstance(offer.slices, Unknown) for each in offer.slices]
    if guests.unread and not all(each.is_gpu_instance for each in slices):
        more = f" (and {len(guests.unread) - 1} more)" if guests.unread[1:] else ""
        yield one_line(f"Guests that are off and have slices are not all known: {guests.unread[0]}{more}")
