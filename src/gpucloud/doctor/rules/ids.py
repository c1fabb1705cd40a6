"""Lists of ids for vfio-pci: written wrongly, matching nothing, or matching one card too many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from gpucloud.doctor.case import Blind, Case
from gpucloud.doctor.intent import cards, is_given_away, is_on_host_driver
from gpucloud.doctor.options import (
    IdPattern,
    IdsOption,
    cite_argument,
    is_id,
    kernel_arguments,
    vfio_ids,
)
from gpucloud.doctor.remedy import REBOOT, give_away, rebuild_initramfs
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Finding, Fix, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import PciAddress, PciId
from gpucloud.model.unknown import Unknown

WRONG = "vfio-ids-wrong"
_MISNAMED = re.compile(r"vfio(?:-?pci)?[-.]?ids?")
_MOST_MISSES = 20
"""Ids of no device that are told one by one: a list of more is not of this host at all."""


@rule
def ids_malformed(case: Case) -> Answers:
    """The ids option cannot be read as meant: a space tears the list apart, or an entry is no id."""
    yield from _unread(case)
    for given in vfio_ids(case):
        torn = given.option.stray
        if torn or given.malformed:
            yield _finding(
                case,
                given.evidence,
                f"The ids of vfio-pci are written wrongly: {', '.join((*given.malformed, *torn))} has no "
                "effect",
                "The kernel reads vendor:device pairs in hexadecimal, joined by commas without spaces; a "
                "space "
                "ends the option, and what follows is taken for an option of its own.",
                0.95,
            )


@rule
def ids_misnamed(case: Case) -> Answers:
    """The option has not the name that vfio-pci reads: ``vfio-pci-ids=``, ``vfio_pci.id=``, ``vfio.ids=``.

    The kernel passes ``module.option=`` to the module of that name and takes every other word for init.
    Source: Linux kernel/params.c, parse_one(), and init/main.c, unknown_bootoption().
    """
    for argument in kernel_arguments(case):
        name, equals, value = argument.partition("=")
        plain = name.replace("_", "-")
        if equals and _MISNAMED.fullmatch(plain) and plain != "vfio-pci.ids" and is_id(value.split(",")[0]):
            yield _finding(
                case,
                cite_argument(case, argument),
                f"No module reads {name}=: the option of vfio-pci is written vfio-pci.ids=",
                "The kernel hands `module.option=value` to the module of that name; a word of another form "
                "has no effect.",
                0.95,
            )


def _unread(case: Case) -> Iterator[Blind]:
    """Where ids may be given and could not be looked for: without them a card seems not to be wanted."""
    places = {
        "kernel arguments": case.host.kernel.arguments,
        "module configuration": case.host.distribution.module_configuration,
    }
    for place, read in places.items():
        if isinstance(read, Unknown) and case.host.units:
            yield Blind(WRONG, place, read.why)


@rule
def ids_match_nothing(case: Case) -> Answers:
    """An id in the list belongs to no device of this host: a mistyped digit, such as vendor 11de."""
    functions = case.host.functions
    if isinstance(functions, Unknown) or not functions:
        return
    present = {function.id for function in functions.values() if isinstance(function.id, PciId)}
    misses = (
        (given, pattern)
        for given in vfio_ids(case)
        for pattern in dict.fromkeys(given.patterns)
        if not any(pattern.matches(ident) for ident in present)
    )
    asked = {pattern for given in vfio_ids(case) for pattern in given.patterns}
    for given, pattern in islice(misses, _MOST_MISSES):
        hint = _meant(pattern, {one for one in present if not any(other.matches(one) for other in asked)})
        if case.paper is not None and not hint:
            continue  # A report shows a part of the host: what is not in it may be there.
        yield _finding(
            case,
            given.evidence,
            f"{pattern}, given to vfio-pci, is the id of no device of this host{hint}",
            "vfio-pci binds the devices whose vendor and device id match; one that matches nothing "
            "leaves the card to its host driver.",
            0.9 if hint else 0.7,
            Level.BLOCKER if hint else Level.WARNING,
        )


@rule
def ids_take_host_card(case: Case) -> Answers:
    """One id matches two cards, and the host needs one of them: binding by id takes both."""
    for given in vfio_ids(case):
        for pattern in dict.fromkeys(given.patterns):
            matched = tuple(unit for unit in cards(case) if _is_matched(pattern, unit))
            needed = tuple(unit for unit in matched if _is_needed(unit))
            if len(matched) > 1 and needed and len(needed) < len(matched):
                yield _two_cards(case, given, pattern, matched, needed)


def _two_cards(
    case: Case,
    given: IdsOption,
    pattern: IdPattern,
    matched: tuple[GpuUnit, ...],
    needed: tuple[GpuUnit, ...],
) -> Finding:
    guests = tuple(unit for unit in matched if unit not in needed)
    return Finding(
        cause=WRONG,
        level=Level.WARNING,
        title=f"{pattern} is the id of {len(matched)} cards, and the host uses "
        f"{', '.join(unit.address.short for unit in needed)}: vfio-pci takes them all",
        evidence=(given.evidence, *(case.cite_driver(unit.primary) for unit in matched)),
        why="An id cannot tell two equal cards apart; which driver gets the host's card at the next boot is "
        "decided by load order. A driver override by address can.",
        fix=give_away(*guests),
        confidence=0.85,
        units=tuple(unit.address for unit in matched),
    )


def _is_needed(unit: GpuUnit) -> bool:
    return unit.primary.is_boot_vga is True or is_on_host_driver(unit.primary)


def _is_matched(pattern: IdPattern, unit: GpuUnit) -> bool:
    return isinstance(unit.primary.id, PciId) and pattern.matches(unit.primary.id)


def _meant(pattern: IdPattern, present: set[PciId]) -> str:
    for ident in sorted(present):
        if ident.device == pattern.device and ident.vendor != pattern.vendor:
            return f"; {ident} is"
    return next((f"; {ident} is" for ident in sorted(present) if _is_near(pattern, ident)), "")


def _is_near(pattern: IdPattern, ident: PciId) -> bool:
    pairs = list(zip(str(pattern), str(ident), strict=False))
    wrong = [place for place, (a, b) in enumerate(pairs) if a != b]
    is_swapped = len(wrong) == 2 and pairs[wrong[0]] == pairs[wrong[1]][::-1]
    return len(str(pattern)) == len(str(ident)) and (len(wrong) == 1 or is_swapped)


def _finding(
    case: Case, evidence: Evidence, title: str, why: str, confidence: float, level: Level = Level.BLOCKER
) -> Finding:
    return Finding(
        cause=WRONG,
        level=level,
        title=title,
        evidence=(evidence,),
        why=why,
        fix=Fix(
            "Write the ids as `lspci -nn` shows them, comma separated and without spaces; or bind by address "
            "with `gpucloud plan --unit`, which needs no ids.",
            rebuild_initramfs(case.host.distribution),
            REBOOT,
        ),
        confidence=confidence,
        units=case.once(_given_units),
    )


def _given_units(case: Case) -> tuple[PciAddress, ...]:
    return tuple(unit.address for unit in cards(case) if is_given_away(unit.primary))
