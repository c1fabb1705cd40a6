"""IOMMU, groups, BARs and framebuffers as reports show them."""

from __future__ import annotations

import re

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper, is_guest_key
from gpucloud.doctor.evidence.partial import is_iommu_shown_running
from gpucloud.doctor.evidence.phrase import Remark
from gpucloud.doctor.intent import cards, is_given_away, is_on_host_driver
from gpucloud.doctor.options import cite_argument, ids_naming, kernel_arguments, vfio_ids
from gpucloud.doctor.rules.iommu import is_asked, switches
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import PciFunction, PciId
from gpucloud.model.unknown import Unknown

_GUEST_MARKS = ("guest-marks",)
_HARMLESS_BAR = re.compile(r"\[io |\bBAR (?:6|1[3-6])\b|ROM|bridge window", re.IGNORECASE)
"""Resources that often find no room on healthy hosts: I/O ports, expansion ROMs, windows of bridges."""
_VF_BAR = re.compile(r"VF BAR|\bBAR (?:[789]|1[0-2])\b")
"""Resources 7 to 12 are the BARs of virtual functions. Source: Linux include/linux/pci.h."""


@rule
def argument_not_given(case: Case) -> Answers:
    """The kernel arguments speak of passthrough, and on Intel none of them turns the IOMMU on."""
    if case.paper is None or case.host.cpu.vendor != "intel" or is_iommu_shown_running(case.paper):
        return
    told = switches(case)
    if (told or vfio_ids(case)) and not is_asked(case, "intel_iommu"):
        wrong_vendor = any(line.text for line in told) and is_asked(case, "amd_iommu")
        yield known(
            "iommu-missing-kernel-arg",
            "The kernel of this Intel host is not asked for the IOMMU (no intel_iommu=on)",
            told or (cite_argument(case, " ".join(kernel_arguments(case))),),
            0.85 if wrong_vendor else 0.5,
            level=Level.BLOCKER if wrong_vendor else Level.INFO,
            why="intel_iommu=on turns VT-d on, unless the kernel was built to do so by itself; iommu=pt "
            "alone "
            "turns nothing on, and amd_iommu= is read on AMD processors only.",
        )


@rule
def table_without_iommu(case: Case) -> Answers:
    """The kernel log shows the DMAR table and nothing of an IOMMU that starts."""
    paper = case.paper
    if paper is None or is_iommu_shown_running(paper) or not paper.has("dmar-table"):
        return
    if not paper.has("dmar-asked") and not is_asked(case, "intel_iommu"):
        is_sure = not isinstance(case.host.kernel.arguments, Unknown)
        yield known(
            "iommu-missing-kernel-arg",
            "The firmware offers the IOMMU (DMAR) and the kernel log shows none that starts",
            (*paper.lines("dmar-table"), *switches(case)),
            0.6 if is_sure else 0.45,
            level=Level.WARNING if is_sure else Level.INFO,
        )


@rule
def argument_not_applied(case: Case) -> Answers:
    """The boot loader's file asks for the IOMMU and the running kernel was not asked: never applied."""
    paper = case.paper
    if paper is None or not paper.boot.is_running_known or paper.boot.written_at is None:
        return
    missing = [
        word
        for word in paper.boot.written
        if re.match(r"(?:intel_iommu|iommu|vfio[-_]pci\.ids|amd_iommu)=", word)
        and word not in paper.boot.running
    ]
    if missing:
        yield known(
            "iommu-missing-kernel-arg",
            f"{', '.join(missing)} is written for the boot loader, but the running kernel was started "
            "without it",
            (paper.boot.written_at, case.cite("/proc/cmdline", " ".join(paper.boot.running))),
            0.9,
            why="A boot loader reads its menu and not /etc/default/grub: the menu must be written again, and "
            "some systems (systemd-boot, ostree, BLS) never read that file.",
        )


@rule
def x2apic_given_up(case: Case) -> Answers:
    """x2APIC is off for want of interrupt remapping, unless that works in the older mode (AMD)."""
    paper = case.paper
    if paper is not None and paper.has("x2apic-off") and not paper.has("remapping-works"):
        title = "The kernel gives x2APIC up because interrupt remapping is missing"
        yield known("interrupt-remapping-missing", title, paper.lines("x2apic-off"), 0.85)


@rule
def passthrough_said_unsupported(case: Case) -> Answers:
    """Libvirt finds no passthrough on the host: the IOMMU is off, vfio is absent, or the check misleads."""
    paper = case.paper
    if paper is None or not paper.has("host-unsupported", "backend-unsupported"):
        return
    lines = (*paper.lines("host-unsupported", "backend-unsupported"), *switches(case))
    if is_iommu_shown_running(paper):
        # A group that vfio refused is the later, truer error of the same report.
        sure = 0.45 if paper.has("group-not-viable") else 0.85
        yield known(
            "hostdev-check-misleading",
            "libvirt finds no passthrough on a host whose IOMMU runs",
            (*lines, *paper.lines("dmar-running", "dmar-unit", "amd-running", "group-made")),
            sure,
        )
    elif paper.has("backend-unsupported"):
        yield known("wrong-kernel-module", "libvirt finds no vfio in the running kernel", lines, 0.8)
    elif is_asked(case, "intel_iommu") or paper.has("container"):
        yield known(
            "hostdev-check-misleading",
            "libvirt finds no passthrough although the kernel was asked for the IOMMU",
            lines,
            0.6,
        )
    else:
        yield known("iommu-missing-kernel-arg", "libvirt finds no IOMMU on the host", lines, 0.65)
        yield known("iommu-disabled-firmware", "libvirt finds no IOMMU on the host", lines, 0.6)


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
    others = () if unit is not None else _endpoints(case, number)
    if len(others) > 1:
        yield known(
            "acs-missing",
            f"vfio refuses group {number}: it holds {len(others)} devices, and all of them must be given",
            (*lines, *(_class(case, one) for one in others)),
            0.8,
        )
    elif unit is None:
        yield known(
            "companion-function-not-bound",
            "vfio refuses the group: most often it is the card's own "
            "audio or USB function that is still on a host driver",
            lines,
            0.55,
        )
        yield known(
            "group-not-viable", "vfio refuses the group: a device in it is on a host driver", lines, 0.5
        )
    elif unit.group_peers:
        yield known(
            "acs-missing",
            f"vfio refuses group {number}: it holds more than the card",
            lines,
            0.85,
            units=(unit.address,),
        )
    elif len(unit.functions) > 1:
        yield known(
            "companion-function-not-bound",
            f"vfio refuses group {number}: of the card's "
            f"{len(unit.functions)} functions one is still on a host driver",
            (*lines, *_functions(case, unit)),
            0.9,
            units=(unit.address,),
        )
    else:
        yield known("group-not-viable", f"vfio refuses group {number}", lines, 0.6)


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
    remarks = [remark for remark in said if not _HARMLESS_BAR.search(remark.evidence.text)]
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
    refused = paper.said("bar-reserve", "bar-shared")
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


def _is_in_guest(paper: Paper, remarks: list[Remark]) -> bool:
    if any(remark.evidence.key == "guest_log" for remark in remarks):
        return paper.has(*_GUEST_MARKS)
    return any(is_guest_key(remark.evidence.key) for remark in remarks) or paper.has(*_GUEST_MARKS)


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
