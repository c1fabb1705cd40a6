"""What the inventory does not read of cards that are to be cut: mediated devices, vGPUs and MIG mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, Sriov
from gpucloud.model.unknown import Unknown
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import StepError
from gpucloud.prepare.steps.slices.mig import read_mig
from gpucloud.prepare.steps.slices.vgpu_type import read_type

if TYPE_CHECKING:
    from gpucloud.prepare.system import System


@dataclass(frozen=True, slots=True)
class Now:
    """How cards are cut now. What is in none of these was not looked at."""

    mdevs: frozenset[str] = frozenset()
    """UUIDs of mediated devices."""
    types: Mapping[PciAddress, int] = field(default_factory=dict)
    """Type of the vGPU that a virtual function has; 0: none."""
    mig: Mapping[PciAddress, bool | None | Unknown] = field(default_factory=dict)
    """MIG mode of the cards that are to be in it; None: they have none."""


NOTHING = Now()


def read_now(host: Host, system: System, units: Sequence[GpuUnit], in_mig: Sequence[GpuUnit]) -> Now:
    """Read it.

    Args:
        host: the host.
        system: the same host.
        units: cards whose virtual functions are looked at.
        in_mig: cards of which MIG mode is asked, which starts a program for each.
    """
    mdevs = system.list_dir(sysfs.MDEVS)
    types = {}
    for unit in units:
        sriov = unit.primary.sriov
        vfs = sriov.vfs if isinstance(sriov, Sriov) else ()
        for address in () if isinstance(vfs, Unknown) else vfs:
            if isinstance(offered(host, address), tuple):
                try:
                    types[address] = read_type(address, system)
                except StepError:  # it shows none: then none can be made of it either, which is said there
                    continue
    mig = {unit.address: read_mig(unit.address, system) for unit in in_mig}
    return Now(frozenset(mdevs) if isinstance(mdevs, tuple) else frozenset(), types, mig)


def offered(host: Host, address: PciAddress) -> tuple[str, ...] | None:
    """Types that NVIDIA's own VFIO interface offers on a function; None where it has no such interface."""
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    function = functions.get(address)
    if function is None or isinstance(function.vendor_vfio_types, Unknown):
        return None
    return tuple(type_.id for type_ in function.vendor_vfio_types) or None
