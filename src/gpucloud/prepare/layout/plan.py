"""A layout as a plan: the steps that cut this host's cards as its lines say, for the journal to carry out.

What the planner of slices finds is what is done; where it refuses anything, nothing is. A slice made or
deleted alone is a layout, too: what the card is cut into, and one more or less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gpucloud.model.change import MakeGpuInstance, RemoveGpuInstance, SetMigMode, SetMixedSizes
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, Place
from gpucloud.model.plan import Fact, Layout, Plan, Step
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.own.paths import UNIT
from gpucloud.prepare.layout.asked import ask_evidence
from gpucloud.prepare.layout.defined import notes_on_defined
from gpucloud.prepare.layout.guests import notes_on_guests
from gpucloud.prepare.layout.mig_manager import note_on_mig
from gpucloud.prepare.plan.facts import say_fact
from gpucloud.prepare.system import System
from gpucloud.slices import Offer, Slice, offers_of
from gpucloud.slices.layout import CardPlan, Wish, is_instance, parse_layout, parse_place, plan_layout
from gpucloud.slices.offer import VF

_NOTHING_DONE = "nothing was changed: gpucloud vgpu plan shows all of it"
_NO_UNIT = (
    "after a restart gpucloud boot cuts them so again, and no unit of this host runs it: have one run it, or "
    "apply a spec, which brings gpucloud-boot.service"
)
_SEE = "see gpucloud vgpu list"


def plan_cut(host: Host, system: System, layout: Layout, type_names: Mapping[str, str]) -> Plan:
    """Plan the cards that the lines are for; ``type_names`` as of ``type_names_in``.

    Raises:
        Failure: a line is none, or is for no card here, or a card cannot be cut as its line says.
    """
    offers = look(host, system, layout.smi, type_names)
    cards, unused = plan_layout(_wishes(layout), {layout.host_name: offers})
    lost = next((wish for wish in unused if wish.host is None), None)
    if lost is not None:
        what = f"{lost.text!r} is for no card that was seen"
        raise Failure(what, "see gpucloud vgpu types", code=Exit.USAGE)
    steps = tuple(step for card in cards for step in _steps(card, layout.smi))
    named = {each.name for offer in offers if isinstance(offer.slices, tuple) for each in offer.slices}
    if steps and layout.uuid in named:
        what = f"a mediated device {layout.uuid} is there already"
        raise Failure(what, _SEE, code=Exit.USAGE)
    places = tuple(card.unit for card in cards)
    units = tuple(each for each in places if isinstance(each, PciAddress))
    facts = tuple(fact for offer in offers if offer.unit in places for fact in _facts(offer))
    notes = [f"{card.unit.short}: {note}" for card in cards for note in card.notes]
    changes = [step.change for step in steps]
    notes += [*notes_on_defined(changes, system), *note_on_mig(changes, system)]
    notes += notes_on_guests(changes, system)
    if steps and system.read_text(UNIT) is None:
        notes.append(_NO_UNIT)
    return Plan(host.source, units, False, facts, steps, notes=tuple(notes), layout=layout)


def look(host: Host, system: System, smi: str, type_names: Mapping[str, str]) -> tuple[Offer, ...]:
    """What the cards of this host offer, and what they are cut into."""
    return offers_of(host, ask_evidence(host, system, smi, type_names))


def place_named(text: str) -> Place:
    """The card, or other parent, that a user names.

    Raises:
        Failure: it is no name of one.
    """
    try:
        return parse_place(text)
    except ValueError as error:
        raise Failure(str(error), "see gpucloud vgpu types", code=Exit.USAGE) from None


def with_one(offers: Sequence[Offer], unit: Place, type_: str) -> str:
    """The line that adds a slice of a type to what a card is cut into.

    Raises:
        Failure: there is no such card, or what it is cut into cannot be told.
    """
    offer = next((each for each in offers if each.unit == unit), None)
    if offer is None:
        raise Failure(
            f"{unit.short} is no GPU of this host, nor another parent of mediated devices",
            "see gpucloud vgpu types",
            code=Exit.USAGE,
        )
    items = _instances(offer) if is_instance(type_) else _items(offer)
    items[type_] += 1
    return _line(offer, items)


def without(offers: Sequence[Offer], name: str) -> tuple[str, str]:
    """The line that takes a slice from what its card is cut into, and the slice's own name.

    Args:
        offers: all of the host.
        name: UUID of a mediated device, address of the virtual function that has the vGPU's type, or
            ``ADDRESS/GI`` of a MIG instance: ``3b:00.0/2``.

    Raises:
        Failure: there is no such slice, or there are several, or what its card is cut into cannot be told.
    """
    found = [
        (offer, each)
        for offer in offers
        for each in (offer.slices if isinstance(offer.slices, tuple) else ())
        if name.lower() in _called(offer, each)
    ]
    if not found:
        raise Failure(f"{name} is no slice of a card of this host", _SEE, code=Exit.USAGE)
    if len(found) > 1:
        names = ", ".join(each.name for _, each in found)
        raise Failure(f"{name} has {len(found)} slices: {names}", "name one of them", code=Exit.USAGE)
    offer, each = found[0]
    if each.is_gpu_instance:
        items = _instances(offer)
        items[str(each.profile_name)] -= 1
        return _line(offer, items), each.name
    items = _items(offer)
    if _type(each) == VF:
        what = f"{each.name} is a virtual function, and those of a card go together"
        raise Failure(what, f"say how many stay: gpucloud vgpu apply '{offer.unit.short}: N x vf'")
    items[_type(each)] -= 1
    return _line(offer, items), each.name


def _called(offer: Offer, each: Slice) -> tuple[str, ...]:
    """What a user may call a slice, in small letters."""
    if each.is_gpu_instance:
        return _numbered(offer, each)
    return (each.name.lower(), each.place.short, str(each.place))


def _numbered(offer: Offer, instance: Slice) -> tuple[str, str]:
    id_ = instance.name.rpartition(" ")[2]
    return f"{offer.unit.short}/{id_}", f"{offer.unit}/{id_}"


def _instances(offer: Offer) -> Counter[str]:
    """MIG instances of a card by the names of their profiles."""
    slices = () if isinstance(offer.slices, Unknown) else offer.slices
    names = [each.profile_name for each in slices if each.is_gpu_instance]
    lost = next((each for each in names if isinstance(each, Unknown)), None)
    if isinstance(offer.slices, Unknown) or lost is not None:
        why = offer.slices.why if isinstance(offer.slices, Unknown) else lost.why if lost else ""
        raise Failure(f"which MIG instances {offer.unit.short} has cannot be told: {why}", _SEE)
    return Counter(str(each) for each in names)


def _items(offer: Offer) -> Counter[str]:
    if isinstance(offer.slices, Unknown):
        raise Failure(f"what {offer.unit.short} is cut into cannot be told: {offer.slices.why}", _SEE)
    return Counter(_type(each) for each in offer.slices if not each.is_gpu_instance)


def _type(each: Slice) -> str:
    if isinstance(each.profile, str):
        return each.profile
    why = each.profile.why if isinstance(each.profile, Unknown) else "it shows no type"
    raise Failure(f"what {each.name} is cannot be told: {why}", _SEE)


def _line(offer: Offer, items: Counter[str]) -> str:
    said = ", ".join(f"{count} x {type_}" for type_, count in sorted(items.items()) if count)
    return f"{offer.unit}: {said or 'none'}"


def _wishes(layout: Layout) -> tuple[Wish, ...]:
    try:
        found = parse_layout(layout.lines)
    except ValueError as error:
        raise Failure(str(error), "see gpucloud vgpu plan --help", code=Exit.USAGE) from None
    return tuple(replace(wish, uuid=layout.uuid, gone=layout.gone) for wish in found)


def _steps(card: CardPlan, smi: str) -> Iterator[Step]:
    if card.refusals:
        what = f"{card.unit.short} cannot be cut as wanted: {card.refusals[0]}"
        raise Failure(what, _NOTHING_DONE)
    for each in card.steps:
        change = each.change
        if isinstance(change, RemoveGpuInstance) and change.compute is None:
            what = f"what is in GPU instance {change.id} of {card.unit.short} is not told, so it stays"
            raise Failure(what, f"look: {smi} mig -lci")
        if isinstance(change, SetMigMode | SetMixedSizes | MakeGpuInstance | RemoveGpuInstance):
            change = replace(change, tool=smi)
        unit = card.unit if isinstance(card.unit, PciAddress) else None
        yield Step(change, f"the layout says {card.wish.text!r}", unit)


def _facts(offer: Offer) -> Iterator[Fact]:
    """What the steps rest on: how the card is cut, and who has what open."""
    yield say_fact(f"driver of {offer.unit}", offer.driver)
    if isinstance(offer.slices, Unknown):
        yield say_fact(f"slices of {offer.unit}", offer.slices)
        return
    for each in offer.slices:
        users = each.used_by if isinstance(each.used_by, Unknown) else ", ".join(each.used_by) or None
        kind = "a type unknown" if isinstance(each.profile, Unknown) else each.profile
        yield say_fact(f"{each.name} of {offer.unit}", kind)
        yield say_fact(f"who has {each.name}", users)
