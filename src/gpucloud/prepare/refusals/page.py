"""The reference page of all reasons why a plan can be refused."""

from __future__ import annotations

from gpucloud.doctor.causes import CAUSES
from gpucloud.model.finding import render_reason
from gpucloud.prepare.refusals import REFUSALS, SHARED

_HEAD = """# Refusals

Why `gpucloud plan` and `gpucloud apply` refuse a GPU. A refusal names its reason by an id that never changes
its meaning; `gpucloud explain ID` prints what is written here. Made from the registry.
"""


def render_page() -> str:
    """The page: the reasons that are prepare's own, then those that are causes of the doctor's taxonomy."""
    links = [f"- [{each}](causes/{each}.md): {CAUSES[each].title}" for each in SHARED]
    own = (render_reason(each, depth=2) for each in REFUSALS.values())
    heading = "## Causes of the doctor that refuse a plan, too"
    return "\n".join((_HEAD, *own, heading, "", *links)) + "\n"
