"""Cards found for the lines of a layout, and a plan for each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from gpucloud.model.change import SetVfs
from gpucloud.model.finding import Finding
from gpucloud.model.unknown import Unknown
from gpucloud.slices.absence import VFS_OFF
from gpucloud.slices.layout.draft import Draft
from gpucloud.slices.layout.instances import plan_instances
from gpucloud.slices.layout.shared import plan_shared
from gpucloud.slices.layout.step import CardPlan
from gpucloud.slices.layout.whole import plan_whole
from gpucloud.slices.layout.wish import Item, Wish
from gpucloud.slices.mig.card import MigCard
from gpucloud.slices.offer import VF
from gpucloud.slices.profile import Interface, Offer, is_gpu_instance_name

_INSTANCE = re.compile(r"(?:MIG )?[1-9]g\.[0-9]{1,4}gb(?:[+-][a-z.]{1,12})?", re.ASCII)
_NVIDIAS = "nvidia"
_MAKE_THEIR_OWN = ("gim", "i915", "xe")
"""Drivers whose virtual functions are the slices."""


def plan_layout(
    wishes: Sequence[Wish], hosts: Mapping[str | None, Sequence[Offer]]
) -> tuple[tuple[CardPlan, ...], tuple[Wish, ...]]:
    """Plan every card that a line is for.

    Args:
        wishes: the lines.
        hosts: name to offers; None is a host whose name is not known, for which no line with a host is.

    Returns:
        The plans, by host and card; and the lines that are for no card.
    """
    used: set[int] = set()
    plans = tuple(_plans(wishes, hosts, used))
    return plans, tuple(wish for number, wish in enumerate(wishes) if number not in used)


def is_instance(type_: str) -> bool:
    """Claims the name of a MIG profile: ``3g.20gb``."""
    return _INSTANCE.fullmatch(type_) is not None


def _plans(
    wishes: Sequence[Wish], hosts: Mapping[str | None, Sequence[Offer]], used: set[int]
) -> Iterator[CardPlan]:
    for host, offers in hosts.items():
        for offer in offers:
            found = [at for at, wish in enumerate(wishes) if wish.is_for(host, offer.unit, offer.name)]
            used.update(found)
            if found:
                yield _plan(wishes, found, Draft(offer, wishes[found[0]], host))


def _plan(wishes: Sequence[Wish], found: Sequence[int], draft: Draft) -> CardPlan:
    """One card: a line with its address goes before those for every card; two of one kind contradict."""
    by_address = [at for at in found if wishes[at].address is not None]
    choice = by_address or found
    draft.wish = wishes[choice[0]]
    if len(choice) > 1:
        draft.refuse(f"two lines are for it ({draft.wish.text!r}, {wishes[choice[1]].text!r}): leave one out")
        return draft.plan()
    _choose(draft)
    return draft.plan()


def _choose(draft: Draft) -> None:
    offer, items = draft.offer, draft.wish.items
    instances = [item for item in items if is_instance(item.type)]
    if draft.wish.is_whole:
        plan_whole(draft)
    elif instances and len(instances) < len(items):
        draft.refuse(
            "MIG instances and vGPUs are in one line: make the instances first, with a line of their own"
        )
    elif instances or _is_of_instances(draft):
        plan_instances(draft)
    elif isinstance(offer.interface, Unknown):
        draft.refuse(f"what it offers cannot be told: {offer.interface.why}")
    elif offer.interface is None:
        _plan_from_none(draft, items)
    elif offer.interface is Interface.VFS:
        _plan_vfs(draft)
    else:
        plan_shared(draft, offer.interface)


def _is_of_instances(draft: Draft) -> bool:
    """Claims that a line for nothing is of MIG instances: the last goes, or it has nothing else."""
    offer, gone = draft.offer, draft.wish.gone
    if draft.wish.items or not isinstance(offer.mig, MigCard):
        return False
    slices = offer.slices if isinstance(offer.slices, tuple) else ()
    is_all = gone is None and bool(slices) and all(each.is_gpu_instance for each in slices)
    return is_gpu_instance_name(gone or "") or offer.interface is None or is_all


def _plan_from_none(draft: Draft, items: Sequence[Item]) -> None:
    """Virtual functions come first, and what they offer is known when they are there."""
    if not items:
        return
    why = draft.offer.why_none
    driver, most = draft.offer.driver, draft.offer.most_vfs
    is_off = isinstance(why, Finding) and why.cause == VFS_OFF
    if is_off and driver == _NVIDIAS and isinstance(most, int):
        draft.switch_vfs(most)
        draft.notes.append("what it offers is known when its virtual functions are on: plan again then")
    elif is_off and driver in _MAKE_THEIR_OWN:
        _plan_vfs(draft)
    elif isinstance(why, Finding):
        lines = "; ".join((why.fix.text, *why.fix.commands))
        draft.refuse(f"{why.title.partition(': ')[2]}: {lines}")
    else:
        draft.refuse(f"what it offers cannot be told: {'nothing says why' if why is None else why.why}")


def _plan_vfs(draft: Draft) -> None:
    """As many virtual functions as are wanted: from one number to another it goes through none."""
    offer = draft.offer
    wanted = sum(item.count for item in draft.wish.items)
    strange = next((item.type for item in draft.wish.items if item.type.lower() not in (VF, "vfs")), None)
    if strange is not None:
        draft.refuse(f"it is cut into virtual functions, and {strange} is none: write {wanted} x vf")
    elif isinstance(offer.vfs, Unknown) or isinstance(offer.most_vfs, Unknown):
        draft.refuse("how many virtual functions it has, or could have, is not known")
    elif wanted > offer.most_vfs:
        draft.refuse(f"it can have {offer.most_vfs} virtual functions, not {wanted}")
    elif wanted == len(offer.vfs):
        draft.kept += [str(address) for address in offer.vfs]
    elif offer.driver == "gim":
        draft.refuse(
            f"gim makes virtual functions when it is loaded: options gim vf_num={wanted} in /etc/modprobe.d"
        )
    elif isinstance(offer.slices, Unknown):
        draft.refuse(f"who uses its virtual functions cannot be told: {offer.slices.why}")
    else:
        draft.refuse_used(offer.slices)
        draft.changes.append(SetVfs(address=draft.card, before=len(offer.vfs), after=wanted))
