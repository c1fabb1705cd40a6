"""The reference of all findings, as Markdown, from the rules that find them."""

from __future__ import annotations

from gpucloud.model.finding import render_reason
from gpucloud.nova.check.rules.catalogue import HEADINGS

_HEAD = """# What `gpucloud nova check` finds

Each finding has an id that never changes its meaning; `gpucloud explain ID` prints what is written here. Made
from the rules.
"""


def render_page() -> str:
    """The page."""
    parts = [_HEAD]
    for title, kinds in HEADINGS.items():
        parts += [f"## {title}\n", *(render_reason(kind, kind.level.value, depth=3) for kind in kinds)]
    return "\n".join(parts)
