"""``gpucloud plan`` and ``verify`` with ``--hosts``: all hosts asked at once, none changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gpucloud.cli.fleets.show import conclude, show_plans, show_results, tell
from gpucloud.cli.given import refuse_pipe, spec_given
from gpucloud.cli.output import Shape
from gpucloud.fleet.event import Failed
from gpucloud.fleet.run import Runner, find_program
from gpucloud.fleet.tally import Result, Stage, Tally, count
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpucloud.fleet.wish import Wish


def ask_hosts(wish: Wish, verb: str) -> list[Result]:
    """What each host answers.

    Raises:
        Failure: Ansible cannot be run, or no host matches.
    """
    state: Tally = {}
    with Runner(find_program()).run("look", wish, verb=verb) as (events, _):
        for event in events:
            state = count(state, event)
            if isinstance(event, Failed) and not _has_answered(state[event.host]):
                tell(event)
    if not state:
        _refuse_missing(wish.inventories)
        known = f"in {', '.join(wish.inventories)}" if wish.inventories else "in the inventory of ansible.cfg"
        raise Failure(
            f"no host {known} matches '{wish.hosts}'", "see ansible-inventory --graph", code=Exit.USAGE
        )
    return list(state.values())


def _refuse_missing(inventories: Sequence[str]) -> None:
    """What has a comma is a list of hosts, all else a path (ansible-inventory(1), ``--inventory``)."""
    for each in inventories:
        if "," not in each and not Path(os.path.expandvars(each)).expanduser().exists():
            raise Failure(f"there is no inventory {each}", "name one that is there with -i", code=Exit.USAGE)


def ask_plans(wish: Wish) -> list[Result]:
    """What each host would change.

    Raises:
        Failure: it is not said what for, or as of ``ask_hosts``.
    """
    if wish.spec is None and not (wish.units or wish.layout or wish.create or wish.delete):
        raise Failure("it is not said what the hosts are to be", "give --spec or --unit", code=Exit.USAGE)
    if wish.spec is not None:
        refuse_pipe(wish.spec, "it is read once more for the hosts")
        spec_given(wish.spec)  # what is wrong in it is said once, before any host is asked
    return ask_hosts(wish, "applied")


def _has_answered(result: Result) -> bool:
    """Claims that what is wrong is in the host's own words already: the table has them."""
    return any(answer.code for answer in result.answers)


def plan_hosts(wish: Wish, shape: Shape, *, is_checking: bool) -> None:
    """Show what each host would change.

    Raises:
        Failure: a host cannot be reached, or refuses.
    """
    results = ask_plans(wish)
    if shape is Shape.TEXT:
        show_plans([result for result in results if not result.code], shape)
    show_results(results, None, shape)
    conclude(results)
    if is_checking and any(result.stage is Stage.PLANNED for result in results):
        raise typer.Exit(Exit.PENDING)


def verify_hosts(wish: Wish, shape: Shape) -> None:
    """Look whether each host is as planned.

    Raises:
        Failure: one is not, or cannot be reached.
    """
    results = ask_hosts(wish, "verified")
    show_results(results, None, shape)
    conclude(results)
