"""Each kind of change that cuts a card into slices done, taken back and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from gpucloud.model.change import (
    Cut,
    MakeGpuInstance,
    MakeMdev,
    RemoveGpuInstance,
    RemoveMdev,
    SetMigMode,
    SetMixedSizes,
    SetVfs,
    SetVgpuType,
    SwitchVfs,
)
from gpucloud.prepare.steps.slices import instance, mdev, mig, mixed, tool, vfs, vgpu_type

if TYPE_CHECKING:
    from gpucloud.prepare.steps.seen import Difference
    from gpucloud.prepare.system import System


def do_cut(change: Cut, system: System) -> None:
    """Make the change; errors as of ``steps.do``."""
    match change:
        case SetVfs():
            vfs.do_vfs(change, system)
        case SwitchVfs():
            tool.do_switch(change, system)
        case SetMigMode():
            mig.do_mig(change, system)
        case SetMixedSizes():
            mixed.do_mixed(change, system)
        case MakeGpuInstance():
            instance.make_instance(change, system)
        case RemoveGpuInstance():
            instance.remove_instance(change, system)
        case SetVgpuType():
            vgpu_type.do_type(change, system)
        case MakeMdev():
            mdev.make(change, system)
        case RemoveMdev():
            mdev.remove(change, system)
        case _:
            assert_never(change)


def undo_cut(change: Cut, system: System, *, force: bool) -> None:
    """Take the change back; errors as of ``steps.undo``."""
    match change:
        case SetVfs():
            vfs.undo_vfs(change, system, force=force)
        case SwitchVfs():
            tool.undo_switch(change, system)
        case SetMigMode():
            mig.undo_mig(change, system)
        case SetMixedSizes():
            mixed.undo_mixed(change, system)
        case MakeGpuInstance():
            instance.remove_instance(change, system)
        case RemoveGpuInstance():
            instance.make_instance(change, system)
        case SetVgpuType():
            vgpu_type.undo_type(change, system, force=force)
        case MakeMdev():
            mdev.remove(change, system)
        case RemoveMdev():
            mdev.make(change, system)
        case _:
            assert_never(change)


def preview_cut(change: Cut) -> Difference:
    """What the change changes, before and after."""
    match change:
        case SetVfs():
            return vfs.preview_vfs(change)
        case SwitchVfs():
            return tool.preview_switch(change)
        case SetMigMode():
            return mig.preview_mig(change)
        case SetMixedSizes():
            return mixed.preview_mixed(change)
        case MakeGpuInstance():
            return instance.preview_made(change)
        case RemoveGpuInstance():
            return instance.preview_gone(change)
        case SetVgpuType():
            return vgpu_type.preview_type(change)
        case MakeMdev():
            return mdev.preview_make(change)
        case RemoveMdev():
            return mdev.preview_remove(change)
        case _:
            assert_never(change)
