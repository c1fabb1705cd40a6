"""What was made for a guest is taken back in one order: nothing of it goes before the guest is gone.

A guest with hundreds of GiB pinned takes longer to let go of them than libvirt waits for it ("Failed to
terminate process ... with SIGKILL: Device or resource busy"). Until it is gone it needs its folder, and
its time limit is what ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from gpucloud.cloud.boot.make import Identity
from gpucloud.cloud.libvirt.connection import Hypervisor, Lingers
from gpucloud.cloud.libvirt.tools import Tools
from gpucloud.cloud.protocol import Say
from gpucloud.model.failure import Exit, Failure

_AGAIN_S = 10.0
_PATIENCE_S = 300.0


def take_back(tools: Tools, hypervisor: Hypervisor, name: str, uuid: str, say: Say) -> None:
    """End a guest, then stop its time and remove its folder. Under the lock.

    Raises:
        Failure: the guest is not gone, and keeps both; or its time could not be stopped.
    """
    try:
        _end(tools, hypervisor, name, uuid, say)
    except Failure as failure:
        state = "still runs" if isinstance(failure, Lingers) else "may still run"
        what = f"guest {name} {state}, and keeps all it has: {failure.what}"
        raise Failure(what, f"gpucloud destroy {name}") from failure
    tools.deadline.disarm(name, uuid, tools.places.folder(name))
    tools.places.remove_folder(name)


def _end(tools: Tools, hypervisor: Hypervisor, name: str, uuid: str, say: Say) -> None:
    """End a guest, and try again for some minutes while it lingers."""
    started = tools.clock.since_boot()
    while True:
        try:
            return hypervisor.end(uuid)
        except Lingers as failure:
            waited = tools.clock.since_boot() - started
            if waited >= _PATIENCE_S:
                raise
            say(f"guest {name} does not end yet ({waited:.0f} s): {failure.what}")
        tools.clock.wait(_AGAIN_S)


@dataclass(slots=True)
class Undo:
    """Takes a launch back that ends by an exception, from `note` on until `keep`.

    Enter it twice (``with undo, undo``): Ctrl-C may come at any point, also before the first line of the way
    back, and the outer block then goes it whole.
    """

    tools: Tools
    hypervisor: Hypervisor
    say: Say
    _made: Identity | None = field(default=None, init=False)

    def note(self, identity: Identity) -> None:
        """Something is there that belongs to this guest."""
        self._made = identity

    def keep(self) -> None:
        """All of it stays, whatever comes."""
        self._made = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or self._made is None:
            return
        name, uuid = self._made.name, self._made.uuid
        try:
            with self.tools.places.locked(lambda: self.say("waiting for another launch")):
                take_back(self.tools, self.hypervisor, name, uuid, self.say)
                if isinstance(error, KeyboardInterrupt):  # of a failure the console tells more
                    self.tools.places.remove_log(name)
                self._made = None
        except Failure as left:
            self._made = None
            raise _both(name, error, left) from error


def _both(name: str, error: BaseException, left: Failure) -> Failure:
    """Why the launch failed, and what is left of it."""
    interrupted = f"the launch of guest {name} was interrupted"
    what, then = (error.what, error.then) if isinstance(error, Failure) else (interrupted, "")
    steps = "; ".join(step for step in (then, left.then) if step)
    return Failure(f"{what}; {left.what}", steps, code=Exit.UNDO_FAILED)
