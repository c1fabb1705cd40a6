"""What the inventory does not read of cards that are to be cut: mediated devices, vGPUs and MIG mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gpucloud.model.change import SMI
from gpucloud.model.failure import Failure
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, Sriov
from gpucloud.model.unknown import Unknown
from gpucloud.prepare import sysfs
from gpucloud.prepare.layout.asked import ask_evidence
from gpucloud.prepare.steps.seen import StepError
from gpucloud.prepare.steps.slices.mig import read_mig
from gpucloud.prepare.steps.slices.vgpu_type import read_type
from gpucloud.slices.mig.card import MigCard
from gpucloud.slices.mig.evidence import mig_of

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
    instances: Mapping[PciAddress, MigCard | None | Unknown] = field(default_factory=dict)
    """What else is known of MIG on these cards; None: they have none."""


NOTHING = Now()


@dataclass(frozen=True, slots=True)
class ToCut:
    """Cards that a spec has cut into vGPUs, by what is to be read of them."""

    units: Sequence[GpuUnit]
    """All of them: their virtual functions are looked at."""
    in_mig: Sequence[GpuUnit]
    """Those that are to be in MIG mode."""


def read_now(host: Host, system: System, cut: ToCut) -> Now:
    """Read it.

    Args:
        host: the host.
        system: the same host.
        cut: cards that are to be cut; of some a program is asked.
    """
    mdevs = system.list_dir(sysfs.MDEVS)
    types = {}
    for unit in cut.units:
        sriov = unit.primary.sriov
        vfs = sriov.vfs if isinstance(sriov, Sriov) else ()
        for address in () if isinstance(vfs, Unknown) else vfs:
            if isinstance(offered(host, address), tuple):
                try:
                    types[address] = read_type(address, system)
                except StepError:  # it shows none: then none can be made of it either, which is said there
                    continue
    mig = {unit.address: read_mig(unit.address, system) for unit in cut.in_mig}
    return Now(
        frozenset(mdevs) if isinstance(mdevs, tuple) else frozenset(),
        types,
        mig,
        _instances(host, system, cut.in_mig),
    )


def _instances(
    host: Host, system: System, units: Sequence[GpuUnit]
) -> dict[PciAddress, MigCard | None | Unknown]:
    if not units:
        return {}
    try:
        evidence = ask_evidence(host, system, SMI, {})
    except Failure as failure:  # the other cards are made all the same
        return {unit.address: Unknown(failure.what) for unit in units}
    return {unit.address: mig_of(unit.primary, evidence) for unit in units}


def offered(host: Host, address: PciAddress) -> tuple[str, ...] | None:
    """Types that NVIDIA's own VFIO interface offers on a function; None where it has no such interface."""
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    function = functions.get(address)
    if function is None or isinstance(function.vendor_vfio_types, Unknown):
        return None
    return tuple(type_.id for type_ in function.vendor_vfio_types) or None
