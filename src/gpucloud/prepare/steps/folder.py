"""Folders made for what is put into them, and removed where nothing else came to be there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpucloud.prepare.steps.seen import StepError

if TYPE_CHECKING:
    from gpucloud.prepare.system import System


def make_folders(folders: Sequence[str], system: System) -> None:
    """Make them, outermost first.

    Raises:
        StepError: the system refused.
    """
    for folder in folders:
        try:
            system.make_folder(folder)
        except OSError as error:
            raise StepError(f"{folder} could not be made: {error.strerror or error}") from error


def remove_folders(folders: Sequence[str], system: System) -> None:
    """Remove those that are empty, innermost first."""
    for folder in reversed(folders):
        system.remove_folder(folder)
