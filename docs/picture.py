"""Draw the README's picture from the report of a demo that ran: `python docs/picture.py gpucloud-demo.json`.

Writes demo.svg beside this file: text as a terminal shows it, with no font or script from elsewhere.
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

WIDTH = 112


def draw(report: dict[str, Any]) -> str:
    """The acts of a report with what came out of each, as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ ./run demo", "bold"))
    for step in report["steps"]:
        line = Text.assemble(
            ("\N{CHECK MARK} ", "green") if step["ok"] else ("\N{MULTIPLICATION X} ", "bold red"),
            (f"{step['name']:<9} ", "bold"),
            step["result"],
            (f"  {step['seconds']:.1f} s", "dim"),
        )
        console.print(line)
    console.print()
    console.print(f"guest saw      {' '.join(report['guest_saw'])}", highlight=False)
    console.print(f"host restored  {'yes' if report['host_restored'] else 'no'}", highlight=False)
    svg = console.export_svg(title="gpucloud on a machine without a GPU")
    return _without_fonts_from_elsewhere(svg)


def _without_fonts_from_elsewhere(svg: str) -> str:
    return re.sub(r"@font-face\s*\{[^}]*\}", "", svg).replace("Fira Code", "ui-monospace")


if __name__ == "__main__":
    picture = draw(json.loads(Path(sys.argv[1]).read_text()))
    (Path(__file__).parent / "demo.svg").write_text(picture)
