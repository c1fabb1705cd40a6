"""Why a plan can be refused: the reasons that are prepare's own, beside the doctor's causes.

A refusal names its reason by an id. Where the doctor's taxonomy has a cause for it, that cause is the reason;
the others are here, in the same shape, so that ``gpucloud explain`` knows both. An id never changes its
meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gpucloud.doctor.causes import Cause
from gpucloud.prepare.refusals.console import LAST
from gpucloud.prepare.refusals.group import GROUP
from gpucloud.prepare.refusals.start import START
from gpucloud.prepare.refusals.unit import UNIT
from gpucloud.prepare.refusals.unknown import UNKNOWN

__all__ = ["REFUSALS", "SHARED"]

REFUSALS: Mapping[str, Cause] = MappingProxyType(
    {each.id: each for each in (*GROUP, *UNIT, *LAST, *START, *UNKNOWN)}
)
"""Reasons by id: of the group, the unit, the console and the next start, and what could not be read."""

SHARED = (
    "acs-missing",
    "boot-framebuffer-holds-gpu",
    "gpu-in-use",
    "iommu-disabled-firmware",
    "wrong-kernel-module",
)
"""Causes of the doctor's taxonomy that a plan is refused for, too."""
