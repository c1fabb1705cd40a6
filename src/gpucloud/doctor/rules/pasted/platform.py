"""Groups, BARs and framebuffers as reports show them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper, is_guest_key
from gpucloud.doctor.evidence.phrase import Remark
from gpucloud.doctor.intent import cards, is_given_away, is_on_host_driver
from gpucloud.doctor.options import ids_naming, vfio_ids
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import PciFunction, PciId
from gpucloud.model.unknown import Unknown

_GUEST_MARKS = ("guest-marks",)
_HARMLESS_BAR = re.compile(r"\[io |\bBAR (?:6|1[3-6])\b|ROM|bridge window", re.IGNORECASE)
"""Resources that often find no room on healthy hosts: I/O ports, expansion ROMs, windows of bridges."""
_BAR_OF = re.compile(r"\b([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]): (?:VF )?BAR (\d+)\b", re.IGNORECASE)
_CARD_ON_BUS_0 = re.compile(
    r"\b0000:(?:00:(?!02\.0)[0-9a-f]{2}|[0-9a-f]{2}:(?!00)[0-9a-f]{2})\.[0-7]: BAR [0-5]\b"
    r".*\bsize 0x[0-9a-f]{8,}",
    re.IGNORECASE,
)
"""A BAR of 256 MiB or more on bus 0, or in a slot other than 0 of another bus.

Of real machines only the processor's graphics has one on bus 0, and a PCI Express link leads to slot 0 alone.
"""
_VF_BAR = re.compile(r"VF BAR|\bBAR (?:[789]|1[0-2])\b")
"""Resources 7 to 12 are the BARs of virtual functions. Source: Linux include/linux/pci.h."""


@rule
def group_said_not_viable(case: Case) -> Answers:
    """Vfio refused a group: who in it is on a host driver."""
    paper = case.paper
    if paper is None or not paper.has("group-not-viable"):
        return
    lines = paper.lines("group-not-viable")
    number = next(
        (int(r.caught["group"]) for r in paper.said("group-not-viable") if "group" in r.caught), None
    )
    unit = next((one for one in cards(case) if number in one.groups), None)
    if unit is None:
        yield from _refused_with_others(case, number, lines)
    else:
        yield from _refused_with_card(case, unit, number, lines)


def _refused_with_others(case: Case, number: int | None, lines: Sequence[Evidence]) -> Answers:
    """The group of no card that the report shows."""
    others = _endpoints(case, number)
    if len(others) > 1:
        title = f"vfio refuses group {number}: it holds {len(others)} devices, and all of them must be given"
        yield known("acs-missing", title, (*lines, *(_class(case, one) for one in others)), 0.8)
        return
    title = (
        "vfio refuses the group: most often it is the card's own audio or USB function that is still on a "
        "host driver"
    )
    yield known("companion-function-not-bound", title, lines, 0.55)
    title = "vfio refuses the group: a device in it is on a host driver"
    yield known("group-not-viable", title, lines, 0.5)


def _refused_with_card(case: Case, unit: GpuUnit, number: int | None, lines: Sequence[Evidence]) -> Answers:
    """The group of a card: it itself, its neighbours or its other functions are on a host driver."""
    refused, units = f"vfio refuses group {number}", (unit.address,)
    if is_on_host_driver(unit.primary):
        title = f"{refused}: the card itself is on {unit.primary.driver}"
        evidence = (*lines, case.cite_driver(unit.primary))
        yield known("host-driver-grabbed-gpu", title, evidence, 0.9, units=units)
        yield known("companion-function-not-bound", title, evidence, 0.6, units=units)
    elif unit.group_peers:
        yield known("acs-missing", f"{refused}: it holds more than the card", lines, 0.85, units=units)
    elif len(unit.functions) > 1:
        count = len(unit.functions)
        title = f"{refused}: of the card's {count} functions one is still on a host driver"
        evidence = (*lines, *_functions(case, unit))
        yield known("companion-function-not-bound", title, evidence, 0.9, units=units)
    else:
        yield known("group-not-viable", refused, lines, 0.6)


@rule
def companions_to_bind(case: Case) -> Answers:
    """A card of several functions in one group, of which the report shows no driver: all must be bound."""
    if case.paper is None:
        return
    for unit in cards(case):
        left = _not_in_ids(case, unit)
        if left:
            yield known(
                "companion-function-not-bound",
                f"The ids given to vfio-pci leave functions of {unit.address.short} out: {_names(left)}",
                (*_functions(case, unit), *(given.evidence for given in vfio_ids(case))),
                0.85,
                units=(unit.address,),
            )
        elif len(unit.functions) > 2 and _is_open(unit) and not vfio_ids(case):
            yield known(
                "companion-function-not-bound",
                f"GPU {unit.address.short} has {len(unit.functions)} functions in one group: each must "
                "be bound",
                _functions(case, unit),
                0.4,
                level=Level.INFO,
                units=(unit.address,),
            )


@rule
def no_room_for_bar(case: Case) -> Answers:
    """A BAR has no room: on the host the firmware's matter, in a guest that of its MMIO window."""
    paper = case.paper
    if paper is None:
        return
    said = paper.said("bar-no-space", "bar-invalid", "bar-unassigned")
    given = {_bar(remark) for remark in paper.said("bar-given")} - {None}
    remarks = [
        remark
        for remark in said
        if not _HARMLESS_BAR.search(remark.evidence.text) and _bar(remark) not in given
    ]
    if not remarks:
        return
    lines = tuple(remark.evidence for remark in remarks)
    if all(_VF_BAR.search(line.text) for line in lines) and not paper.has("probe-no-memory"):
        title = "The host left no room for the BARs of virtual functions"
        yield known("bar-allocation", title, lines, 0.4, level=Level.INFO)
    elif _is_in_guest(paper, remarks):
        yield known("guest-mmio-window", "A BAR of the card has no room in the guest", lines, 0.9)
    elif all(remark.phrase.name == "bar-invalid" for remark in remarks) and not cards(case):
        # The driver that says so has the card: where a card is passed on, that is the guest.
        title = "A BAR of the card was given no address: in a guest its MMIO window, on a host the firmware"
        yield known("guest-mmio-window", title, lines, 0.8)
        yield known("bar-allocation", title, lines, 0.75)
    else:
        yield known("bar-allocation", "A BAR of the card has no room on the host", lines, 0.9)


@rule
def framebuffer_in_the_way(case: Case) -> Answers:
    """vfio-pci cannot reserve a BAR: a framebuffer of early boot owns memory in it."""
    paper = case.paper
    if paper is None:
        return
    held = {remark.caught["start"] for remark in paper.said("bar-held")}
    refused = [one for one in paper.said("bar-reserve", "bar-shared") if _start(one) not in held]
    owners = paper.said("framebuffer-region")
    if refused:
        named = owners or [
            r for r in refused if re.search(r"fb|BOOTFB|simple|vga", r.caught.get("owner", ""), re.IGNORECASE)
        ]
        yield known(
            "boot-framebuffer-holds-gpu",
            "vfio-pci cannot reserve a BAR of the card: the boot framebuffer owns memory in it",
            (remark.evidence for remark in (*refused, *owners)),
            0.97 if named else 0.88,
        )
    elif paper.has("bar-mmap"):
        yield known(
            "boot-framebuffer-holds-gpu",
            "QEMU cannot map a BAR of the card: a framebuffer may own memory in it",
            (remark.evidence for remark in (*paper.said("bar-mmap"), *owners)),
            0.8 if owners else 0.5,
            # QEMU goes on with a slower path: alone it stops no guest.
            level=Level.BLOCKER if owners else Level.INFO,
        )


def _start(remark: Remark) -> str | None:
    """Where the memory begins that could not be reserved, as /proc/iomem writes it."""
    found = re.search(r"\[mem 0x0*([0-9a-f]+)-", remark.evidence.text)
    return None if found is None else found[1]


def _bar(remark: Remark) -> tuple[str, ...] | None:
    """Which BAR of which device: the kernel tries again, with bigger windows, what found no room at first."""
    found = _BAR_OF.search(remark.evidence.text)
    return None if found is None else found.groups()


def _is_in_guest(paper: Paper, remarks: list[Remark]) -> bool:
    if any(remark.evidence.key == "guest_log" for remark in remarks):
        return paper.has(*_GUEST_MARKS)
    return paper.has(*_GUEST_MARKS) or any(
        is_guest_key(remark.evidence.key) or _CARD_ON_BUS_0.search(remark.evidence.text) for remark in remarks
    )


def _functions(case: Case, unit: GpuUnit) -> tuple[Evidence, ...]:
    return tuple(_class(case, one) for one in unit.functions)


def _class(case: Case, one: PciFunction) -> Evidence:
    return case.cite(f"/sys/bus/pci/devices/{one.address}/class", f"{one.address} {one.name}")


def _endpoints(case: Case, group: int | None) -> tuple[PciFunction, ...]:
    """The devices of a group that vfio wants bound: all but bridges. Empty where no listing shows it."""
    if group is None or isinstance(case.host.functions, Unknown):
        return ()
    return tuple(
        one for one in case.host.functions.values() if one.iommu_group == group and not one.is_bridge
    )


def _is_open(unit: GpuUnit) -> bool:
    return (
        all(isinstance(one.driver, Unknown) for one in unit.functions)
        and len({one.iommu_group for one in unit.functions}) == 1
        and isinstance(unit.primary.iommu_group, int)
    )


def _not_in_ids(case: Case, unit: GpuUnit) -> tuple[PciFunction, ...]:
    def is_given(function: PciFunction) -> bool:
        return isinstance(function.id, PciId) and bool(ids_naming(case, function.id))

    if not is_given(unit.primary):
        return ()
    # A function that is still on a host driver counts while its card waits for vfio too; later the
    # state of the host says it better.
    waits = not is_given_away(unit.primary)
    return tuple(
        one
        for one in unit.functions[1:]
        if not is_given(one) and (isinstance(one.driver, Unknown) or (waits and is_on_host_driver(one)))
    )


def _names(functions: tuple[PciFunction, ...]) -> str:
    return ", ".join(f"{one.address.short} [{one.id}]" for one in functions)
