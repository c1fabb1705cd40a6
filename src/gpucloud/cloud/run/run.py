"""A command run in guests that live for it alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gpucloud.cloud.console import last_words
from gpucloud.cloud.protocol import Cloud, Patience, Say
from gpucloud.cloud.run.result import Result, has_begun, parse_result
from gpucloud.cloud.run.several import Guests
from gpucloud.model.failure import Failure
from gpucloud.model.guest import Guest, GuestSpec

_KEPT_CHARS = 1 << 20
"""Of a console: a result is printed several times, each of at most 100 KiB."""

Ended = Callable[[Guest, Result], None]
"""Told of each guest what its command left, as soon as it is known."""


def run_in_guests(
    cloud: Cloud, specs: Sequence[GuestSpec], patience: Patience, say: Say, ended: Ended
) -> None:
    """Launch guests with their commands, collect what these leave, and end the guests, whatever comes.

    Raises:
        Failure: of a launch; or a guest ended, or its time was over, before its command was.
    """
    guests = Guests(cloud, say)
    with guests, guests:
        _collect_all(cloud, guests.launch(specs, patience), specs, say, ended)


def _collect_all(
    cloud: Cloud, guests: Sequence[Guest], specs: Sequence[GuestSpec], say: Say, ended: Ended
) -> None:
    """What each guest left is told, also where another failed."""
    failures: list[Failure] = []
    for guest, spec in zip(guests, specs, strict=True):
        try:
            result = _collect(cloud, guest, spec, say)
        except Failure as failure:
            failures.append(failure)
        else:
            ended(guest, result)
    if failures:
        first = failures[0]
        raise Failure("; ".join(each.what for each in failures), first.then, code=first.code)


def _collect(cloud: Cloud, guest: Guest, spec: GuestSpec, say: Say) -> Result:
    """Follow the console until the result is there."""
    nonce = "" if spec.command is None else spec.command.nonce
    text, is_told = "", False
    for piece in cloud.console(guest.name, follows=True):
        text = (text + piece)[-_KEPT_CHARS:]
        if piece and (result := parse_result(text, nonce)) is not None:
            return result
        if not is_told and has_begun(text, nonce):
            say(f"the command runs in guest {guest.name}")
            is_told = True
        if _is_over(guest.ends_at_s, cloud) and _is_over(_end_of(cloud, guest), cloud):
            raise Failure(
                f"the time of guest {guest.name} is over, and its command still runs", "give more: --for"
            )
    said = last_words(text)
    what = "its command did" if is_told else "its command began"
    raise Failure(
        f"guest {guest.name} ended before {what}{f'; its last words: {said}' if said else ''}",
        "its image needs cloud-init; gpucloud launch keeps a guest to look at",
    )


def _is_over(ends_at_s: float | None, cloud: Cloud) -> bool:
    return ends_at_s is not None and cloud.now() >= ends_at_s


def _end_of(cloud: Cloud, guest: Guest) -> float | None:
    """When a guest is to end now: it may have been given more time (`gpucloud extend`)."""
    now = cloud.show(guest.name)
    return now.ends_at_s if now.id == guest.id else guest.ends_at_s
