"""The IOMMU as reports show it: asked for, offered, running, or said to be missing."""

from __future__ import annotations

import re

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.partial import is_iommu_shown_running
from gpucloud.doctor.options import cite_argument, kernel_arguments, vfio_ids
from gpucloud.doctor.rules.iommu import is_asked, is_turned_off, maker, switches
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Level
from gpucloud.model.unknown import Unknown

_NO_REMAPPING = re.compile(r"intremap=(?:[\w,]*,)?off\b")
_IDS = re.compile(r"vfio[-_]pci\.ids=")
_IDS_AND_IOMMU = re.compile(r"(?:intel_iommu|iommu|vfio[-_]pci\.ids|amd_iommu)=")
_OFFERED = ("dmar-table", "dmar-unit")


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
            told or _arguments(case),
            0.85 if wrong_vendor else 0.5,
            level=Level.BLOCKER if wrong_vendor else Level.INFO,
            why="intel_iommu=on turns VT-d on, unless the kernel was built to do so by itself; iommu=pt "
            "alone "
            "turns nothing on, and amd_iommu= is read on AMD processors only.",
        )
    elif not told and not vfio_ids(case) and case.paper.boot.is_running_known:
        title = "The running kernel was given no argument that speaks of the IOMMU"
        yield known("iommu-missing-kernel-arg", title, _arguments(case), 0.25, level=Level.INFO)


def _arguments(case: Case) -> tuple[Evidence, ...]:
    return (cite_argument(case, " ".join(kernel_arguments(case))),)


@rule
def argument_of_no_vendor(case: Case) -> Answers:
    """amd_iommu=on on a processor that is not shown: it turns nothing on, and on Intel nothing else does."""
    paper = case.paper
    if paper is None or not isinstance(case.host.cpu.vendor, Unknown) or is_iommu_shown_running(paper):
        return
    if is_asked(case, "amd_iommu") and not is_asked(case, "intel_iommu"):
        title = "amd_iommu=on turns nothing on; on an Intel processor the IOMMU stays off with it"
        yield known("iommu-missing-kernel-arg", title, switches(case), 0.3, level=Level.INFO)


@rule
def table_without_iommu(case: Case) -> Answers:
    """The kernel log shows VT-d's table or units, and nothing of an IOMMU that starts.

    Interrupt remapping (DMAR-IR) needs no argument and proves nothing: it runs with DMA translation off.
    Source: Linux drivers/iommu/intel/irq_remapping.c, intel_prepare_irq_remapping(). A machine on which
    nothing asks for passthrough may well run without it.
    """
    paper = case.paper
    if paper is None or is_iommu_shown_running(paper) or not paper.has(*_OFFERED):
        return
    if not paper.has("dmar-asked") and not is_asked(case, "intel_iommu"):
        is_sure = not isinstance(case.host.kernel.arguments, Unknown)
        is_wanted = bool(switches(case) or vfio_ids(case)) or paper.has("vfio-added", "group-not-viable")
        yield known(
            "iommu-missing-kernel-arg",
            "The firmware offers the IOMMU (DMAR) and the kernel log shows none that starts",
            (*paper.lines(*_OFFERED), *switches(case)),
            0.6 if is_sure else 0.45,
            level=Level.WARNING if is_sure and is_wanted else Level.INFO,
        )


@rule
def argument_not_applied(case: Case) -> Answers:
    """The boot loader's file asks for the IOMMU and the running kernel was not asked: never applied."""
    paper = case.paper
    if paper is None or not paper.boot.is_running_known or paper.boot.written_at is None:
        return
    # On AMD the IOMMU is on without an argument, so only the ids are missed there.
    wanted = _IDS if maker(case) == "amd" else _IDS_AND_IOMMU
    missing = [word for word in paper.boot.written if wanted.match(word) and word not in paper.boot.running]
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
        # Firmware may keep x2APIC off where remapping works in the older mode: alone it stops no guest.
        yield known("interrupt-remapping-missing", title, paper.lines("x2apic-off"), 0.85, level=Level.INFO)


@rule
def remapping_turned_off(case: Case) -> Answers:
    """A kernel argument turns interrupt remapping off: vfio then refuses every device.

    Source: Linux drivers/iommu/irq_remapping.c: setup_irqremap(), setup_nointremap().
    """
    words = [one for one in kernel_arguments(case) if one == "nointremap" or _NO_REMAPPING.match(one)]
    if case.paper is None or not words:
        return
    refused = case.paper.lines("group-not-viable", "set-iommu", "remapping-refused", "host-unsupported")
    yield known(
        "interrupt-remapping-missing",
        f"{words[0]} turns interrupt remapping off: vfio refuses devices without it",
        (cite_argument(case, words[0]), *refused),
        0.9,
        level=Level.BLOCKER if refused or vfio_ids(case) else Level.INFO,
    )


@rule
def passthrough_said_unsupported(case: Case) -> Answers:
    """Libvirt finds no passthrough on the host: the IOMMU is off, vfio is absent, or the check misleads."""
    paper = case.paper
    if paper is None or not paper.has("host-unsupported", "backend-unsupported", "vfio-unsupported"):
        return
    lines = (
        *paper.lines("host-unsupported", "backend-unsupported", "vfio-unsupported"),
        *switches(case),
    )
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
    elif paper.has("vfio-unsupported"):
        yield from _no_iommu(case, lines)
        yield known("wrong-kernel-module", "libvirt finds no vfio in the running kernel", lines, 0.5)
    elif is_asked(case, "intel_iommu") or paper.has("container"):
        yield known(
            "hostdev-check-misleading",
            "libvirt finds no passthrough although the kernel was asked for the IOMMU",
            lines,
            0.6,
        )
    else:
        yield from _no_iommu(case, lines)


def _no_iommu(case: Case, lines: tuple[Evidence, ...]) -> Answers:
    """Who left the IOMMU off that libvirt does not find: the kernel's arguments, or the firmware.

    On AMD no argument turns it on, so without one that turns it off only the firmware is left: Linux
    drivers/iommu/amd/init.c, amd_iommu_detect() and parse_amd_iommu_options().
    """
    title = "libvirt finds no IOMMU on the host"
    is_off = is_turned_off(case)
    if maker(case) == "amd" and not is_off:
        why = (
            "The kernel turns the AMD IOMMU on by itself wherever the firmware offers it, and no argument "
            "that turns it off is shown: AMD-Vi (IOMMU) is off in the firmware."
        )
        yield known("iommu-disabled-firmware", title, lines, 0.65, why=why)
        return
    why = (
        "A kernel argument turns the IOMMU off."
        if is_off
        else "Where the firmware offers the IOMMU, the kernel was not asked for it."
    )
    yield known("iommu-missing-kernel-arg", title, lines, 0.65, why=why)
    yield known("iommu-disabled-firmware", title, lines, 0.6)
