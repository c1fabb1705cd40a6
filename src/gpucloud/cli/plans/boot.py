"""``gpucloud confirm`` and ``boot``: what every start does, and what is looked at after a change of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from gpucloud.cli.output import print_text, say
from gpucloud.cli.plans.desk import STATE, StateOption, desk_of
from gpucloud.model.failure import Failure

if TYPE_CHECKING:
    from gpucloud.prepare.guard import Kept, Start
    from gpucloud.prepare.takeback import Outcome


_OLD_FOR_NOTHING = (
    "the boot loader has started the entry of an old start, and no applied plan waits for one; where it does "
    "so every time: grub-editenv - unset gpucloud_tries"
)


def confirm(context: typer.Context, state: StateOption = STATE) -> None:
    """Say that the host starts as it should: what was changed is not taken back by itself any more.

    The unit gpucloud-boot says so itself where all is as planned; this is for a person who knows better.

    Examples:
      gpucloud confirm
    """
    entry = desk_of(context, state).confirm()
    print_text(f"confirmed: journal entry {entry} stays; back with: gpucloud undo")


def boot(context: typer.Context, state: StateOption = STATE) -> None:
    """Have the running host as its spec wants it, and look whether it started as planned. For gpucloud-boot.

    What layouts have cut (`gpucloud vgpu apply`) is made again, with the same UUIDs. Cards are cut as their
    pools want them (virtual functions, vGPUs), and cards that came late are bound; one that cannot be as
    wanted is named, and the others are made. Then groups, drivers and network are waited for. If a change
    of the start did not bring them, its files and all that is made of them are brought back (exit code 5; 6
    where that failed), and a host without a network is started again. So they are where the boot loader has
    taken the old entry, because the new start did not come as far as this. May be repeated.

    Examples:
      gpucloud boot
    """
    from gpucloud.prepare.takeback import Watch
    from gpucloud.prepare.trial import is_old_start, on_trial

    watch = Watch(say)
    desk = desk_of(context, state)
    turned = desk.turn_back(watch)
    if turned is not None:
        return _judge(turned)
    if is_old_start(desk.system) and not (desk.journal.unfinished() or on_trial(desk.journal)):
        say(_OLD_FOR_NOTHING)
    try:
        kept = desk.keep(watch)
    finally:  # whatever keeps a card from being as wanted, a start on trial is judged
        _judge(desk.look_at_start(watch))
    if kept is None:
        return print_text("no spec or layout is applied here")
    return _report(kept)


def _judge(found: tuple[Start, Outcome | None] | None) -> None:
    from gpucloud.prepare.desk import conclude

    if found is None:
        return
    start, outcome = found
    if outcome is None:
        print_text(f"the host started as planned: journal entry {start.entry} is confirmed")
        return
    if not start.has_network:
        say("nobody can reach this host: it is started again, as it was before")
    conclude(replace(outcome, failure=f"this start is not as planned: {'; '.join(start.wrong)}"))


def _report(kept: Kept) -> None:
    from gpucloud.prepare.desk import conclude

    for line in (*kept.beside, *kept.missing):
        say(line)
    failed = [outcome for outcome in kept.outcomes if outcome.failure]
    if failed:
        worst = next((outcome for outcome in failed if outcome.left), failed[0])
        conclude(replace(worst, failure="; ".join(str(outcome.failure) for outcome in failed)))
    if kept.missing:
        raise Failure(
            f"{len(kept.missing)} GPUs or slices are not as wanted: {kept.missing[0]}",
            "see gpucloud doctor",
        )
    print_text("the running host is as its spec and its layouts want it")
