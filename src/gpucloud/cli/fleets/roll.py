"""``gpucloud apply`` with ``--hosts``: every plan shown first, then hosts changed a few at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from gpucloud.cli.ending import on_wish_to_end
from gpucloud.cli.fleets.look import ask_plans
from gpucloud.cli.fleets.show import conclude, show_left, show_plans, show_results, tell
from gpucloud.cli.output import Shape, say
from gpucloud.cli.plans.apply import ask
from gpucloud.fleet.record import recording, records_folder
from gpucloud.fleet.run import Runner, Stop, find_program
from gpucloud.fleet.tally import DISABLED, Result, Stage, Tally, count

if TYPE_CHECKING:
    from pathlib import Path

    from gpucloud.fleet.wish import Wish


def apply_hosts(wish: Wish, shape: Shape, *, yes: bool) -> None:
    """Make hosts ready: what was shown of each is done on it, or nothing.

    Raises:
        Failure: a host refuses or failed, or the user did not want it.
    """
    looked = ask_plans(wish)
    due = [result for result in looked if is_due(result, wish)]
    if not can_begin(looked, due, shape):
        return
    show_plans(due, shape)
    show_left(due, shape)
    ask(yes=yes)
    plans = {result.host: result.plan or "" for result in due}
    end(looked, roll(replace(wish, hosts=",".join(plans)), plans, "applied"), shape)


def can_begin(looked: Sequence[Result], due: Sequence[Result], shape: Shape) -> bool:
    """Claims that something is to be done, and no host has anything against it; else it is said.

    Raises:
        Failure: a host refuses, or cannot be reached.
    """
    if not due or any(result.code for result in looked):
        show_results(looked, None, shape)
        conclude(looked)
        return False
    return True


def end(looked: Sequence[Result], rolled: tuple[Tally, Path], shape: Shape) -> None:
    """Print how each host ended, those that were not due included.

    Raises:
        Failure: a host failed, or was cut off.
    """
    state, record = rolled
    results = [state.get(result.host, result) for result in looked]
    show_results(results, record, shape)
    conclude(results, record)


def is_due(result: Result, wish: Wish) -> bool:
    """Claims that something is to be done on the host, be it what an earlier run has left undone."""
    is_left = result.waits_for_restart or result.service == DISABLED
    return result.stage is Stage.PLANNED or (wish.is_restarting and is_left)


def roll(wish: Wish, plans: Mapping[str, str] | None, verb: str) -> tuple[Tally, Path]:
    """Change hosts, a few at a time; gives how each ended, and the record of all that was told.

    Args:
        wish: which hosts, and what for.
        plans: for each host the stored plan that was shown; None: it is no plan that is done.
        verb: ``applied`` or ``undone``.
    """
    state: Tally = {}
    with (
        recording(records_folder(), datetime.now().astimezone()) as (path, keep),
        Runner(find_program(), keep).run("rolling", wish, plans, verb=verb) as (events, stop),
        _stopping(stop),
    ):
        for event in events:
            state = count(state, event)
            tell(event)
    return state, path


def _stopping(stop: Stop) -> AbstractContextManager[None]:
    """Take Ctrl-C for a wish to end: first after the hosts that are at work, then at once."""

    def ask_to_stop(*_: object) -> None:
        stop.ask()
        if stop.times == 1:
            say("no further host begins; those at work go to their end. Again: break off now")
        else:
            say("broken off; what a host has begun it does to its own end")

    return on_wish_to_end(ask_to_stop)
