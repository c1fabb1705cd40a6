"""Services that packages bring, started at every start or not any more, by systemctl."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import EnableService
from gpucloud.prepare.steps.seen import Difference, StepError

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

_ON = "enabled"
_OFF = "disabled"


def do_enable(change: EnableService, system: System) -> None:
    """Enable it; nothing to do where it is so already."""
    _set(change.name, True, system)


def undo_enable(change: EnableService, system: System) -> None:
    """Disable it again, where it was not enabled before."""
    if not change.was_on:
        _set(change.name, False, system)


def preview_enable(change: EnableService) -> Difference:
    """Whether it is enabled, before and after."""
    return Difference(change.name, _ON if change.was_on else _OFF, _ON)


def is_enabled(name: str, system: System) -> bool:
    """Claims that it is; systemctl ends with another number than 0 where it is not, or is not there."""
    try:
        return system.ask_tool(("systemctl", "is-enabled", name)).strip() == _ON
    except OSError:
        return False


def _set(name: str, wanted: bool, system: System) -> None:
    if is_enabled(name, system) is wanted:
        return
    try:
        system.run_tool(("systemctl", "enable" if wanted else "disable", name))
    except OSError as error:
        raise StepError(str(error)) from error
    if is_enabled(name, system) is not wanted:
        raise StepError(f"{name} is not {_ON if wanted else _OFF} after systemctl was run")
