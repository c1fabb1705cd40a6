"""Who uses a card now: processes of the host, guests, the boot framebuffer."""

from __future__ import annotations

from gpucloud.doctor.case import Blind, Case, device_path, list_units
from gpucloud.doctor.intent import cards, is_given_away, stakes
from gpucloud.doctor.remedy import REBOOT, set_boot_arguments
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Finding, Fix, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.holders import keeps_driver, release_command
from gpucloud.model.host import Framebuffer
from gpucloud.model.pci import Bar, Holder, PciFunction
from gpucloud.model.unknown import Unknown

IN_USE = "gpu-in-use"
FRAMEBUFFER = "boot-framebuffer-holds-gpu"
_Held = list[tuple[PciFunction, Holder]]


@rule
def in_use(case: Case) -> Answers:
    """A process of the host, or a guest, has a device node of the card open."""
    idle: list[tuple[GpuUnit, _Held]] = []
    for unit in cards(case):
        unread = next((f.holders for f in unit.functions if isinstance(f.holders, Unknown)), None)
        if unread is not None:
            yield Blind(IN_USE, f"who has {unit.address.short} open", unread.why)
        seen = [(f, f.holders) for f in unit.functions if not isinstance(f.holders, Unknown)]
        held = [(function, holder) for function, all_ in seen for holder in all_ if keeps_driver(holder)]
        guests = [(f, h) for f, h in held if h.guest is not None]
        processes = [(f, h) for f, h in held if h.guest is None]
        if guests:
            yield _by_guest(case, unit, guests)
        if processes and _process_level(case, unit) is Level.INFO:
            idle.append((unit, processes))
        elif processes:
            yield _by_process(_process_level(case, unit), [(unit, processes)])
    if idle:
        yield _by_process(Level.INFO, idle)


def _process_level(case: Case, unit: GpuUnit) -> Level:
    return Level.WARNING if is_given_away(unit.primary) else stakes(case, unit)


@rule
def boot_framebuffer(case: Case) -> Answers:
    """A framebuffer of early boot lies in a BAR of the card: vfio-pci cannot reserve that BAR."""
    framebuffers = case.host.framebuffers
    if isinstance(framebuffers, Unknown):
        if case.host.units:
            yield Blind(FRAMEBUFFER, "/proc/iomem", framebuffers.why)
        return
    for unit in cards(case):
        for function in unit.functions:
            if isinstance(function.bars, Unknown):
                if framebuffers:
                    yield Blind(FRAMEBUFFER, f"BARs of {function.address.short}", function.bars.why)
                continue
            for bar in function.bars:
                inside = next((one for one in framebuffers if _is_inside(one, bar)), None)
                if inside is not None:
                    yield _framebuffer(case, unit, function, bar, inside)


def _by_guest(case: Case, unit: GpuUnit, held: _Held) -> Finding:
    names = ", ".join(dict.fromkeys(str(holder.guest) for _, holder in held))
    return Finding(
        cause=IN_USE,
        level=Level.BLOCKER if unit.address in case.named else Level.INFO,
        title=f"GPU {unit.address.short} is in the guest {names}: another guest cannot have it",
        evidence=_who(held),
        why="vfio lets one process open a device; it is free when that guest has ended.",
        fix=Fix(
            "End the guest, or choose another card.",
            tuple(f"gpucloud show {name}" for name in names.split(", ")),
            "that guest loses its work",
        ),
        confidence=0.95,
        units=(unit.address,),
    )


def _by_process(level: Level, used: list[tuple[GpuUnit, _Held]]) -> Finding:
    held = [one for _, several in used for one in several]
    names = ", ".join(dict.fromkeys(f"{holder.process} ({holder.pid})" for _, holder in held))
    units = tuple(unit for unit, _ in used)
    subject = (
        f"{len(units)} GPUs ({list_units(units)}) are" if len(units) > 1 else f"GPU {list_units(units)} is"
    )
    return Finding(
        cause=IN_USE,
        level=level,
        title=f"{subject} in use on the host by {names}",
        evidence=_who(held),
        why="A driver gives a device up only when its last user is gone: unbinding now would hang, or "
        "take the device from under these processes.",
        fix=Fix(
            "Before the card goes to a guest, stop them (display server, persistence daemon, monitoring, "
            "container runtimes).",
            tuple(dict.fromkeys(release_command(holder) for _, holder in held)),
            "these processes end",
        ),
        confidence=0.85,
        units=tuple(unit.address for unit in units),
    )


def _who(held: _Held) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(f"/proc/{holder.pid}/fd", f"{holder.process} has {holder.node} open") for _, holder in held
    )


def _framebuffer(
    case: Case, unit: GpuUnit, function: PciFunction, bar: Bar, framebuffer: Framebuffer
) -> Finding:
    return Finding(
        cause=FRAMEBUFFER,
        level=stakes(case, unit),
        title=f"GPU {unit.address.short} is the boot display: {framebuffer.name} keeps part of its BAR "
        f"{bar.index}",
        evidence=(
            case.cite("/proc/iomem", f"{framebuffer.start:x}-{framebuffer.end:x} : {framebuffer.name}"),
            case.cite(
                f"{device_path(function.address)}/resource",
                f"BAR {bar.index} at {bar.start:#x}, {bar.size_bytes} bytes",
            ),
        ),
        why="vfio-pci reserves the BARs of a device when a guest opens it, and fails while a boot "
        "framebuffer "
        "still owns memory in one of them (BAR: can't reserve).",
        fix=Fix(
            "Make another display the boot display in the firmware, or keep the boot framebuffer off: which "
            "argument does that depends on the kernel (initcall_blacklist=sysfb_init from 5.19 to 6.16 "
            "or so, "
            "video=efifb:off before); a console on that display is lost.",
            set_boot_arguments(case.host.distribution, "initcall_blacklist=sysfb_init"),
            f"{REBOOT}; no picture from this card until a driver takes it",
        ),
        confidence=0.95 if is_given_away(unit.primary) else 0.7,
        units=(unit.address,),
    )


def _is_inside(framebuffer: Framebuffer, bar: Bar) -> bool:
    return (
        not bar.is_io
        and bar.size_bytes > 0
        and framebuffer.start < bar.start + bar.size_bytes
        and framebuffer.end >= bar.start
    )
