"""``gpucloud explain``: what a cause or a refusal is, how it shows, what to do, and where that is written."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from gpucloud.cli.output import Shape, print_json, print_text
from gpucloud.cli.typed.complete import reasons
from gpucloud.model.failure import Exit, Failure


def explain(
    cause: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            autocompletion=reasons,
            help="A cause as `gpucloud doctor` prints it, or why a plan is refused.",
        ),
    ] = None,
    shape: Annotated[Shape, typer.Option("--format", help="Text to read, or JSON.")] = Shape.TEXT,
) -> None:
    """Say what a cause or a refusal is, how it shows, and what to do; without an id, list all.

    Examples:
      gpucloud explain
      gpucloud explain acs-missing
      gpucloud explain last-console --format json
    """
    from gpucloud.doctor.causes import CAUSES
    from gpucloud.doctor.causes.pages import render_cause
    from gpucloud.prepare.refusals import REFUSALS

    known = {**CAUSES, **REFUSALS}
    if cause is None and shape is Shape.JSON:
        print_json(tuple(known.values()))
    elif cause is None:
        print_text(_index())
    elif cause not in known:
        near = get_close_matches(cause, known, n=3)
        hint = f"is it {' or '.join(near)}?" if near else "gpucloud explain lists all"
        raise Failure(f"no cause or refusal is called {cause!r}", hint, code=Exit.USAGE)
    elif shape is Shape.JSON:
        print_json(known[cause])
    else:
        print_text(render_cause(known[cause]))


def _index() -> str:
    """All ids with their titles, under their headings."""
    from gpucloud.doctor.causes import HEADINGS
    from gpucloud.prepare.refusals import REFUSALS

    headings = [(heading.title, heading.causes) for heading in HEADINGS]
    headings.append(("Why else a plan is refused", tuple(REFUSALS.values())))
    width = max(len(each.id) for _, causes in headings for each in causes)
    blocks = (
        "\n".join((title, *(f"  {each.id:<{width}}  {each.title}" for each in causes)))
        for title, causes in headings
    )
    return "\n\n".join(blocks)
