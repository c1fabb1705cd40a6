"""``gpucloud explain``: what a cause, a refusal or a finding is, how it shows, and what to do."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from gpucloud.cli.output import Shape, print_json, print_text
from gpucloud.cli.typed.complete import reasons
from gpucloud.model.failure import Exit, Failure

CauseArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="ID",
        autocompletion=reasons,
        help="A cause as `gpucloud doctor` prints it, why a plan is refused, or what `gpucloud nova "
        "check` finds.",
    ),
]


def explain(
    cause: CauseArgument = None,
    shape: Annotated[Shape, typer.Option("--format", help="Text to read, or JSON.")] = Shape.TEXT,
) -> None:
    """Say what a cause, a refusal or a finding is, how it shows, and what to do; without an id, list all.

    Examples:
      gpucloud explain
      gpucloud explain acs-missing
      gpucloud explain last-console --format json
      gpucloud explain nova-alias-differs
    """
    from gpucloud.doctor.causes import CAUSES
    from gpucloud.doctor.causes.pages import render_cause
    from gpucloud.nova.check.page import render_kind
    from gpucloud.nova.check.rules.catalogue import KINDS
    from gpucloud.prepare.refusals import REFUSALS

    known = {**CAUSES, **REFUSALS, **KINDS}
    cause = None if cause is None else cause.lower()
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
    elif cause in KINDS:
        print_text(render_kind(KINDS[cause]))
    else:
        print_text(render_cause({**CAUSES, **REFUSALS}[cause]))


def _index() -> str:
    """All ids with their titles, under their headings."""
    from gpucloud.doctor.causes import HEADINGS
    from gpucloud.nova.check.rules.catalogue import HEADINGS as NOVA
    from gpucloud.prepare.refusals import REFUSALS

    headings = [(heading.title, [(each.id, each.title) for each in heading.causes]) for heading in HEADINGS]
    headings.append(("Why else a plan is refused", [(each.id, each.title) for each in REFUSALS.values()]))
    headings += [
        (f"nova.conf: {title}", [(each.id, each.title) for each in kinds]) for title, kinds in NOVA.items()
    ]
    width = max(len(name) for _, rows in headings for name, _ in rows)
    blocks = (
        "\n".join((title, *(f"  {name:<{width}}  {says}" for name, says in rows))) for title, rows in headings
    )
    return "\n\n".join(blocks)
