"""Each kind of change done, taken back and shown: the one place that knows all kinds.

``do`` and ``undo`` look before they write, so both may be repeated after a crash: a step that has happened
is not done twice, and one that has not is not taken back. Both read back what they wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from gpucloud.model.change import (
    BindDriver,
    Change,
    Cut,
    DetachConsole,
    LoadModule,
    OnDisk,
    ReleaseFramebuffer,
    SetDriverOverride,
    UnbindDriver,
)
from gpucloud.prepare.steps import console, driver, framebuffer, module, override, slices
from gpucloud.prepare.steps.on_disk import do_on_disk, preview_on_disk, undo_on_disk
from gpucloud.prepare.steps.seen import Difference, NotAsPlannedError, StepError

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

__all__ = ["Difference", "NotAsPlannedError", "StepError", "do", "preview", "undo"]


def do(change: Change, system: System) -> None:
    """Make the change.

    Raises:
        NotAsPlannedError: it was not begun.
        StepError: it cannot be made, or was not found made afterwards.
        StillWaitingError: the kernel has not answered.
    """
    if isinstance(change, OnDisk):
        do_on_disk(change, system)
        return
    if isinstance(change, Cut):
        slices.do_cut(change, system)
        return
    match change:
        case LoadModule():
            module.do_load(change, system)
        case DetachConsole():
            console.do_detach(change, system)
        case ReleaseFramebuffer():
            framebuffer.do_release(change, system)
        case SetDriverOverride():
            override.do_override(change, system)
        case UnbindDriver():
            driver.do_unbind(change, system)
        case BindDriver():
            driver.do_bind(change, system)
        case _:
            assert_never(change)


def undo(change: Change, system: System, *, force: bool = False) -> str | None:
    """Take the change back; gives the reason where it stays on purpose.

    Args:
        change: what may have been made.
        system: the host.
        force: also where somebody else has changed the same thing since.

    Raises:
        StepError: it cannot be taken back, or was still found made afterwards.
        StillWaitingError: the kernel has not answered.
    """
    if isinstance(change, OnDisk):
        undo_on_disk(change, system, force=force)
        return None
    if isinstance(change, Cut):
        slices.undo_cut(change, system, force=force)
        return None
    match change:
        case LoadModule():
            return module.undo_load(change, system)
        case DetachConsole():
            return console.undo_detach(change, system)
        case ReleaseFramebuffer():
            return framebuffer.undo_release(change, system)
        case SetDriverOverride():
            override.undo_override(change, system, force=force)
        case UnbindDriver():
            driver.undo_unbind(change, system)
        case BindDriver():
            driver.undo_bind(change, system, force=force)
        case _:
            assert_never(change)
    return None


def preview(change: Change) -> Difference:
    """The file that the change changes, with what it says before and after."""
    if isinstance(change, OnDisk):
        return preview_on_disk(change)
    if isinstance(change, Cut):
        return slices.preview_cut(change)
    match change:
        case LoadModule():
            return module.preview_load(change)
        case DetachConsole():
            return console.preview_detach(change)
        case ReleaseFramebuffer():
            return framebuffer.preview_release(change)
        case SetDriverOverride():
            return override.preview_override(change)
        case UnbindDriver():
            return driver.preview_unbind(change)
        case BindDriver():
            return driver.preview_bind(change)
        case _:
            assert_never(change)
