"""Several guests at once, all or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from gpucloud.cloud.protocol import Cloud, Patience, Say
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import Guest, GuestSpec


@dataclass(slots=True)
class Guests:
    """Guests that are ended when the block is left, however it is, unless they were kept.

    Enter it twice (``with guests, guests``): Ctrl-C may come at any point, also before the first line of the
    way back, and the outer block then ends what the inner one has left.

    Args:
        cloud: where they are.
        say: told how it goes.
    """

    cloud: Cloud
    say: Say
    made: list[Guest] = field(default_factory=list)
    """Those that are there: each is noted before its launch lets go of it."""
    is_kept: bool = False
    _left: list[Failure] = field(default_factory=list, init=False)

    def launch(self, specs: Sequence[GuestSpec], patience: Patience) -> tuple[Guest, ...]:
        """Launch guests at once: each is asked for before any is waited for.

        Raises:
            Failure: of `Cloud.launch`, or a name is taken.
        """
        if len(specs) > 1:
            _refuse_taken({spec.name for spec in specs}, self.cloud.list())
        return tuple(reversed(self._launch(specs, patience)))

    def _launch(self, specs: Sequence[GuestSpec], patience: Patience) -> list[Guest]:
        """Launch the others within the first: what goes wrong with one ends those around it, too."""
        if not specs:
            return []
        others: list[Guest] = []
        first = self.cloud.launch(
            specs[0],
            patience,
            self.say,
            self._own,
            lambda: others.extend(self._launch(specs[1:], patience)),
        )
        return [*others, first]

    def _own(self, guest: Guest) -> None:
        """Note a guest; the first is launched around the others, and so is done last."""
        self.made.insert(0, guest)

    def keep(self) -> None:
        """All of them stay, whatever comes."""
        self.is_kept = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End guests, each whatever becomes of the others; what of them is left is told with the error.

        Raises:
            Failure: some may be left.
        """
        if self.is_kept or not (self.made or self._left):
            return
        if error is not None and self.made:
            self.say(f"ending what was launched: {', '.join(guest.name for guest in self.made)}")
        while self.made:
            try:
                _end(self.cloud, self.made[0], self.say)
            except Failure as failure:
                self._left.append(failure)
            del self.made[0]
        left, self._left = self._left, []
        if left:
            raise _told(left, error) from error


def _told(left: Sequence[Failure], error: BaseException | None) -> Failure:
    why = [] if error is None else [error.what if isinstance(error, Failure) else "interrupted"]
    what = "; ".join([*why, *(failure.what for failure in left)])
    return Failure(what, left[-1].then, code=Exit.UNDO_FAILED)


def _refuse_taken(names: set[str], guests: Iterable[Guest]) -> None:
    taken = sorted(names & {guest.name for guest in guests})
    if taken:
        what = f"there is a guest {taken[0]} already"
        raise Failure(what, "choose another --name, or destroy it", code=Exit.USAGE)


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
