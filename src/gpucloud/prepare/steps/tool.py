"""Tools of the distribution that make the boot menu and the initramfs anew from the files of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import RunTool
from gpucloud.prepare.steps.seen import Difference, StepError

if TYPE_CHECKING:
    from gpucloud.prepare.system import System


def do_run(change: RunTool, system: System) -> None:
    """Run the tool; every run makes the same of the same files, so it may be repeated."""
    if change.when == "apply":
        _run(change, system)


def undo_run(change: RunTool, system: System) -> None:
    """Run the tool on the files that undo has restored by now."""
    if change.when == "undo":
        _run(change, system)


def _run(change: RunTool, system: System) -> None:
    try:
        system.run_tool(change.argv)
        system.checkpoint()
    except OSError as error:
        raise StepError(f"{change.makes} could not be made: {error}") from error


def preview_run(change: RunTool) -> Difference:
    """The command, in place of the files that only the tool knows how to write."""
    line = " ".join(change.argv)
    return Difference(change.makes, None, line if change.when == "apply" else f"(on undo) {line}")
