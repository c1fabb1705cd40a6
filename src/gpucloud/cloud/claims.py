"""Who has which host function: the guests of libvirt, gpucloud's own and all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpucloud.model.pci import PciAddress


@dataclass(frozen=True, slots=True)
class Claims:
    """Functions by the name of the guest that has them."""

    running: Mapping[PciAddress, str] = field(default_factory=dict)
    """In use now."""
    defined: Mapping[PciAddress, str] = field(default_factory=dict)
    """Named by the definition of a guest that does not run: it could not start without them."""
