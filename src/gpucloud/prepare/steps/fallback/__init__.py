"""The old way to start kept as GRUB's entry, and the count of tries of the new one in GRUB's environment.

The environment says one number, ``gpucloud_tries``. 0: the old entry is taken; so it is while a change is
made and while it is taken back. 1 and 2: the new start is taken, and GRUB counts down before it does. Not
there: no change is on trial.
"""

from gpucloud.prepare.steps.fallback.entry import (
    disarm,
    do_keep,
    do_try,
    foreign_entry,
    preview_keep,
    preview_try,
    take_old,
    takes_old,
    undo_keep,
    undo_try,
)
from gpucloud.prepare.steps.fallback.variable import do_set, foreign_variable, preview_set, undo_set

__all__ = [
    "disarm",
    "do_keep",
    "do_set",
    "do_try",
    "foreign_entry",
    "foreign_variable",
    "preview_keep",
    "preview_set",
    "preview_try",
    "take_old",
    "takes_old",
    "undo_keep",
    "undo_set",
    "undo_try",
]
