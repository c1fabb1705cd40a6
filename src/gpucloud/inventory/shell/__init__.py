"""Settings in files that a shell sources: what a variable has after them, where that is certain.

As much of the Shell Command Language (POSIX.1-2017, XCU 2) as tells assignments that run whatever happens
from those that may not: inside ``if``, ``case``, loops, functions and here-documents, behind ``&&``, in a
subshell. No command is run, so that what one would print, or set, is not told.
"""

from __future__ import annotations

from gpucloud.inventory.shell.commands import Command, commands
from gpucloud.inventory.shell.parts import NotToldError
from gpucloud.inventory.shell.values import values

__all__ = ["Command", "NotToldError", "commands", "values"]
