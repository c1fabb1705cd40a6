"""Each kind of change that stays over a restart done, taken back and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from gpucloud.model.change import (
    EnableService,
    EnableUnit,
    InstallPackage,
    KeepOldStart,
    OnDisk,
    RemoveFile,
    RunTool,
    SetGrubVariable,
    TryNewStart,
    WriteFile,
)
from gpucloud.prepare.steps import fallback, file, package, service, tool, unit

if TYPE_CHECKING:
    from gpucloud.prepare.steps.seen import Difference, Foreign
    from gpucloud.prepare.system import System


def do_on_disk(change: OnDisk, system: System) -> None:
    """Make the change; errors as of ``steps.do``."""
    match change:
        case WriteFile():
            file.do_write(change, system)
        case RemoveFile():
            file.do_remove(change, system)
        case EnableUnit():
            unit.do_enable(change, system)
        case RunTool():
            tool.do_run(change, system)
        case InstallPackage():
            package.do_install(change, system)
        case EnableService():
            service.do_enable(change, system)
        case KeepOldStart():
            fallback.do_keep(change, system)
        case SetGrubVariable():
            fallback.do_set(change, system)
        case TryNewStart():
            fallback.do_try(change, system)
        case _:
            assert_never(change)


def undo_on_disk(change: OnDisk, system: System, *, force: bool) -> None:
    """Take the change back; errors as of ``steps.undo``."""
    match change:
        case WriteFile():
            file.undo_write(change, system, force=force)
        case RemoveFile():
            file.undo_remove(change, system, force=force)
        case EnableUnit():
            unit.undo_enable(change, system, force=force)
        case RunTool():
            tool.undo_run(change, system)
        case InstallPackage():
            package.undo_install(change, system, force=force)
        case EnableService():
            service.undo_enable(change, system)
        case KeepOldStart():
            fallback.undo_keep(change, system, force=force)
        case SetGrubVariable():
            fallback.undo_set(change, system, force=force)
        case TryNewStart():
            fallback.undo_try(change, system)
        case _:
            assert_never(change)


def foreign_on_disk(change: OnDisk, system: System) -> Foreign | None:
    """What somebody else made of what the change writes, for an undo that writes over it; None: nobody did.

    Raises:
        StepError: it cannot be read.
    """
    match change:
        case WriteFile() | RemoveFile():
            return file.foreign_file(change, system)
        case EnableUnit():
            return unit.foreign_link(change, system)
        case KeepOldStart():
            return fallback.foreign_entry(change, system)
        case SetGrubVariable():
            return fallback.foreign_variable(change, system)
        case RunTool() | TryNewStart() | InstallPackage() | EnableService():
            return None
        case _:
            assert_never(change)


def preview_on_disk(change: OnDisk) -> Difference:
    """What the change changes, before and after."""
    match change:
        case WriteFile():
            return file.preview_write(change)
        case RemoveFile():
            return file.preview_remove(change)
        case EnableUnit():
            return unit.preview_enable(change)
        case RunTool():
            return tool.preview_run(change)
        case InstallPackage():
            return package.preview_install(change)
        case EnableService():
            return service.preview_enable(change)
        case KeepOldStart():
            return fallback.preview_keep(change)
        case SetGrubVariable():
            return fallback.preview_set(change)
        case TryNewStart():
            return fallback.preview_try(change)
        case _:
            assert_never(change)
