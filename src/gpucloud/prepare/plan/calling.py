"""What each change is called, in a few words."""

from __future__ import annotations

from typing import assert_never

from gpucloud.model.change import (
    BindDriver,
    Change,
    Cut,
    DetachConsole,
    EnableService,
    EnableUnit,
    InstallPackage,
    KeepOldStart,
    LoadModule,
    MakeGpuInstance,
    MakeMdev,
    OnDisk,
    ReleaseFramebuffer,
    RemoveFile,
    RemoveGpuInstance,
    RemoveMdev,
    RunTool,
    SetDriverOverride,
    SetGrubVariable,
    SetMigMode,
    SetMixedSizes,
    SetVfs,
    SetVgpuType,
    SwitchVfs,
    TryNewStart,
    UnbindDriver,
    WriteFile,
)


def call_change(change: Change) -> str:
    """A change in a few words: ``unbind 0000:3b:00.0 from nvidia``."""
    if isinstance(change, OnDisk):
        return _call_on_disk(change)
    if isinstance(change, Cut):
        return _call_cut(change)
    match change:
        case LoadModule():
            return " ".join(("load the module", change.module, *change.options))
        case DetachConsole():
            return f"take the text console off the {change.driver}"
        case ReleaseFramebuffer():
            return f"take the boot framebuffer {change.device} from {change.driver}"
        case SetDriverOverride(after=None):
            return f"clear the driver override of {change.address}"
        case SetDriverOverride():
            return f"let only {change.after} take {change.address}"
        case UnbindDriver():
            return f"unbind {change.address} from {change.driver}"
        case BindDriver():
            return f"bind {change.address} to {change.driver}"
        case _:
            assert_never(change)


def _call_cut(change: Cut) -> str:
    match change:
        case SetVfs() | SwitchVfs():
            return f"make {change.after} virtual functions of {change.address}"
        case SetMigMode():
            return f"switch MIG mode of {change.address} {'on' if change.after else 'off'}"
        case SetMixedSizes():
            return f"switch mixed vGPU sizes of {change.address} {'on' if change.after else 'off'}"
        case MakeGpuInstance():
            return f"make the MIG instance {change.name} at {change.start} of {change.address}"
        case RemoveGpuInstance():
            return f"remove the MIG instance {change.name} at {change.start} of {change.address}"
        case SetVgpuType(after=0):
            return f"clear the vGPU type of {change.address}"
        case SetVgpuType():
            return f"make a vGPU of type {change.after} of {change.address}"
        case MakeMdev():
            return f"make the mediated device {change.uuid} of type {change.type} of {change.address}"
        case RemoveMdev():
            return f"remove the mediated device {change.uuid} of type {change.type} of {change.address}"
        case _:
            assert_never(change)


def _call_on_disk(change: OnDisk) -> str:
    match change:
        case WriteFile():
            return f"{'write' if change.before is None else 'change'} {change.path}"
        case RemoveFile():
            return f"remove {change.path}"
        case EnableUnit():
            return f"{'enable' if change.is_on else 'disable'} {change.unit.rpartition('/')[2]}"
        case RunTool():
            once = "" if change.when == "apply" else "on undo, when the files are back: "
            return f"{once}run {' '.join(change.argv)}"
        case InstallPackage():
            return f"install {change.after.name} {change.after.version} from {change.after.file}"
        case EnableService():
            return f"let {change.name} run from the next start on"
        case SetGrubVariable():
            return f"change {change.variable} in {change.path}"
        case KeepOldStart():
            return f"keep the old start as a boot entry, with {change.copy}"
        case TryNewStart():
            tried = f"new start be tried {change.tries} times" if change.tries else "old start be taken"
            return f"let the {tried}"
        case _:
            assert_never(change)
