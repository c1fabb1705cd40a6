"""The story as JSON, as lines for a terminal, and as one HTML page that needs nothing else."""

from __future__ import annotations

import json
from html import escape
from pathlib import PurePath
from string import Template

from gpucloud.demo.story import Act, Story

_RESTORED = {
    True: "yes: drivers, modules and files are as they were",
    False: "NO",
    None: "not compared",
}


def render_json(story: Story) -> str:
    """The story for programs.

    ``{"ok": bool, "steps": [{"name", "seconds", "ok", "result", "failure": text or null}],
    "guest_saw": [ids], "host_restored": bool, "evidence": [paths], "not_kept": text}``. A story that failed
    ends with the step that failed.
    """
    facts = {
        "ok": story.is_ok,
        "steps": [_step(act) for act in story.acts],
        "guest_saw": story.guest_saw,
        "host_restored": story.host_restored is True,
        "evidence": story.evidence,
        "not_kept": story.not_kept,
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def _step(act: Act) -> dict[str, object]:
    return {
        "name": act.name,
        "seconds": round(act.seconds, 1),
        "ok": act.is_ok,
        "result": act.result,
        "failure": None if act.is_ok else act.result,
    }


def render_lines(story: Story) -> list[str]:
    """The end of the report for a terminal."""
    others = len(story.guest_saw) - len(story.card)
    saw = f"{' '.join(story.card)}, and {others} functions of its own" if story.saw_card else "not reached"
    restored = _RESTORED[story.host_restored]
    lines = [
        f"guest saw      {saw}",
        f"host restored  {restored}",
        f"time           {story.seconds:.0f} s",
    ]
    if kept := _kept(story):
        lines.append(f"evidence kept  {kept}")
    return lines


def _kept(story: Story) -> str:
    """What there is to look at after a failure, and what is not; nothing where all went well."""
    paths = [PurePath(path) for path in story.evidence]
    files = f"{paths[0].parent}: {', '.join(path.name for path in paths)}" if paths else ""
    return "; ".join(filter(None, (files, story.not_kept)))


_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gpucloud: from a bare host to a guest that sees its GPU</title>
<style>
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .25rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; }
dt { opacity: .7; } dd { margin: 0; font-weight: 600; }
details { border-top: 1px solid var(--line); padding: .6rem 0; }
summary { cursor: pointer; display: grid; grid-template-columns: 1.5rem 6rem 1fr 4rem; gap: .5rem; }
summary span:last-child { text-align: right; opacity: .7; font-variant-numeric: tabular-nums; }
.fine { color: #2a8a3e; } .failed { color: #c22; }
pre { overflow-x: auto; white-space: pre-wrap; padding: .75rem 1rem;
  border: 1px solid var(--line); border-radius: .4rem;
  font: 13px/1.45 ui-monospace, monospace; }
code { font: 14px ui-monospace, monospace; }
</style>
</head>
<body>
<h1>From a bare host to a guest that sees its GPU</h1>
<p>Every command below ran on an emulated server with a real kernel, IOMMU and drivers.</p>
<dl>
<dt>The guest's kernel printed</dt><dd>$saw</dd>
<dt>The host is as it was</dt><dd class="$restored_class">$restored</dd>
<dt>Time</dt><dd>$seconds s</dd>$kept
</dl>
$acts
</body>
</html>
""")

_ACT = Template("""<details$open>
<summary><span class="$state">$mark</span><strong>$name</strong><span>$result</span>\
<span>$seconds s</span></summary>
$body</details>
""")


def render_page(story: Story) -> str:
    """One HTML page; all that came from the server is escaped."""
    return _PAGE.substitute(
        saw=escape(" and ".join(story.card) if story.saw_card else "not reached"),
        restored=escape(_RESTORED[story.host_restored]),
        restored_class="fine" if story.host_restored else "failed",
        seconds=f"{story.seconds:.0f}",
        kept=f"\n<dt>Evidence kept</dt><dd>{escape(kept)}</dd>" if (kept := _kept(story)) else "",
        acts="".join(_render_act(act) for act in story.acts),
    )


def _render_act(act: Act) -> str:
    commands = "".join(f"<p><code>{escape(line)}</code></p>\n" for line in act.command.splitlines())
    output = f"<pre>{escape(act.output.rstrip())}</pre>\n" if act.output.strip() else ""
    return _ACT.substitute(
        open="" if act.is_ok else " open",
        state="fine" if act.is_ok else "failed",
        mark="\N{CHECK MARK}" if act.is_ok else "\N{MULTIPLICATION X}",
        name=escape(act.name),
        result=escape(act.result),
        seconds=f"{act.seconds:.1f}",
        body=commands + output,
    )
