"""Who asked for passthrough of a unit: what makes a host driver on it a fault and not a choice."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.doctor.case import Case, device_path
from gpucloud.doctor.options import ids_naming
from gpucloud.model.finding import Evidence, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import PciAddress, PciFunction, PciId, Sriov
from gpucloud.model.unknown import Unknown


def is_given_away(function: PciFunction) -> bool:
    """Claims that a driver holds the function for a guest.

    vfio-pci, pci-stub, and the vendors' vfio variants, whose names end in the same word
    (``nvgrace-gpu-vfio-pci``, ``xe-vfio-pci``). Source: Linux drivers/vfio/pci/*/main.c.
    """
    driver = function.driver
    return isinstance(driver, str) and (
        driver == "pci-stub" or driver.replace("_", "-").endswith(("vfio-pci", "vfio"))
    )


def is_on_host_driver(function: PciFunction) -> bool:
    """Claims that a driver of the host has the function: vfio then refuses its group."""
    return isinstance(function.driver, str) and not is_given_away(function)


def is_bmc(unit: GpuUnit) -> bool:
    """Claims the display of a server's management controller, which is no GPU to give away."""
    return unit.primary.is_management_display


def is_virtual_function(function: PciFunction) -> bool:
    """Claims an SR-IOV virtual function: it belongs to its card's slicing, not to whole-card passthrough."""
    return isinstance(function.physical_function, PciAddress)


def has_slices(unit: GpuUnit) -> bool:
    """Claims a card whose virtual functions or mediated devices exist: its driver has to stay for them."""
    sriov = unit.primary.sriov
    has_functions = isinstance(sriov, Sriov) and isinstance(sriov.enabled, int) and sriov.enabled > 0
    return has_functions or (isinstance(unit.primary.mdevs, tuple) and bool(unit.primary.mdevs))


def is_sliced(unit: GpuUnit) -> bool:
    """Claims a card that offers vGPUs or virtual functions now: its host driver has to stay."""
    return not isinstance(unit.uses, Unknown) and any(use != "passthrough" for use in unit.uses)


def cards(case: Case) -> tuple[GpuUnit, ...]:
    """The units that could be given to guests whole: no management displays, no virtual functions."""
    return case.once(_cards)


def _cards(case: Case) -> tuple[GpuUnit, ...]:
    return tuple(
        unit for unit in case.host.units if not is_bmc(unit) and not is_virtual_function(unit.primary)
    )


def asked_by_ids(case: Case, unit: GpuUnit) -> tuple[Evidence, ...]:
    """The option lines that name one of the unit's functions by id for vfio-pci or pci-stub."""
    idents = (function.id for function in unit.functions if isinstance(function.id, PciId))
    return tuple(given.evidence for given in ids_naming(case, *idents))


def wishes(case: Case, unit: GpuUnit) -> tuple[Evidence, ...]:
    """Every sign that somebody wants the unit in a guest; empty where there is none.

    Ids given to vfio-pci, a driver override, or a function that is already given away.
    """
    return (*asked_by_ids(case, unit), *_overridden(case, unit), *_already_given(case, unit))


def stakes(case: Case, unit: GpuUnit) -> Level:
    """How much it weighs when the unit cannot be given away.

    A blocker where passthrough is wanted; else information: the host may need its card.
    """
    is_wanted = unit.address in case.named or bool(wishes(case, unit))
    return Level.BLOCKER if is_wanted else Level.INFO


def _overridden(case: Case, unit: GpuUnit) -> Iterator[Evidence]:
    for function in unit.functions:
        override = function.driver_override
        if isinstance(override, str) and "vfio" in override:
            yield case.cite(f"{device_path(function.address)}/driver_override", override)


def _already_given(case: Case, unit: GpuUnit) -> Iterator[Evidence]:
    for function in unit.functions:
        if is_given_away(function):
            yield case.cite_driver(function)
