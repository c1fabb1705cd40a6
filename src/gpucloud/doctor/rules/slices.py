"""Slices that somebody has set a host up for, and that its cards do not offer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpucloud.doctor.case import Blind, Case
from gpucloud.doctor.intent import cards, is_given_away
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import Sriov
from gpucloud.model.unknown import Unknown
from gpucloud.slices.absence import UNSUPPORTED, why_none
from gpucloud.slices.interface import AMD, INTEL, NVIDIA, recognise, vendor_of
from gpucloud.slices.profile import Interface

_NO_TYPES = "vgpu-no-mdev-types"
_MANAGER = "nvidia_vgpu_vfio"
_OF_INTEL = ("i915.enable_gvt=", "i915.max_vfs=", "xe.max_vfs=")
"""Arguments that mean slices and nothing else (i915_params.c, xe_module.c)."""
_OFF = ("=0", "=N", "=n")


@rule
def slices_not_offered(case: Case) -> Answers:
    """The host is set up to cut its cards, and one of them offers no slices."""
    if case.paper is not None or isinstance(case.host.functions, Unknown):
        return
    units = [unit for unit in cards(case) if not is_given_away(unit.primary)]
    offers = {unit.address: recognise(unit, case.host.functions) for unit in units}
    does_any = any(isinstance(each, Interface) for each in offers.values())
    for unit in units:
        offer = offers[unit.address]
        signs = () if isinstance(offer, Interface) else tuple(_signs(case, unit))
        if not signs:
            continue
        found = offer if isinstance(offer, Unknown) else why_none(unit, case.host)
        if isinstance(found, Unknown):
            yield Blind(_NO_TYPES, f"why {unit.address.short} offers no slices", found.why)
            continue
        is_whole = found.cause == UNSUPPORTED and does_any
        level = Level.INFO if is_whole else Level.WARNING
        yield replace(found, level=level, evidence=(*found.evidence, *signs))


def _signs(case: Case, unit: GpuUnit) -> Iterator[Evidence]:
    """That slices are wanted of the card: no host has these by itself."""
    kernel, vendor = case.host.kernel, vendor_of(unit.primary)
    if vendor == NVIDIA:
        for modules, place in (
            (kernel.loaded_modules, f"/sys/module/{_MANAGER}"),
            (kernel.available_modules, "/lib/modules"),
        ):
            if isinstance(modules, frozenset) and _MANAGER in modules:
                yield case.cite(place, f"{_MANAGER}: the host has the vGPU manager")
                break
    elif vendor == AMD and unit.primary.driver == "gim":
        yield case.cite_driver(unit.primary)
    elif vendor == INTEL and isinstance(kernel.arguments, tuple):
        for word in kernel.arguments:
            if word.startswith(_OF_INTEL) and not word.endswith(_OFF):
                yield case.cite("/proc/cmdline", word)
    sriov = unit.primary.sriov
    if isinstance(sriov, Sriov) and isinstance(sriov.enabled, int) and sriov.enabled:
        yield Evidence(f"/sys/bus/pci/devices/{unit.address}/sriov_numvfs", str(sriov.enabled))
