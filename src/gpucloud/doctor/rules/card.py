"""The state of the card itself: reset, power, and whether it is a GPU to give away at all."""

from __future__ import annotations

import re

from gpucloud.doctor.case import Blind, Case, device_path, list_units
from gpucloud.doctor.intent import cards, is_bmc, is_given_away, stakes
from gpucloud.doctor.remedy import REBOOT
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Finding, Fix, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress
from gpucloud.model.units.unclassified import how_to_read_classes, say_unclassified, unclassified
from gpucloud.model.unknown import Unknown

NO_GPU = "no-gpu"
"""The cause whose rule tells whether there is a GPU at all."""
_FEW = 4


@rule
def no_reset_method(case: Case) -> Answers:
    """The kernel knows no way to reset the GPU: the second guest finds it as the first one left it."""
    if not _has_reset_files(case):
        return
    stuck: dict[Level, list[GpuUnit]] = {Level.WARNING: [], Level.INFO: []}
    for unit in cards(case):
        methods = unit.primary.reset_methods
        if isinstance(methods, Unknown):
            if is_given_away(unit.primary):
                yield Blind("reset-bug", f"reset methods of {unit.address.short}", methods.why)
        elif not methods:
            is_wanted = stakes(case, unit) is Level.BLOCKER
            stuck[Level.WARNING if is_wanted else Level.INFO].append(unit)
    for level, units in stuck.items():
        if units:
            yield _without_reset(case, level, tuple(units))


def _without_reset(case: Case, level: Level, units: tuple[GpuUnit, ...]) -> Finding:
    noun = "GPU" if len(units) == 1 else "GPUs"
    return Finding(
        cause="reset-bug",
        level=level,
        title=f"{noun} {list_units(units)}: no reset method, so not clean between guests",
        evidence=tuple(case.cite(f"{device_path(unit.address)}/reset_method", "no method") for unit in units),
        why="Between two guests vfio resets the device by function-level, bus or power-management reset. "
        "Without any of them the memory and state of one guest reach the next, and many cards do not start "
        "a second time.",
        fix=Fix(
            "Give the card to one guest per boot of the host, or install a reset module for it (AMD Vega and "
            "Navi 1x: vendor-reset).",
            costs="a reboot of the host between guests, or a module from outside the kernel",
        ),
        confidence=0.7,
        units=tuple(unit.address for unit in units),
    )


@rule
def asleep_in_d3cold(case: Case) -> Answers:
    """A card held for guests went to D3cold, from which some cards do not come back."""
    for unit in cards(case):
        if is_given_away(unit.primary) and unit.primary.power_state == "D3cold":
            yield Finding(
                cause="power-state-d3",
                level=Level.INFO,
                title=f"GPU {unit.address.short} is idle and without power (D3cold): some cards do not "
                "wake up",
                evidence=(case.cite(f"{device_path(unit.address)}/power_state", "D3cold"),),
                why="vfio-pci lets an idle card sleep; the platform may take its power away altogether. "
                "A card "
                "that does not answer afterwards reads as ffffffff and its guest does not start.",
                fix=Fix(
                    "If a guest fails to start with it, keep the card awake.",
                    (
                        f"echo 0 > {device_path(unit.address)}/d3cold_allowed",
                        "echo 'options vfio-pci disable_idle_d3=1' > /etc/modprobe.d/vfio-d3.conf",
                    ),
                    "some watts; vfio-pci must be loaded again for the option",
                ),
                confidence=0.4,
                units=(unit.address,),
            )


@rule
def no_gpu(case: Case) -> Answers:
    """The host has no GPU, or none but its management controller's display: there is nothing to give away."""
    host = case.host
    unread = tuple(unclassified(host))
    if unread and case.paper is None:
        yield _unsure(host, unread)
    if any(not is_bmc(unit) for unit in host.units):
        return
    if isinstance(host.functions, Unknown) or not host.is_whole:
        if host.units and not (unread and case.paper is None):
            yield _without_gpu(case, Level.INFO)
        elif case.paper is None and not unread:
            yield Blind(NO_GPU, "the GPUs", _why_unseen(host))
        return
    if not unread:
        yield _without_gpu(case, Level.WARNING)


def _unsure(host: Host, unread: tuple[PciAddress, ...]) -> Blind:
    few = ", ".join(address.short for address in unread[:_FEW])
    more = f" and {len(unread) - _FEW} more" if len(unread) > _FEW else ""
    why = f"{say_unclassified(host)}; {how_to_read_classes(host)}"
    return Blind(NO_GPU, f"whether any of {few}{more} is a GPU", why)


def _why_unseen(host: Host) -> str:
    if isinstance(host.functions, Unknown):
        return host.functions.why
    return "only a part of the host's devices was kept, and no GPU is among them"


def _without_gpu(case: Case, level: Level) -> Finding:
    host = case.host
    count = 0 if isinstance(host.functions, Unknown) else len(host.functions)
    seen = f"{count} PCI functions, of them no display or accelerator (classes 03, 12) but those below"
    if not host.units:
        seen = f"{count} PCI functions, none a display or accelerator (classes 03, 12)"
    return Finding(
        cause=NO_GPU,
        level=level,
        title="This host has no GPU"
        if not host.units
        else f"The only display is the management controller's ({host.units[0].primary.name}): no GPU to "
        "give away",
        evidence=(
            Evidence("/sys/bus/pci/devices", seen),
            *(case.cite(f"{device_path(one.address)}/class", one.primary.name) for one in host.units),
        ),
        why="Every function on the PCI bus was looked at. "
        + (
            "The remote console draws on the management controller's display; it has no 3D engine, and the "
            "host needs it."
            if host.units
            else "A card that firmware does not enumerate is not there for the kernel either."
        ),
        fix=_look_for_card(host),
        confidence=0.95,
        units=tuple(unit.address for unit in host.units),
    )


def _look_for_card(host: Host) -> Fix:
    if host.cpu.is_virtual is True:
        return Fix(
            "This host is itself a guest: its hypervisor has to hand it a GPU. Run gpucloud there.",
            costs="a stop of this guest",
        )
    return Fix(
        "Where no card is built in, nothing is to be done. Where one is, the firmware does not see it: look "
        "at its seat, its power cables and its riser, and at the slot's switches in the firmware setup "
        "(slot enabled, bifurcation, Above 4G Decoding), then start from cold.",
        ("echo 1 > /sys/bus/pci/rescan", "gpucloud scan"),
        f"nothing to look; {REBOOT} to open it",
    )


def _has_reset_files(case: Case) -> bool:
    """The attribute ``reset_method`` came with Linux 5.15: before, its absence says nothing."""
    release = case.host.kernel.release
    match = re.match(r"(\d+)\.(\d+)", release) if isinstance(release, str) else None
    return match is not None and (int(match[1]), int(match[2])) >= (5, 15)
