"""``gpucloud demo``: the main job, for real, on a server that is not there."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from gpucloud.cli.ending import interruptible
from gpucloud.cli.output import clean, print_lines, print_text, say
from gpucloud.cli.typed.complete import topologies
from gpucloud.demo.report import render_json, render_lines, render_page
from gpucloud.demo.stage import Theatre, play_story
from gpucloud.demo.story import Act, Story
from gpucloud.model.failure import Exit, Failure, code_of
from gpucloud.model.line import Copied

if TYPE_CHECKING:
    from rich.text import Text

PAGE, DATA = "gpucloud-demo.html", "gpucloud-demo.json"
"""The two reports."""


class _Lines:
    """Tells the story line by line: for logs and pipes."""

    def begins(self, name: str, purpose: str) -> None:
        print_text(f"{name:<9} {purpose}")

    def ended(self, act: Act) -> None:
        print_output(act)
        print_text(f"{'ok' if act.is_ok else 'FAILED':<9} {act.result} ({act.seconds:.1f} s)")

    def leaves(self) -> None:
        """Nothing turns, so nothing has to stop."""


class _Spinner:
    """Tells the story on a terminal: the act under way turns, the acts done stand above."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._status = self._console.status("")

    def begins(self, name: str, purpose: str) -> None:
        from rich.text import Text

        self._status = self._console.status(Text.assemble((name, "bold"), f"  {purpose}"))
        self._status.start()

    def ended(self, act: Act) -> None:
        self._status.stop()
        print_output(act)
        self._console.print(act_line(act))

    def leaves(self) -> None:
        self._status.stop()


def act_line(act: Act) -> Text:
    """The line that stays on a terminal of an act that is over."""
    from rich.text import Text

    mark = ("\N{CHECK MARK} ", "green") if act.is_ok else ("\N{MULTIPLICATION X} ", "bold red")
    return Text.assemble(
        mark, (f"{act.name:<9} ", "bold"), clean(act.result), (f"  {act.seconds:.1f} s", "dim")
    )


def ending(story: Story, folder: Path) -> list[str]:
    """The last lines of every story that was told to its end."""
    return [*render_lines(story), f"reports        {folder / PAGE} {folder / DATA}"]


def print_output(act: Act) -> None:
    """What was typed in an act, and what it printed, as it is."""
    typed = (f"  $ {command}" for command in act.command.splitlines())
    said = (f"    {line}" for line in act.output.rstrip().splitlines())
    print_lines(map(Copied, (*typed, *said)))


def _check_folder(folder: Path) -> None:
    """Refuse a folder that takes no reports before the story begins: it takes minutes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"{folder} cannot be made: {error.strerror}"
        raise Failure(what, "name another with --output", code=code_of(error)) from None
    if not os.access(folder, os.W_OK):
        raise Failure(f"{folder} cannot be written to", "name another folder with --output")


class Audience(Protocol):
    """Who is told while the story goes, and can be left alone in the middle of it."""

    def begins(self, name: str, purpose: str) -> None: ...

    def ended(self, act: Act) -> None: ...

    def leaves(self) -> None: ...


def tell(theatre: Theatre, audience: Audience, folder: Path) -> Story:
    """Play the story, and write the two reports however it ends.

    Raises:
        Failure: the user interrupted it, or the terminal went away.
    """
    story = Story()
    page, data = folder / PAGE, folder / DATA
    with interruptible():
        try:
            return play_story(theatre, audience, story=story)
        except KeyboardInterrupt:
            what = "interrupted: the server is ended, nothing is left of it"
            raise Failure(what, f"what was seen so far: {page} {data}", code=Exit.INTERRUPTED) from None
        finally:
            data.write_text(render_json(story))
            page.write_text(render_page(story))
            with contextlib.suppress(OSError):  # a terminal that is gone cannot be told to stop turning
                audience.leaves()


def demo(
    topology: Annotated[
        str,
        typer.Argument(
            metavar="TOPOLOGY", autocompletion=topologies, help="Which server: see `gpucloud lab topologies`."
        ),
    ] = "card-audio",
    output: Annotated[
        Path, typer.Option("--output", metavar="FOLDER", help="Where the two reports go.")
    ] = Path(),
) -> None:
    """Boot an emulated GPU server and do the main job on it, for real.

    Scan, doctor, plan, apply, verify, launch a guest with the card, read what the guest's own kernel
    printed, destroy, undo, and compare the server with what it was. Writes `gpucloud-demo.json` and
    `gpucloud-demo.html`.

    Examples:
      gpucloud demo
      gpucloud demo twins --output reports
    """
    from gpucloud.demo.theatre import LabTheatre

    theatre = LabTheatre(topology, say)
    _check_folder(output)
    audience = _Spinner() if sys.stderr.isatty() else _Lines()
    story = tell(theatre, audience, output)
    print_text("")
    for line in ending(story, output):
        print_text(line)
    if not story.is_ok:
        raise typer.Exit(Exit.ERROR)
