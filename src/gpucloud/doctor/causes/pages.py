"""The registry as text: one Markdown page per cause, and an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpucloud.doctor.causes import HEADINGS
from gpucloud.doctor.causes.cause import Cause


def render_cause(cause: Cause) -> str:
    """One cause as a Markdown page of the reference."""
    parts = [
        f"# {cause.id}",
        f"**{cause.title}.** {cause.what}",
        "## How it shows",
        _list(cause.how_it_shows),
        "## What to do",
        _list(cause.fix),
        f"Costs: {cause.costs}.",
        "## Where this is written",
        _list(cause.sources),
    ]
    return "\n\n".join(parts) + "\n"


def render_index() -> str:
    """The list of all causes under their headings."""
    lines = [
        "# Causes",
        "",
        "What `gpucloud doctor` can find. Made from the registry; `gpucloud explain CAUSE` prints a page.",
    ]
    for heading in HEADINGS:
        lines += ["", f"## {heading.title}", ""]
        lines += [f"- [{cause.id}]({cause.id}.md): {cause.title}" for cause in heading.causes]
    return "\n".join(lines) + "\n"


def pages() -> Mapping[str, str]:
    """Every page by its file name."""
    return dict(_pages())


def _pages() -> Iterator[tuple[str, str]]:
    yield "README.md", render_index()
    for heading in HEADINGS:
        for cause in heading.causes:
            yield f"{cause.id}.md", render_cause(cause)


def _list(items: tuple[str, ...]) -> str:
    return "\n".join(f"- {item}" for item in items)
