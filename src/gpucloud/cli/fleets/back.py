"""``gpucloud undo`` with ``--hosts``: what stands is shown first, then taken back, a few hosts at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from gpucloud.cli.fleets.look import ask_hosts
from gpucloud.cli.fleets.roll import can_begin, end, is_due, roll
from gpucloud.cli.fleets.show import show_left
from gpucloud.cli.output import Shape, one_line, print_beside
from gpucloud.cli.plans.apply import ask
from gpucloud.fleet.order import NONE
from gpucloud.fleet.tally import Result, Stage
from gpucloud.model.failure import Exit
from gpucloud.model.line import Copied

if TYPE_CHECKING:
    from gpucloud.fleet.wish import Wish

_NUMBER = re.compile(r"[0-9]{4,9}", re.ASCII)
"""The name of an entry in a journal."""


def undo_hosts(wish: Wish, shape: Shape, *, yes: bool) -> None:
    """Take back on each host the last entry of its journal that stands: the one that was shown, or nothing.

    Raises:
        Failure: a host refuses or failed, or the user did not want it.
    """
    looked = [refuse_nameless(result) for result in ask_hosts(wish, "undone")]
    due = [result for result in looked if is_due(result, wish)]
    if not can_begin(looked, due, shape):
        return
    show_standing([result for result in due if result.stage is Stage.PLANNED], shape)
    show_left(due, shape)
    ask(yes=yes)
    entries = {result.host: result.entry or NONE for result in due}
    end(looked, roll(replace(wish, hosts=",".join(entries), entries=entries), None, "undone"), shape)


def refuse_nameless(result: Result) -> Result:
    """A host that would take something back, failed where its answer does not name its entry by number."""
    if result.stage is not Stage.PLANNED or _NUMBER.fullmatch(result.entry or ""):
        return result
    why = "its answer names no entry of its journal by number; look there: gpucloud undo --list"
    return replace(result, stage=Stage.FAILED, code=Exit.ERROR, why=why)


def show_standing(results: Iterable[Result], shape: Shape) -> None:
    """Print what would be taken back on each host, equal things once; beside JSON, to the user alone."""
    hosts: dict[tuple[str, ...], list[str]] = {}
    for result in results:
        changes = (change for answer in result.answers for change in answer.changes)
        lines = [f"{number}. {one_line(change.called)}" for number, change in enumerate(changes, 1)]
        told = (f"take back journal entry {one_line(result.entry or '')}:", *lines)
        hosts.setdefault(told, []).append(one_line(result.host))
    for told, names in hosts.items():
        print_beside((f"== {', '.join(names)}", *map(Copied, told), ""), shape)
