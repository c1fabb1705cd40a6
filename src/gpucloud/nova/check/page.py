"""The reference of all findings, as Markdown, from the rules that find them."""

from __future__ import annotations

from gpucloud.nova.check.finding import Kind
from gpucloud.nova.check.rules.catalogue import HEADINGS

_HEAD = """# What `gpucloud nova check` finds

Each finding has an id that never changes its meaning; `gpucloud explain ID` prints what is written here. Made
from the rules.
"""


def render_page() -> str:
    """The page."""
    parts = [_HEAD]
    for title, kinds in HEADINGS.items():
        parts += [f"## {title}\n", *(f"##{render_kind(kind)}".replace("\n## ", "\n#### ") for kind in kinds)]
    return "\n".join(parts)


def render_kind(kind: Kind) -> str:
    """One kind as a page of the reference."""
    parts = [
        f"# {kind.id}",
        f"**{kind.title}** ({kind.level.value}). {kind.what}",
        "## How it shows",
        _list(kind.how_it_shows),
        "## What to do",
        _list(kind.fix),
        f"Costs: {kind.costs}.",
        "## Where this is written",
        _list(kind.sources),
    ]
    return "\n\n".join(parts) + "\n"


def _list(items: tuple[str, ...]) -> str:
    return "\n".join(f"- {item}" for item in items)
