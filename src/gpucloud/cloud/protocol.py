"""What every cloud can do with guests: libvirt on this machine now, others behind the same words.

`tests/cloud/contract.py` says in tests what an implementation promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from gpucloud.model.guest import Guest, GuestSpec

Say = Callable[[str], None]
"""Told, in one line each, how a launch goes."""

Own = Callable[[Guest], None]
"""Told of a guest that is launched, before the launch gives it up: from then on the caller is to end it."""

Meanwhile = Callable[[], None]
"""What else is done while a guest starts: other launches."""

REPORT_TIMEOUT_S = 300
GRACE_S = 120
"""After the latest end of a launch; then nobody is at it any more."""


def is_over(now: float, ends_at_s: float | None, due_at_s: float | None, *, has_ended_launch: bool) -> bool:
    """Claims that a guest is to be reaped.

    Args:
        now: Unix time.
        ends_at_s: its time limit.
        due_at_s: when its launch must be over; None where it does not say.
        has_ended_launch: it has reported, or was kept after it failed.
    """
    is_lost = not has_ended_launch and due_at_s is not None and due_at_s <= now
    return is_lost or (ends_at_s is not None and ends_at_s <= now)


@dataclass(frozen=True, slots=True)
class Patience:
    """How a launch waits for the guest to report, and what becomes of one that does not."""

    timeout_s: int = REPORT_TIMEOUT_S
    """Counted from the guest's start."""
    keeps_failed: bool = False
    """A guest whose launch failed stays, to be looked at, until it is destroyed."""


def leave(guest: Guest) -> None:
    """Own nothing: a guest that is launched stays."""
    del guest


def wait_alone() -> None:
    """Do nothing while a guest starts."""


class Cloud(Protocol):
    """Guests by name. Every method raises `gpucloud.model.failure.Failure` for what cannot be done."""

    def now(self) -> float:
        """Unix time by which guests end here."""
        ...

    def launch(
        self,
        spec: GuestSpec,
        patience: Patience,
        say: Say,
        own: Own = leave,
        meanwhile: Meanwhile = wait_alone,
    ) -> Guest:
        """Make a guest and wait until its own kernel has reported every function it was given.

        Whatever goes wrong, also an interrupt, leaves nothing behind, unless a failed guest is to be
        kept. A name that is taken is refused before anything is made. The guest is somebody's at all times:
        ``own`` is told of it before the launch lets go of it, and may have to end one that is gone.
        ``meanwhile`` is done once the guest is asked for, before it is waited for; where that fails, nothing
        of the guest is left either.
        """
        ...

    def list(self) -> tuple[Guest, ...]:
        """All guests that gpucloud made here, by name."""
        ...

    def show(self, name: str) -> Guest:
        """One guest; a name that is not there is a failure that tells which are."""
        ...

    def console(self, name: str, *, follows: bool) -> Iterator[str]:
        """What the guest has printed, in pieces; if it follows, also what comes, until the guest ends.

        The text is the guest's: control characters in it are not made safe to print.
        """
        ...

    def attach(self, name: str, say: Say) -> None:
        """Join the caller's terminal to the guest's console, until the caller leaves or the guest ends.

        Once it is joined, the caller is told how to leave.
        """
        ...

    def destroy(self, name: str, say: Say) -> Guest:
        """End a guest and give back all it had; tells what it was."""
        ...

    def extend(self, name: str, seconds: int, say: Say) -> Guest:
        """Let a guest run for so long from now on, whatever its time limit was; tells what it is then."""
        ...

    def reap(self, say: Say) -> tuple[Guest, ...]:
        """End each guest whose time is over, or whose launch is; gives those that were ended.

        A launch is over when its guest has not reported long after it had to: whoever launched it is gone.
        It ends well only where nothing of these is left; else the failure names what is. A guest that goes
        meanwhile, or is extended, is none of them. Called again, and by several at once, it does no harm.
        """
        ...
