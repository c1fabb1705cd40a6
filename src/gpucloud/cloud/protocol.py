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

REPORT_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Patience:
    """How a launch waits for the guest to report, and what becomes of one that does not."""

    timeout_s: int = REPORT_TIMEOUT_S
    """Counted from the guest's start."""
    keeps_failed: bool = False
    """A guest whose launch failed stays, to be looked at, until it is destroyed."""


class Cloud(Protocol):
    """Guests by name. Every method raises `gpucloud.model.failure.Failure` for what cannot be done."""

    def launch(self, spec: GuestSpec, patience: Patience, say: Say) -> Guest:
        """Make a guest and wait until its own kernel has reported every function it was given.

        Whatever goes wrong, also an interrupt, leaves nothing behind, unless a failed guest is to be
        kept. A name that is taken is refused before anything is made.
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
