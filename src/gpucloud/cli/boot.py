"""``gpucloud confirm`` and ``boot``: the start after a change of how the host starts."""

from __future__ import annotations

from dataclasses import replace

import typer

from gpucloud.cli.output import print_text, say
from gpucloud.cli.plans.desk import STATE, StateOption, desk_of


def confirm(context: typer.Context, state: StateOption = STATE) -> None:
    """Say that the host starts as it should: what was changed is not taken back by itself any more.

    The unit gpucloud-boot says so itself where all is as planned; this is for a person who knows better.

    Examples:
      gpucloud confirm
    """
    entry = desk_of(context, state).confirm()
    print_text(f"confirmed: journal entry {entry} stays; back with: gpucloud undo {entry}")


def boot(context: typer.Context, state: StateOption = STATE) -> None:
    """Look whether this start is as planned; take the plan back if it is not. For the unit gpucloud-boot.

    Groups, drivers and network are waited for. If they are not as planned, the files and all that is made of
    them are brought back (exit code 5; 6 where that failed), and a host without a network is started again.

    Examples:
      gpucloud boot
    """
    from gpucloud.prepare.desk import conclude
    from gpucloud.prepare.takeback import Watch

    found = desk_of(context, state).look_at_start(Watch(say))
    if found is None:
        return print_text("nothing waits for this start")
    start, outcome = found
    if outcome is None:
        return print_text(f"the host started as planned: journal entry {start.entry} is confirmed")
    if not start.has_network:
        say("nobody can reach this host: it is started again, as it was before")
    return conclude(replace(outcome, failure=f"this start is not as planned: {'; '.join(start.wrong)}"))
