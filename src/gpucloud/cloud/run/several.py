"""Several guests at once, all or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gpucloud.cloud.protocol import Cloud, Patience, Say
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import Guest, GuestSpec


def launch_all(cloud: Cloud, specs: Sequence[GuestSpec], patience: Patience, say: Say) -> tuple[Guest, ...]:
    """Launch guests one after the other; if one fails, or the caller interrupts, those before it are ended.

    Raises:
        Failure: of `Cloud.launch`, or a name is taken; what of the others could not be ended is named.
    """
    if len(specs) > 1:
        _refuse_taken({spec.name for spec in specs}, cloud.list())
    made: list[Guest] = []
    try:
        made.extend(cloud.launch(spec, patience, say) for spec in specs)
    except BaseException as error:
        if made:
            say(f"ending the {len(made)} guests that were launched before")
        end_all(cloud, made, say, error)
        raise
    return tuple(made)


def _refuse_taken(names: set[str], guests: Iterable[Guest]) -> None:
    taken = sorted(names & {guest.name for guest in guests})
    if taken:
        what = f"there is a guest {taken[0]} already"
        raise Failure(what, "choose another --name, or destroy it", code=Exit.USAGE)


def end_all(cloud: Cloud, guests: Iterable[Guest], say: Say, error: BaseException | None) -> None:
    """End guests, each whatever becomes of the others, and although the caller interrupts.

    Args:
        cloud: where they are.
        guests: those that were launched, and no others that have their names since.
        say: told how it goes.
        error: why they end, where it is one.

    Raises:
        Failure: some may be left; with ``error`` the failure tells both.
    """
    left: list[Failure] = []
    interrupt: KeyboardInterrupt | None = None
    for guest in guests:
        try:
            try:
                _end(cloud, guest, say)
            except KeyboardInterrupt as wish:  # the first, as a launch or run ended well: none comes after it
                interrupt = wish
                _end(cloud, guest, say)
        except Failure as failure:
            left.append(failure)
    if not left and interrupt is not None:
        raise interrupt
    if not left:
        return
    why = [] if error is None else [error.what if isinstance(error, Failure) else "interrupted"]
    what = "; ".join([*why, *(failure.what for failure in left)])
    raise Failure(what, left[-1].then, code=Exit.UNDO_FAILED) from error


def _end(cloud: Cloud, guest: Guest, say: Say) -> None:
    name = guest.name
    if _is_of_another(cloud, guest):
        return
    try:
        cloud.destroy(name, say)
    except Failure as failure:
        if failure.what == f"there is no guest {name}":  # it has ended by itself
            return
        is_named = f"guest {name} " in failure.what
        what = failure.what if is_named else f"guest {name} may still run: {failure.what}"
        raise Failure(what, failure.then, code=failure.code) from failure


def _is_of_another(cloud: Cloud, guest: Guest) -> bool:
    """Whether a name is another guest's by now: this one has ended. No answer is no reason to leave it."""
    try:
        return cloud.show(guest.name).id != guest.id
    except Failure:
        return False
