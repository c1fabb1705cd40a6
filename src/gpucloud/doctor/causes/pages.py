"""The registry as text: one Markdown page per cause, and an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpucloud.doctor.causes import HEADINGS
from gpucloud.model.finding import render_reason


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
            yield f"{cause.id}.md", render_reason(cause)
