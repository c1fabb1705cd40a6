"""How plans call things: one wording for units, functions and lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import PciAddress, PciFunction

AS_ROOT = "read the host as root, or take a whole capture: sudo gpucloud capture"
"""What to do where a fact could not be read."""


def call_unit(unit: GpuUnit) -> str:
    """``GPU 3b:00.0 (Tesla V100S PCIe 32GB)``."""
    return f"GPU {unit.address.short} ({unit.primary.name})"


def call_function(function: PciFunction) -> str:
    """``3b:00.1 (GA102 High Definition Audio Controller)``."""
    return f"{function.address.short} ({function.name})"


def name_units(addresses: Iterable[PciAddress]) -> str:
    """The options that name units on the command line: ``--unit 3b:00.0 --unit 3c:00.0``."""
    return " ".join(f"--unit {address.short}" for address in addresses)


def join(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
