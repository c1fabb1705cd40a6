"""``gpucloud publish``: an OpenStack cloud offers what the spec says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.ending import on_wish_to_end
from gpucloud.cli.given import spec_given
from gpucloud.cli.output import Shape, print_beside, print_json, print_text, say
from gpucloud.cli.plans.apply import ask
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpucloud.cloud.openstack.api import Api
    from gpucloud.cloud.openstack.publish.carry_out import Made
    from gpucloud.cloud.openstack.publish.find import Found

CloudOption = Annotated[
    str | None,
    typer.Option("--cloud", envvar="OS_CLOUD", metavar="NAME", help="A cloud of clouds.yaml, as its admin."),
]
SpecOption = Annotated[Path, typer.Option("--spec", metavar="FILE", help="What is to be offered.")]
PruneOption = Annotated[
    bool,
    typer.Option("--prune", help="Also take away what publish has made and the spec has not any more."),
]
ExactOption = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Also take away what flavors and aggregates of publish have beside the spec, whoever added it.",
    ),
]
CheckOption = Annotated[
    bool, typer.Option("--check", help="Change nothing; exit with 4 where something would change.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ParallelOption = Annotated[
    int, typer.Option("--parallel", min=1, max=100, metavar="N", help="Requests at a time.")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout", min=1, metavar="SECONDS", help="Of each request; clouds.yaml's, or 60, without."
    ),
]
_TOLD = 50
"""Steps from one line of progress to the next."""


def publish(
    cloud: CloudOption = None,
    spec: SpecOption = Path("gpucloud.yaml"),
    prune: PruneOption = False,
    exact: ExactOption = False,
    check: CheckOption = False,
    yes: YesOption = False,
    parallel: ParallelOption = 10,
    timeout: TimeoutOption = None,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Make an OpenStack cloud offer what a spec says.

    Its section `publish` has flavors, whose extra specs are made of the pools of their GPUs, quotas,
    properties of images, aggregates, and traits of hosts. The differences are shown first; each is one call.
    What publish has not made is never deleted, and what it has made only with --prune. Extra specs, access,
    metadata and hosts that its flavors and aggregates have beside the spec stay: only whole ones have a mark,
    so nobody can tell who added them. They go with --exact. A flavor whose size changes is made anew, unless
    servers use it.

    What fails is named, and the rest is done: run it again to finish it. The JSON is {"differences", "left",
    "refused", "doubts", "done", "failed"}.

    Examples:
      gpucloud publish --cloud mycloud --check
      gpucloud publish --cloud mycloud --spec gpucloud.yaml
      gpucloud publish --cloud mycloud --prune --yes --format json
      gpucloud publish --cloud mycloud --prune --exact
    """
    from gpucloud.cloud.openstack.api import open_api
    from gpucloud.cloud.openstack.publish.find import find, release_of
    from gpucloud.cloud.openstack.publish.look import Looker

    wanted = spec_given(spec)
    release_of(wanted, prune=prune)
    api = open_api(cloud, timeout)
    api.login()
    looker = Looker(api.send, parallel, api.place, api.project, Progress("looked at"))
    found = find(looker, wanted, prune=prune, exact=exact)
    if check or not found.compared.count or found.compared.refused:
        _show(found, (), shape)
        _conclude(found, is_checking=check)
        return
    _show_first(found, shape)
    ask(yes=yes)
    made = _carry_out(api, found, parallel)
    if shape is Shape.JSON:
        _show(found, made, shape)
    _report(made, found.compared.count)


class Progress:
    """Says how far it is, once for every fifty.

    Args:
        what: is done, as it begins the line.
    """

    def __init__(self, what: str) -> None:
        self._what, self._told = what, 0

    def __call__(self, done: int, total: int) -> None:
        """So many of so many; fewer than before where something else has begun."""
        reached = done // _TOLD
        if reached > self._told:
            say(f"{self._what} {done} of {total}")
        self._told = reached


def _conclude(found: Found, *, is_checking: bool) -> None:
    """End where nothing is to be done now.

    Raises:
        Failure: some of it cannot be done.
    """
    refused = found.compared.refused
    if refused:
        more = f" (and {len(refused) - 1} more)" if refused[1:] else ""
        first = refused[0]
        raise Failure(f"refused: {first.kind} {first.name}: {first.why}{more}", first.then)
    if is_checking and found.compared.count:
        raise typer.Exit(Exit.PENDING)


def _show_first(found: Found, shape: Shape) -> None:
    """Show what is about to be done; beside the JSON of what was done."""
    from gpucloud.cloud.openstack.publish.show import render_compared

    print_beside(render_compared(found.compared), shape)
    for line in found.doubts:
        say(line)


def _show(found: Found, made: Sequence[Made], shape: Shape) -> None:
    from gpucloud.cloud.openstack.publish.show import plain_of

    if shape is Shape.JSON:
        print_json(plain_of(found, made))
        return
    _show_first(found, shape)
    if not found.compared.count and not found.compared.refused:
        print_text("nothing to do: the cloud offers what the spec says")


def _carry_out(api: Api, found: Found, parallel: int) -> tuple[Made, ...]:
    from threading import Event

    from gpucloud.cloud.openstack.publish.carry_out import Carrier
    from gpucloud.cloud.openstack.publish.change import SetLimit

    chains, total = found.compared.chains, found.compared.count
    has_limits = any(isinstance(change, SetLimit) for chain in chains for change in chain.changes)
    stop, progress = Event(), Progress("made")
    carrier = Carrier(api.send, parallel, api.place() if has_limits else None, stop)

    with on_wish_to_end(lambda *_: stop.set()):
        return carrier.carry_out(chains, lambda done: progress(done, total))


def _report(made: Sequence[Made], total: int) -> None:
    """Say what was done, and what was not.

    Raises:
        Failure: a call failed, or Ctrl-C came.
    """
    from gpucloud.cloud.openstack.publish.show import say_change

    done = sum(each.done for each in made)
    failed = [each for each in made if each.failure is not None and each.failed is not None]
    for each in failed:
        if each.failed is not None:
            say(f"failed: {say_change(each.chain, each.failed)}: {each.failure}")
    if failed and failed[0].failure is not None:
        raise Failure(
            f"{done} of {total} differences were made, {len(failed)} failed, the first with: "
            f"{failed[0].failure.what}",
            failed[0].failure.then,
        )
    if done < total:
        raise Failure(
            f"interrupted: {done} of {total} differences were made", "run it again", code=Exit.INTERRUPTED
        )
    say(f"done: {done} of {total} differences")
