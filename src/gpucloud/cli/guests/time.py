"""``gpucloud extend`` and ``reap``: how long guests run, and the end of those whose time is over."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from gpucloud.cli.ending import interruptible
from gpucloud.cli.guests.guest import Name
from gpucloud.cli.guests.here import CloudOption, print_guest, seconds_of, the_cloud
from gpucloud.cli.output import Format, Shape, print_json, print_text, say, table
from gpucloud.cli.typed.shape import ShapeOption, TableOption
from gpucloud.model.failure import Failure

_SHORTEST_S = 5


def extend(
    name: Name,
    lifetime: Annotated[str, typer.Option("--for", metavar="TIME", help="From now on: 90s, 20m, 2h.")],
    cloud: CloudOption = None,
    form: ShapeOption = Shape.TEXT,
) -> None:
    """Let a guest run for so long from now on, whatever its time limit was.

    On this host the host itself ends it then. In a cloud the end is written into its metadata, and what ends
    it is gpucloud reap.

    Examples:
      gpucloud extend train --for 2h
      gpucloud extend train --for 1d --cloud mycloud
    """
    seconds = seconds_of(lifetime)
    print_guest(the_cloud(cloud).extend(name, seconds, say), form)


def reap(
    every: Annotated[
        str | None, typer.Option("--every", metavar="TIME", help="Go on, so often, until Ctrl-C.")
    ] = None,
    cloud: CloudOption = None,
    form: TableOption = Format.TABLE,
) -> None:
    """End guests whose time is over, or whose launch lost its command; see that nothing of them is left.

    A launch has lost its command when its guest has not reported, minutes after it had to. On this host
    the host itself ends guests in time, and reap only what that left. In a cloud this is what keeps the time
    limits: run it on some machine every minute, from cron, a timer, or with --every. State is in the cloud's
    metadata alone, so several may run, and one that is killed does no harm.

    Exit code 1: something is left, and named. With the role admin Placement is asked, too, whether it keeps
    anything for what was ended.

    Examples:
      gpucloud reap
      gpucloud reap --cloud mycloud
      gpucloud reap --cloud mycloud --every 1m
    """
    period_s = None if every is None else max(_SHORTEST_S, seconds_of(every))
    if period_s is None:
        with interruptible():
            _reap_once(cloud, form)
        return
    from gpucloud.cloud.clock import CLOCK

    with contextlib.suppress(KeyboardInterrupt):
        while True:
            try:
                _reap_once(cloud, form)
            except Failure as failure:  # the cloud may be back at the next turn
                say(f"gpucloud: {failure}")
            CLOCK.wait(period_s)


def _reap_once(cloud: str | None, form: Format) -> None:
    from gpucloud.cloud.show import COLUMNS, row_of

    ended = the_cloud(cloud).reap(say)
    if form is Format.JSON:
        print_json(ended)
        return
    if ended:
        table(COLUMNS, map(row_of, ended))
    print_text(f"{len(ended)} guests ended; nothing of them is left")
