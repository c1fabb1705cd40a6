"""A cloud's own time: whoever launches, extends or reaps takes it, whatever their own clocks say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

from gpucloud.cloud.clock import Clock
from gpucloud.cloud.protocol import Say


@dataclass(slots=True)
class CloudTime:
    """The time of a cloud as its answers say it, to about a second.

    An origin server with a clock has to send ``Date`` (RFC 9110, 6.6.1); some that have no proxy in front of
    them do not.

    Args:
        since_boot: a clock that only goes forward, in seconds.
    """

    since_boot: Callable[[], float]
    _ahead_s: float | None = field(default=None, init=False)

    def hear(self, date: str | None) -> None:
        """Take the time from an answer that has just come; what is no date in it says nothing."""
        if (said := _parse(date)) is not None:
            self._ahead_s = said - self.since_boot()

    def now(self) -> float | None:
        """Unix time there; None before an answer said it."""
        return None if self._ahead_s is None else self._ahead_s + self.since_boot()


def clock_of(time: CloudTime, here: Clock, say: Say) -> Clock:
    """A clock that shows a cloud's time, and this machine's where the cloud says none: that is told, once."""
    told: list[str] = []

    def now() -> float:
        there = time.now()
        if there is None and not told:
            told.append(
                "the cloud's answers have no Date, so this machine's time is taken: keep it right (NTP)"
            )
            say(told[0])
        return here.now() if there is None else there

    return Clock(now, here.since_boot, here.wait)


def _parse(date: str | None) -> float | None:
    if date is None:
        return None
    try:
        said = parsedate_to_datetime(date)
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
