"""Slices that somebody has set a host up for, and that its cards do not offer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpucloud.doctor.case import Blind, Case, device_path
from gpucloud.doctor.intent import cards, is_given_away
from gpucloud.doctor.options import module_options
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import PciFunction, Sriov
from gpucloud.model.unknown import Unknown
from gpucloud.slices.absence import GIM, MANAGER, UNSUPPORTED, why_none
from gpucloud.slices.interface import AMD, INTEL, NVIDIA, recognise, vendor_of
from gpucloud.slices.profile import Interface

_NO_TYPES = "vgpu-no-mdev-types"
_OF_INTEL = {"i915": ("enable_gvt", "max_vfs"), "xe": ("max_vfs",)}
"""Options of modules that mean slices and nothing else (i915_params.c, xe_module.c)."""
_OFF = ("0", "n", "f", "of")
"""How a value begins that says no, in small letters (lib/kstrtox.c kstrtobool)."""


@rule
def slices_not_offered(case: Case) -> Answers:
    """The host is set up to cut its cards, and one of them offers no slices."""
    if case.paper is not None or isinstance(case.host.functions, Unknown):
        return
    if isinstance(case.sliced, Unknown):
        yield Blind(_NO_TYPES, "which cards the applied spec cuts", case.sliced.why)
    units = [unit for unit in cards(case) if not is_given_away(unit.primary)]
    offers = {unit.address: recognise(unit, case.host.functions) for unit in units}
    can = {vendor_of(unit.primary) for unit in units if isinstance(offers[unit.address], Interface)}
    missing = []
    for unit in units:
        offer = offers[unit.address]
        signs = () if isinstance(offer, Interface) else tuple(_signs(case, unit))
        if not signs:
            continue
        found = offer if isinstance(offer, Unknown) else why_none(unit, case.host)
        if isinstance(found, Unknown):
            yield Blind(_NO_TYPES, f"why {unit.address.short} offers no slices", found.why)
            continue
        if found.cause != UNSUPPORTED:
            can.add(vendor_of(unit.primary))
        missing.append((unit, replace(found, evidence=(*found.evidence, *signs))))
    for unit, found in missing:  # a board that cannot, beside one that is meant, is no mistake
        is_whole = found.cause == UNSUPPORTED and vendor_of(unit.primary) in can
        yield replace(found, level=Level.INFO if is_whole else Level.WARNING)


def _signs(case: Case, unit: GpuUnit) -> Iterator[Evidence]:
    """That slices are wanted of the card: no host has these by itself."""
    card = unit.primary
    if not isinstance(case.sliced, Unknown) and card.address in case.sliced:
        yield case.sliced[card.address]
    vendor = vendor_of(card)
    if vendor == NVIDIA:
        yield from _module(case, MANAGER, "the host has the vGPU manager")
    elif vendor == AMD:
        yield from _gims(case, card)
    elif vendor == INTEL:
        yield from _options(case, card)
    if isinstance(card.sriov, Sriov) and isinstance(card.sriov.enabled, int) and card.sriov.enabled:
        yield Evidence(f"{device_path(card.address)}/sriov_numvfs", str(card.sriov.enabled))


def _module(case: Case, name: str, meaning: str) -> Iterator[Evidence]:
    kernel = case.host.kernel
    seen = ((kernel.loaded_modules, f"/sys/module/{name}"), (kernel.available_modules, "/lib/modules"))
    for modules, place in seen:
        if isinstance(modules, frozenset) and name in modules:
            yield case.cite(place, f"{name}: {meaning}")
            return


def _gims(case: Case, card: PciFunction) -> Iterator[Evidence]:
    """The driver gim: it has the card, or is there, has none, and could have this one."""
    if card.driver == GIM:
        yield case.cite_driver(card)
        return
    has_none = card.sriov is None or (isinstance(card.sriov, Sriov) and card.sriov.total == 0)
    if not has_none and not any(unit.primary.driver == GIM for unit in cards(case)):
        yield from _module(case, GIM, "the host has AMD's driver that makes virtual functions")


def _options(case: Case, card: PciFunction) -> Iterator[Evidence]:
    """Options of the driver that has the card; of a repeated one the last counts."""
    wanted = _OF_INTEL.get(card.driver, ()) if isinstance(card.driver, str) else ()
    given = {each.name: each for each in module_options(case) if each.module == card.driver}
    for option in (given[name] for name in wanted if name in given):
        if not option.value.strip("\"'").lower().startswith(_OFF):
            yield option.evidence
