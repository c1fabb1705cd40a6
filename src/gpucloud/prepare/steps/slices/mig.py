"""MIG mode of a card, which only NVIDIA's own tool shows and sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import SMI, SetMigMode
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import Difference, StepError, known
from gpucloud.prepare.steps.slices.inside import refuse_used_card
from gpucloud.prepare.steps.slices.tool import TOOL

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

_ANSWERS = {"Enabled": True, "Disabled": False}
_NONE = "N/A"
"""What it says of a card that has no MIG (nvidia-smi(1), "MIG Mode")."""


def read_mig(address: PciAddress, system: System, tool: str = SMI) -> bool | None | Unknown:
    """Whether the card is in MIG mode; None where it has none."""
    modes = _read_modes(address, system, tool)
    return modes if isinstance(modes, Unknown) else modes[0]


def _read_modes(address: PciAddress, system: System, tool: str) -> tuple[bool | None, bool | None] | Unknown:
    """The mode that it has, and the one that it has after a reset."""
    try:
        said = system.ask_tool(
            (
                tool,
                "-i",
                str(address),
                "--query-gpu=mig.mode.current,mig.mode.pending",
                "--format=csv,noheader",
            )
        )
    except OSError as error:
        return Unknown(f"MIG mode of {address} could not be asked: {error}")
    current, _, pending = said.strip().partition(",")
    if _NONE not in current and current.strip() not in _ANSWERS:
        return Unknown(f"MIG mode of {address}: nvidia-smi says {current.strip()[:60]!r}")
    return _ANSWERS.get(current.strip()), _ANSWERS.get(pending.strip())


def do_mig(change: SetMigMode, system: System) -> None:
    """Set the mode; nothing to do where it is so already."""
    _set(change, change.after, system)


def undo_mig(change: SetMigMode, system: System) -> None:
    """Set the mode that was before, also where the other one only waits for a reset."""
    _set(change, change.before, system)


def preview_mig(change: SetMigMode) -> Difference:
    """The mode before and after."""
    return Difference(f"MIG mode of {change.address}", say_mode(change.before), say_mode(change.after))


def say_mode(is_on: bool) -> str:
    """The mode in a word."""
    return "on" if is_on else "off"


def _refuse_with_vfs(address: PciAddress, system: System) -> None:
    """The driver keeps the mode of a card with virtual functions: "In use by another client"."""
    number = known(system.read_text(sysfs.function(address, "sriov_numvfs")))
    if number is not None and number.strip() != "0":
        raise StepError(
            f"virtual functions of {address} are on, and keep its MIG mode as it is: {TOOL} -d {address}"
        )


def _set(change: SetMigMode, wanted: bool, system: System) -> None:
    """The driver resets some models for it, and none that somebody has open: its mode waits then."""
    address, tool = change.address, change.tool
    modes = _read_modes(address, system, tool)
    if modes == (wanted, wanted):
        return
    if not isinstance(modes, Unknown) and modes[0] is not wanted:
        refuse_used_card(address, system)
        _refuse_with_vfs(address, system)
    try:
        system.run_tool((tool, "-i", str(address), "-mig", str(int(wanted))))
    except OSError as error:
        raise StepError(f"MIG mode of {address} could not be set: {error}") from error
    if not system.settles(lambda: _read_modes(address, system, tool) == (wanted, wanted)):
        raise StepError(
            f"MIG mode of {address} is not {say_mode(wanted)} yet: a program has the card open (dcgm, "
            f"nvidia-persistenced), or the card has to be reset: nvidia-smi -i {address} --gpu-reset"
        )
