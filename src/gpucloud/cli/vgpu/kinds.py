"""``gpucloud vgpu types``: what each card can be cut into, and how many more fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gpucloud.cli.hosts import FromOption, HostOption, UnitOption
from gpucloud.cli.output import Format, one_line, print_json, print_text, table
from gpucloud.cli.typed.shape import TableOption
from gpucloud.cli.vgpu.given import Looked, SmiOption, look
from gpucloud.model.finding import Finding
from gpucloud.model.pci import ParentName
from gpucloud.model.unknown import Unknown
from gpucloud.slices.mig.card import MigCard

if TYPE_CHECKING:
    from gpucloud.slices import Offer, Profile

_PARENTS = "/sys/class/mdev_bus"
_COLUMNS = ("UNIT", "THROUGH", "TYPE", "NAME", "MEMORY", "LICENCE", "FITS", "RULES")


def show_types(
    capture: FromOption = None,
    remote: HostOption = None,
    unit: UnitOption = None,
    smi: SmiOption = None,
    format_: TableOption = Format.TABLE,
) -> None:
    """Show what each card can be cut into: vGPU types, virtual functions, MIG instances; how many more fit.

    Through what a card is cut is told by what the host shows in sysfs: mediated devices of the card (mdev) or
    of its virtual functions (mdev-of-vfs), NVIDIA's own VFIO interface (vendor-vfio), GVT-g, or the virtual
    functions themselves (vfs). Parents of mediated devices that are no PCI devices, such as the kernel's
    samples, stand behind the cards by their names (mdev-of-parent). Where it shows nothing of these, the
    reason is said. "at most": each virtual function tells of itself alone. Of MIG a host's files tell
    little: --smi takes what nvidia-smi says.

    Examples:
      gpucloud vgpu types
      gpucloud vgpu types --host root@gpu01 --unit 3b:00.0
      gpucloud vgpu types --from gpu01.tar.gz --smi smi.xml --smi lgip.txt --format json
      nvidia-smi mig -lgip | gpucloud vgpu types --smi -
    """
    looked = look(capture, remote, unit, smi)
    if format_ is Format.JSON:
        print_json({"host": looked.host.source, "cards": looked.offers})
        return
    rows = [row for offer in looked.offers for row in _rows(offer)]
    if rows:
        table(_COLUMNS, rows)
    notes = list(_notes(looked))
    if notes:
        print_text(("\n" if rows else "") + "\n".join(notes))


def _rows(offer: Offer) -> Iterator[tuple[str, ...]]:
    for profile in offer.profiles:
        if profile.is_mig and not _is_mig_told(offer):
            continue
        yield (
            offer.unit.short,
            _through(offer, profile),
            one_line(profile.id),
            one_line(profile.name),
            _memory(profile.memory_mib),
            profile.edition or "-",
            _fits(profile),
            "; ".join(profile.rules),
        )


def _through(offer: Offer, profile: Profile) -> str:
    if profile.is_mig:
        return "mig"
    return "?" if offer.interface is None or isinstance(offer.interface, Unknown) else offer.interface.value


def _memory(mib: int | None | Unknown) -> str:
    if isinstance(mib, int):
        return f"{mib / 1024:g} GiB" if mib % 512 == 0 else f"{mib} MiB"
    return "?" if isinstance(mib, Unknown) else "-"


def _fits(profile: Profile) -> str:
    if isinstance(profile.fits, Unknown):
        return "?"
    return f"at most {profile.fits}" if profile.is_at_most else str(profile.fits)


def _notes(looked: Looked) -> Iterator[str]:
    """What is to be said of cards, of those that are alike once."""
    if not looked.offers:
        yield one_line(f"No GPU on {looked.host.source} that could be cut: gpucloud scan says what was seen.")
    cards: dict[str, list[str]] = {}
    for offer in looked.offers:
        if isinstance(offer.unit, ParentName):
            yield one_line(f"{offer.unit}: no PCI device: {_PARENTS}/{offer.unit}")
        for text in _said(offer):
            cards.setdefault(text, []).append(offer.unit.short)
    yield from parents_unread(looked)
    for text, names in cards.items():
        yield one_line(f"{', '.join(names)}: {text}")


def parents_unread(looked: Looked) -> Iterator[str]:
    """That it is not known what else than cards could be cut."""
    if isinstance(looked.host.mdev_parents, Unknown):
        why = looked.host.mdev_parents.why
        yield one_line(f"parents that are no PCI devices cannot be told: {why}")


def _said(offer: Offer) -> Iterator[str]:
    own = f"{offer.unit.short}: "
    why = offer.interface if isinstance(offer.interface, Unknown) else offer.why_none
    if isinstance(why, Finding):
        yield f"{why.title.removeprefix(own)} [{why.cause}]"
    elif isinstance(why, Unknown):
        yield f"what it offers cannot be told: {why.why}"
    if isinstance(offer.mig, Unknown):
        yield f"MIG: {offer.mig.why}"
    elif offer.mig is not None:
        yield f"MIG {_mode(offer, offer.mig.is_on)}"


def _is_mig_told(offer: Offer) -> bool:
    """Claims that the card is known to be in MIG mode or not: only then do rows say what fits."""
    return isinstance(offer.mig, MigCard) and not isinstance(offer.mig.is_on, Unknown)


def _mode(offer: Offer, is_on: bool | Unknown) -> str:
    if isinstance(is_on, Unknown):
        known = ", ".join(profile.name for profile in offer.profiles if profile.is_mig)
        return f"may be on or off: {is_on.why}" + (f"; cards of its model take {known}" if known else "")
    return "is on" if is_on else "is off: nothing fits before it is on"
