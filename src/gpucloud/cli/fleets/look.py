"""``gpucloud plan`` and ``verify`` with ``--hosts``: all hosts asked at once, none changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gpucloud.cli.fleets.show import conclude, show_plans, show_results, tell
from gpucloud.cli.output import Shape
from gpucloud.fleet.event import Failed
from gpucloud.fleet.run import Runner, find_program
from gpucloud.fleet.tally import Result, Stage, Tally, count
from gpucloud.model.failure import Exit, Failure
from gpucloud.spec import load_spec

if TYPE_CHECKING:
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
            if isinstance(event, Failed):
                tell(event)
    if not state:
        known = f"in {', '.join(wish.inventories)}" if wish.inventories else "in the inventory of ansible.cfg"
        raise Failure(
            f"no host {known} matches '{wish.hosts}'", "see ansible-inventory --graph", code=Exit.USAGE
        )
    return list(state.values())


def ask_plans(wish: Wish) -> list[Result]:
    """What each host would change.

    Raises:
        Failure: it is not said what for, or as of ``ask_hosts``.
    """
    if wish.spec is None and not wish.units:
        raise Failure("it is not said what the hosts are to be", "give --spec or --unit", code=Exit.USAGE)
    if wish.spec is not None:
        load_spec(wish.spec)  # what is wrong in it is said once, before any host is asked
    return ask_hosts(wish, "applied")


def plan_hosts(wish: Wish, shape: Shape, *, is_checking: bool) -> None:
    """Show what each host would change.

    Raises:
        Failure: a host cannot be reached, or refuses.
    """
    results = ask_plans(wish)
    if shape is Shape.TEXT:
        show_plans(results, shape)
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
