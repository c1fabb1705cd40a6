"""Which driver has each function of a card."""

from __future__ import annotations

from gpucloud.doctor.case import Blind, Case, device_path, list_units
from gpucloud.doctor.intent import (
    asked_by_ids,
    cards,
    has_slices,
    is_given_away,
    is_on_host_driver,
    is_sliced,
    stakes,
    wishes,
)
from gpucloud.doctor.remedy import give_away, rebuild_initramfs
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Finding, Fix, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import MediatedDevice, PciFunction
from gpucloud.model.unknown import Unknown

COMPANION = "companion-function-not-bound"
HELD = "host-driver-grabbed-gpu"


@rule
def companion_not_bound(case: Case) -> Answers:
    """The GPU is given to vfio, but its audio, USB or UCSI function is still on a host driver."""
    for unit in cards(case):
        for function in unit.functions[1:]:
            if isinstance(function.driver, Unknown) and is_given_away(unit.primary):
                yield Blind(COMPANION, f"driver of {function.address.short}", function.driver.why)
        left = tuple(function for function in unit.functions[1:] if is_on_host_driver(function))
        if left and is_given_away(unit.primary):
            yield _companion(case, unit, left)


@rule
def held_by_host_driver(case: Case) -> Answers:
    """A host driver has the GPU: a blocker where passthrough is asked for, else for information."""
    idle = []
    for unit in cards(case):
        if isinstance(unit.primary.driver, Unknown):
            yield Blind(HELD, f"driver of {unit.address.short}", unit.primary.driver.why)
        elif is_on_host_driver(unit.primary):
            if has_slices(unit) and unit.address not in case.named:
                continue
            if stakes(case, unit) is not Level.INFO:
                mdevs = unit.primary.mdevs
                yield (
                    _held(case, unit)
                    if isinstance(mdevs, Unknown) or not mdevs
                    else _sliced(case, unit, mdevs)
                )
            elif not is_sliced(unit):
                idle.append(unit)
    if idle:
        yield _left_to_host(case, tuple(idle))


def _companion(case: Case, unit: GpuUnit, left: tuple[PciFunction, ...]) -> Finding:
    together = any(function.iommu_group == unit.primary.iommu_group for function in left)
    names = ", ".join(f"{function.address.short} ({function.driver})" for function in left)
    return Finding(
        cause=COMPANION,
        level=Level.BLOCKER if together else Level.WARNING,
        title=f"GPU {unit.address.short} is on {unit.primary.driver}, but its other functions are not: "
        f"{names}",
        evidence=tuple(case.cite_driver(function) for function in (unit.primary, *left)),
        why="vfio hands a group out only when every endpoint in it is on vfio-pci, pci-stub or no driver."
        if together
        else "The functions are in groups of their own, so vfio does not mind; a guest that gets the GPU "
        "alone "
        "lacks its sound and USB, and a reset of the card takes the host's functions down with it.",
        fix=give_away(unit),
        confidence=0.95,
        units=(unit.address,),
    )


def _held(case: Case, unit: GpuUnit) -> Finding:
    asked = asked_by_ids(case, unit)
    return Finding(
        cause=HELD,
        level=Level.BLOCKER,
        title=f"GPU {unit.address.short} is held by the host's driver {_drivers((unit,))}: no guest can "
        "have it",
        evidence=(*(case.cite_driver(function) for function in unit.functions), *wishes(case, unit)),
        why="vfio-pci was given this card's id, but the host driver was there first: drivers bind in the "
        "order "
        "in which they are loaded, and the boot image holds the host driver, or lacks vfio-pci or its "
        "options."
        if asked
        else "A function has one driver at a time; vfio needs all endpoints of the group.",
        fix=_win_the_race(case, unit) if asked else give_away(unit),
        confidence=0.9,
        units=(unit.address,),
    )


def _sliced(case: Case, unit: GpuUnit, mdevs: tuple[MediatedDevice, ...]) -> Finding:
    many = "mediated device" if len(mdevs) == 1 else "mediated devices"
    folder = device_path(unit.address)
    return Finding(
        cause=HELD,
        level=Level.BLOCKER,
        title=f"GPU {unit.address.short} is cut into {len(mdevs)} {many} (vGPUs): it cannot be had whole "
        "while they are there",
        evidence=(
            *(
                case.cite(f"{folder}/{mdev.name}", f"a {mdev.type}")
                for mdev in mdevs
                if isinstance(mdev.type, str)
            ),
            case.cite_driver(unit.primary),
        ),
        why="Mediated devices live of their card's driver and vanish with it, and with them the vGPUs of "
        "guests; nothing makes them again.",
        fix=Fix(
            "If no guest needs them, end the guests that have them and remove each; then give the card away.",
            (f"echo 1 | tee {folder}/*-*-*-*-*/remove", *give_away(unit).commands),
            "the guests that have them lose their vGPUs",
        ),
        confidence=0.95,
        units=(unit.address,),
    )


def _win_the_race(case: Case, unit: GpuUnit) -> Fix:
    now = give_away(unit)
    driver = unit.primary.driver
    lines = (
        f"echo 'softdep {driver} pre: vfio-pci' >> /etc/modprobe.d/vfio.conf",
        *rebuild_initramfs(case.host.distribution),
    )
    return Fix(
        "Give the card to vfio-pci now, by address; to keep it so at boot, load vfio-pci before the host "
        "driver "
        "and write the boot image again.",
        (*now.commands, *lines),
        "none now; the boot image is written again",
    )


def _left_to_host(case: Case, units: tuple[GpuUnit, ...]) -> Finding:
    many = len(units) > 1
    subject = f"{len(units)} GPUs ({list_units(units)}) are" if many else f"GPU {list_units(units)} is"
    return Finding(
        cause=HELD,
        level=Level.INFO,
        title=f"{subject} held by the host's drivers ({_drivers(units)}): no guest can have "
        + ("them as it is" if many else "it as it is"),
        evidence=tuple(case.cite_driver(function) for unit in units for function in unit.functions),
        why="Nothing on this host asks for passthrough of it (no ids for vfio-pci, no driver override), "
        "so this "
        "may be meant: the host's own display, or a card for containers.",
        fix=_iommu_first() if case.host.iommu.groups == {} else give_away(*units),
        confidence=0.9,
        units=tuple(unit.address for unit in units),
    )


def _iommu_first() -> Fix:
    """Where the IOMMU is off, a plan for the card would be refused."""
    return Fix("Nothing yet: turn the IOMMU on first, and ask again.", costs="nothing")


def _drivers(units: tuple[GpuUnit, ...]) -> str:
    names = (f.driver for unit in units for f in unit.functions if is_on_host_driver(f))
    return ", ".join(dict.fromkeys(name for name in names if isinstance(name, str)))
