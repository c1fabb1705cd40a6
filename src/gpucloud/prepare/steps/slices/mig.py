"""MIG mode of a card, which only NVIDIA's own tool shows and sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import SetMigMode
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.steps.seen import Difference, StepError

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

_SMI = "nvidia-smi"
_ANSWERS = {"Enabled": True, "Disabled": False}


def read_mig(address: PciAddress, system: System) -> bool | None | Unknown:
    """Whether the card is in MIG mode; None where it has none."""
    try:
        said = system.ask_tool(
            (_SMI, "-i", str(address), "--query-gpu=mig.mode.current", "--format=csv,noheader")
        )
    except OSError as error:
        return Unknown(f"MIG mode of {address} could not be asked: {error}")
    return _ANSWERS.get(said.strip())


def do_mig(change: SetMigMode, system: System) -> None:
    """Set the mode; nothing to do where it is so already."""
    _set(change.address, change.after, system)


def undo_mig(change: SetMigMode, system: System) -> None:
    """Set the mode that was before."""
    _set(change.address, change.before, system)


def preview_mig(change: SetMigMode) -> Difference:
    """The mode before and after."""
    return Difference(f"MIG mode of {change.address}", _say(change.before), _say(change.after))


def _say(is_on: bool) -> str:
    return "on" if is_on else "off"


def _set(address: PciAddress, wanted: bool, system: System) -> None:
    if read_mig(address, system) is wanted:
        return
    try:
        system.run_tool((_SMI, "-i", str(address), "-mig", str(int(wanted))))
    except OSError as error:
        raise StepError(f"MIG mode of {address} could not be set: {error}") from error
    if not system.settles(lambda: read_mig(address, system) is wanted):
        raise StepError(
            f"MIG mode of {address} is not {_say(wanted)} yet: a program has the card open (dcgm, "
            "nvidia-persistenced), or the card has to be reset"
        )
