"""Draw the README's picture from the report of a demo that ran: `python docs/picture.py gpucloud-demo.json`.

Keeps the report as demo.json and writes demo.svg, both beside this file. The lines are those that the
program itself prints on a terminal; what the commands of each act print in between is left out.
No font or script from elsewhere.
"""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from gpucloud.cli.demo import act_line, ending
from gpucloud.demo.story import Act, Story

WIDTH = 112
REPORT, PICTURE = (Path(__file__).with_name(f"demo.{suffix}") for suffix in ("json", "svg"))


def draw(report: dict[str, Any]) -> str:
    """The lines of a story that was told to its end, as SVG; whatever the environment says of terminals."""
    story = read_story(report)
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False, _environ={}
    )
    console.print(Text("$ ./run demo", "bold"))
    for act in story.acts:
        console.print(act_line(act))
    console.print()
    for line in ending(story, Path()):
        console.print(line, markup=False)
    svg = console.export_svg(title="gpucloud on a machine without a GPU, without what each command prints")
    return _without_fonts_from_elsewhere(svg)


def read_story(report: dict[str, Any]) -> Story:
    """The story that a report tells. The card is what scan said it found: a report has it nowhere else.

    Raises:
        ValueError: the story ends before scan.
    """
    acts = [Act(step["name"], step["seconds"], step["result"], is_ok=step["ok"]) for step in report["steps"]]
    found = next((act.result for act in acts if act.name == "scan"), "")
    card = tuple(re.findall(r"\b[0-9a-f]{4}:[0-9a-f]{4}\b", found))
    if not card:
        raise ValueError("no card was found")
    return Story(acts, card, tuple(report["guest_saw"]), report["host_restored"])


def _without_fonts_from_elsewhere(svg: str) -> str:
    return re.sub(r"@font-face\s*\{[^}]*\}", "", svg).replace("Fira Code", "ui-monospace")


if __name__ == "__main__":
    told = Path(sys.argv[1]).read_text()
    PICTURE.write_text(draw(json.loads(told)))
    REPORT.write_text(told)
