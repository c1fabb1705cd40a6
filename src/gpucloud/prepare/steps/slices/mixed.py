"""vGPUs of several sizes on one card: NVIDIA's mixed-size mode, which only its own tool shows and sets.

It is set before any vGPU is made, after virtual functions are on: NVIDIA's sriov-manage ends it, and so do a
restart and a reload of the driver. Sources: NVIDIA Virtual GPU Software User Guide, "Putting a GPU Into
Mixed-Size Mode"; measured on R580: bigstack-oss/cubecos, pull request 1338.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import SMI, SetMixedSizes
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.steps.seen import Difference, StepError
from gpucloud.prepare.steps.slices.mig import say_mode
from gpucloud.prepare.steps.slices.users import refuse_used_vgpus
from gpucloud.slices.mig.log import parse_log

if TYPE_CHECKING:
    from gpucloud.model.pci import PciAddress
    from gpucloud.prepare.system import System


def read_mixed(address: PciAddress, system: System, tool: str = SMI) -> bool | Unknown:
    """Whether the card takes vGPUs of several sizes now."""
    try:
        logged = parse_log(system.ask_tool((tool, "-i", str(address), "-q", "-x")))
    except (OSError, ValueError) as error:
        return Unknown(f"mixed-size mode of {address} could not be asked: {error}")
    nothing = Unknown(f"nvidia-smi says nothing of {address}")
    return next((each.is_mixed for each in logged if each.address == address), nothing)


def do_mixed(change: SetMixedSizes, system: System) -> None:
    """Set the mode; nothing to do where it is so already."""
    _set(change, change.after, system)


def undo_mixed(change: SetMixedSizes, system: System) -> None:
    """Set the mode that was before; a restart has done that already."""
    _set(change, change.before, system)


def preview_mixed(change: SetMixedSizes) -> Difference:
    """The mode before and after."""
    return Difference(
        f"mixed vGPU sizes of {change.address}", say_mode(change.before), say_mode(change.after)
    )


def _set(change: SetMixedSizes, wanted: bool, system: System) -> None:
    address, tool = change.address, change.tool
    if read_mixed(address, system, tool) is wanted:
        return
    refuse_used_vgpus(address, system)
    try:
        system.run_tool((tool, "vgpu", "-i", str(address), "-shm", str(int(wanted))))
    except OSError as error:
        raise StepError(f"mixed-size mode of {address} could not be set: {error}") from error
    seen = read_mixed(address, system, tool)
    if seen is not wanted:
        why = f": {seen.why}" if isinstance(seen, Unknown) else ""
        raise StepError(f"mixed-size mode of {address} is not {say_mode(wanted)} though it was set{why}")
