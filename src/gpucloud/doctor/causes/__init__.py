"""The registry of causes: what each is, how it shows, what to do, and where that is written."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gpucloud.doctor.causes import binding, guest, iommu, nova, vgpu
from gpucloud.doctor.causes.cause import Cause, Heading

__all__ = ["CAUSES", "HEADINGS", "Cause", "Heading"]

HEADINGS: tuple[Heading, ...] = (
    iommu.IOMMU,
    binding.ISOLATION,
    binding.BINDING,
    guest.LIMITS,
    guest.CARD,
    guest.PLATFORM,
    guest.DRIVERS,
    vgpu.VGPU,
    nova.NOVA_CONFIGURATION,
    nova.NOVA_STATE,
)
"""All causes under their headings, in the order in which a chain breaks."""

CAUSES: Mapping[str, Cause] = MappingProxyType(
    {cause.id: cause for heading in HEADINGS for cause in heading.causes}
)
"""Causes by id."""
