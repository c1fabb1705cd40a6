"""``gpucloud explain``: what a cause is, how it shows, what to do, and where that is written."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from gpucloud.cli.output import print_text
from gpucloud.model.failure import Exit, Failure


def explain(
    cause: Annotated[
        str | None, typer.Argument(metavar="CAUSE", help="The id of a cause, as `gpucloud doctor` prints it.")
    ] = None,
) -> None:
    """Say what a cause is, how it shows, and what to do; without an id, list all causes.

    Examples:
      gpucloud explain
      gpucloud explain acs-missing
    """
    from gpucloud.doctor.causes import CAUSES
    from gpucloud.doctor.causes.pages import render_cause, render_index

    if cause is None:
        print_text(render_index())
        return
    known = CAUSES.get(cause)
    if known is None:
        near = get_close_matches(cause, CAUSES, n=3)
        hint = f"is it one of {', '.join(near)}?" if near else "`gpucloud explain` lists all"
        raise Failure(f"no cause is called {cause!r}", hint, code=Exit.USAGE)
    print_text(render_cause(known))
