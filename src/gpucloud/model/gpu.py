"""The GPU unit: a card with all that must travel with it into one guest."""

from __future__ import annotations

from dataclasses import dataclass

from gpucloud.model.pci import PciAddress, PciFunction
from gpucloud.model.unknown import Unknown


@dataclass(frozen=True, slots=True)
class GpuUnit:
    """A GPU with its companions (audio, USB, UCSI), and who else lives in its IOMMU groups."""

    functions: tuple[PciFunction, ...]
    """The display or accelerator function first, then companions by address. Never empty."""
    groups: tuple[int, ...]
    """IOMMU groups of all functions, each once, in order; empty where there are none or unknown."""
    group_peers: tuple[PciAddress, ...]
    """Endpoints of these groups that are no part of the unit: they bind the unit's fate."""
    uses: tuple[str, ...] | Unknown
    """What the host shows it can be used for: passthrough, sriov, vgpu-mdev, vgpu-vfio. Unknown where nothing
    is shown and not all that would show it could be read."""

    @property
    def primary(self) -> PciFunction:
        """The display or accelerator function, by whose address the unit is called."""
        return self.functions[0]

    @property
    def address(self) -> PciAddress:
        return self.primary.address

    @property
    def addresses(self) -> tuple[PciAddress, ...]:
        return tuple(function.address for function in self.functions)
