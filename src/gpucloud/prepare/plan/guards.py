"""Every reason why a unit cannot be given away now. An unknown fact is a reason, never a permission."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciFunction, Sriov
from gpucloud.model.plan import Refusal
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.plan.console import console_refusals
from gpucloud.prepare.plan.group import group_refusals, vitals
from gpucloud.prepare.plan.holders import holder_refusals
from gpucloud.prepare.plan.vfio import is_ready, missing_modules, never_loaded
from gpucloud.prepare.plan.wording import AS_ROOT, call_function, call_unit, join

_LEFT_TO_THE_HOST = frozenset(("vital-unknown", "holders-unknown"))
"""Reasons that change no step. Every guard speaks again on the host before a plan is applied there."""


def split_unseen(
    reasons: Iterable[Refusal], *, is_captured: bool
) -> tuple[tuple[Refusal, ...], tuple[Refusal, ...]]:
    """What refuses a plan, and what a captured host leaves to be seen where the plan is applied.

    A capture is often a part of a host, and is only planned for: its plan can be shown without the answers.
    """
    found = tuple(reasons)
    unseen = tuple(reason for reason in found if is_captured and reason.cause in _LEFT_TO_THE_HOST)
    return tuple(reason for reason in found if reason not in unseen), unseen


def refusals_for(host: Host, unit: GpuUnit, asked: Sequence[GpuUnit], *, force: bool) -> Iterator[Refusal]:
    """Why the unit cannot be given away now, what is known before what is not; nothing where it can."""
    reasons = _reasons(host, unit, asked, force=force)
    yield from sorted(reasons, key=lambda reason: reason.cause.endswith("-unknown"))


def _reasons(host: Host, unit: GpuUnit, asked: Sequence[GpuUnit], *, force: bool) -> Iterator[Refusal]:
    yield from _unknown_drivers(unit)
    yield from group_refusals(host, unit, asked)
    taken = [function for function in unit.functions if not is_ready(function)]
    if not taken:
        return
    yield from _vital(host, unit, taken)
    yield from holder_refusals(unit, taken)
    yield from _virtual_functions(unit, taken)
    yield from _mediated_devices(unit, taken)
    yield from _modules(host, unit)
    yield from console_refusals(host, unit, asked, force=force)


def _unknown_drivers(unit: GpuUnit) -> Iterator[Refusal]:
    for what, facts in (
        ("driver", [function.driver for function in unit.functions]),
        ("driver override", [function.driver_override for function in unit.functions]),
    ):
        if unknown := [fact for fact in facts if isinstance(fact, Unknown)]:
            yield Refusal(
                unit.address,
                "driver-unknown",
                f"{call_unit(unit)}: the {what} of {len(unknown)} of its functions is not known "
                f"({unknown[0].why}), so it could not be given back",
                AS_ROOT,
            )


def _vital(host: Host, unit: GpuUnit, taken: Sequence[PciFunction]) -> Iterator[Refusal]:
    if isinstance(host.vital, Unknown):
        yield Refusal(
            unit.address,
            "vital-unknown",
            f"{call_unit(unit)}: what the host's disk and network hang on is not known ({host.vital.why})",
            AS_ROOT,
        )
    for function in taken:
        carries = [vital.carries for vital in vitals(host) if vital.address == function.address]
        if carries:
            yield Refusal(
                unit.address,
                "unit-is-vital",
                f"{call_unit(unit)}: {call_function(function)} carries the {join(carries)} of the host",
                "plug what hangs on it into another controller; this is never forced",
            )


def _virtual_functions(unit: GpuUnit, taken: Sequence[PciFunction]) -> Iterator[Refusal]:
    for function in taken:
        enabled = function.sriov.enabled if isinstance(function.sriov, Sriov) else 0
        if isinstance(enabled, int) and enabled > 0:
            yield Refusal(
                unit.address,
                "virtual-functions-enabled",
                f"{call_unit(unit)} has {enabled} virtual functions, which vanish when its driver is taken",
                "end the guests that use them, then: "
                f"echo 0 > /sys/bus/pci/devices/{function.address}/sriov_numvfs",
            )


def _mediated_devices(unit: GpuUnit, taken: Sequence[PciFunction]) -> Iterator[Refusal]:
    for function in taken:
        mdevs = function.mdevs
        if isinstance(mdevs, Unknown) or not mdevs:  # the nodes of those unknown are unknown, and so refused
            continue
        nodes = {mdev.node for mdev in mdevs}
        holders = () if isinstance(function.holders, Unknown) else function.holders
        guests = dict.fromkeys(f"guest {each.guest}" for each in holders if each.guest and each.node in nodes)
        used = f", in use by {join(tuple(guests))}" if guests else ""
        many = "mediated device" if len(mdevs) == 1 else "mediated devices"
        yield Refusal(
            unit.address,
            "mediated-devices-there",
            f"{call_unit(unit)} has {len(mdevs)} {many} (vGPUs{used}), which vanish when its driver is taken",
            "end the guests that use them, then: "
            f"echo 1 | tee /sys/bus/pci/devices/{function.address}/*-*-*-*-*/remove",
        )


def _modules(host: Host, unit: GpuUnit) -> Iterator[Refusal]:
    if missing := missing_modules(host.kernel):
        yield Refusal(
            unit.address,
            "wrong-kernel-module",
            f"{call_unit(unit)}: this kernel has no {join(missing)}, which takes cards for guests",
            "install and start the distribution's full kernel (linux-modules-extra, kernel-modules)",
        )
    loaded = host.kernel.loaded_modules
    have = frozenset[str]() if isinstance(loaded, Unknown) else loaded
    for refusal in blocked_modules(host, have):
        yield replace(refusal, unit=unit.address)


def blocked_modules(host: Host, have: frozenset[str] = frozenset()) -> Iterator[Refusal]:
    """Lines of the administrator's by which VFIO's modules are never loaded, but for those that are there."""
    for line in never_loaded(host, have):
        why = (
            f"{line.path} line {line.line} says '{line.text}', so what takes cards for guests is never loaded"
        )
        do = f"take that line out of {line.path}, then plan again: gpucloud plan"
        yield Refusal(None, "vfio-blocked", why, do)
