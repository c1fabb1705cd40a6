"""``gpucloud explain``: what a cause, a refusal or a finding is, how it shows, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.output import Shape, has_colours, print_json, print_lines
from gpucloud.cli.typed.complete import reasons
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.finding import sections

if TYPE_CHECKING:
    from gpucloud.model.finding import Reason

CauseArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="ID",
        autocompletion=reasons,
        help="A cause as `gpucloud doctor` prints it, why a plan is refused, or what `gpucloud nova "
        "check` finds.",
    ),
]
_CODE = re.compile(r"`([^`]+)`")


class _Heading(str):
    """A line over what follows it."""

    __slots__ = ()


def explain(
    cause: CauseArgument = None,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Say what a cause, a refusal or a finding is, how it shows, and what to do; without an id, list all.

    Examples:
      gpucloud explain
      gpucloud explain acs-missing
      gpucloud explain last-console --format json
      gpucloud explain nova-alias-differs
    """
    from gpucloud.doctor.causes import CAUSES
    from gpucloud.nova.check.rules.catalogue import KINDS
    from gpucloud.prepare.refusals import REFUSALS

    known: dict[str, Reason] = {**CAUSES, **REFUSALS, **KINDS}
    cause = None if cause is None else cause.lower()
    if cause is None and shape is Shape.JSON:
        print_json(tuple(known.values()))
    elif cause is None:
        print_lines(_index(), _paint)
    elif cause not in known:
        near = get_close_matches(cause, known, n=3)
        hint = f"is it {' or '.join(near)}?" if near else "gpucloud explain lists all"
        raise Failure(f"no cause or refusal is called {cause!r}", hint, code=Exit.USAGE)
    elif shape is Shape.JSON:
        print_json(known[cause])
    else:
        print_lines(_page(known[cause]), _paint)


def _page(reason: Reason) -> Iterator[str]:
    """All that is known of one, as its page of the reference says it."""
    yield _Heading(f"{reason.id}: {reason.title}")
    yield ""
    yield reason.what
    for section in sections(reason):
        yield from ("", _Heading(section.heading))
        yield from (f"  - {item}" for item in (*section.items, *filter(None, [section.after])))


def _index() -> Iterator[str]:
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
    for number, (title, rows) in enumerate(headings):
        yield from ("",) * bool(number)
        yield _Heading(title)
        yield from (f"  {name:<{width}}  {says}" for name, says in rows)


def _paint(line: str, shown: str) -> str:
    """Code without its marks; headings and code in colour, where a person reads it."""
    if not has_colours():
        return _CODE.sub(r"\1", shown)
    return f"\x1b[1m{shown}\x1b[0m" if isinstance(line, _Heading) else _CODE.sub("\x1b[36m\\1\x1b[0m", shown)
