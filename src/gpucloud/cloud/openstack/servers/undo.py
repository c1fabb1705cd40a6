"""A server taken back: deleted, and looked for until it is gone; also one whose making was never answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from gpucloud.cloud.clock import Clock
from gpucloud.cloud.openstack.servers.compute import Compute
from gpucloud.cloud.openstack.servers.record import TOKEN
from gpucloud.cloud.openstack.servers.waiting import Pauses, is_final
from gpucloud.cloud.protocol import Say
from gpucloud.model.failure import Exit, Failure

_PATIENCE_S = 180.0
_AGAIN_S = 30.0
"""nova takes a request to delete at once, and a host that fails at it wants another."""
_LOST_S = 30.0
"""So long may a request still be on its way whose answer was lost."""


def end(compute: Compute, clock: Clock, name: str, key: str, say: Say) -> None:
    """Delete a server and wait until it is gone.

    Raises:
        Failure: it is still there after minutes, with what the cloud said last.
    """
    started, pauses = clock.since_boot(), Pauses(clock)
    asked, why = -_AGAIN_S, "it is still there"
    while (waited := clock.since_boot() - started) <= _PATIENCE_S:
        try:
            server = compute.server(key)
            if server is None:
                return
            if waited - asked >= _AGAIN_S:
                if asked >= 0:
                    say(f"guest {name} does not end yet ({waited:.0f} s): {why}")
                compute.delete(server)
                asked, why = waited, "it is still there"
        except Failure as failure:
            why = failure.what
        pauses.wait()
    raise Failure(
        f"guest {name} (server {key}) may still run, and keeps all it has: {why}",
        f"openstack server delete {key}",
    )


@dataclass(slots=True)
class Undo:
    """Takes a launch back that ends by an exception, from `begin` on until `keep`.

    Enter it twice (``with undo, undo``): Ctrl-C may come at any point, also before the first line of the way
    back, and the outer block then goes it whole.
    """

    compute: Compute
    clock: Clock
    name: str
    say: Say
    _token: str | None = field(default=None, init=False)
    _key: str | None = field(default=None, init=False)

    def begin(self, token: str) -> None:
        """A server with this token in its metadata may be there from now on."""
        self._token = token

    def made(self, key: str) -> None:
        """It has this id."""
        self._key = key

    def keep(self) -> None:
        """It stays, whatever comes."""
        self._token = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or self._token is None:
            return
        try:
            self._take_back(self._token, error)
        except Failure as left:
            self._token = None
            raise _both(self.name, error, left) from error
        self._token = None

    def _take_back(self, token: str, error: BaseException) -> None:
        keys = self._find(token, error) if self._key is None else [self._key]
        for key in keys:
            end(self.compute, self.clock, self.name, key, self.say)

    def _find(self, token: str, error: BaseException) -> list[str]:
        """Servers of this launch, once nova shows one; none where it refused to make one.

        Raises:
            Failure: the cloud cannot be read.
        """
        is_refused = isinstance(error, Failure) and is_final(error)
        if not is_refused:
            self.say(f"looking whether nova made {self.name} all the same")
        started, pauses = self.clock.since_boot(), Pauses(self.clock)
        while True:
            unread: Failure | None = None
            try:
                keys = [
                    each.id for each in self.compute.servers(self.name) if each.metadata.get(TOKEN) == token
                ]
            except Failure as failure:
                keys, unread = [], failure
            if keys or (is_refused and unread is None):
                return keys
            if self.clock.since_boot() - started > _LOST_S:
                break
            pauses.wait()
        why = self._why_unseen() if unread is None else unread.what
        if why is not None:
            what = f"whether a server {self.name} was made cannot be seen: {why}"
            raise Failure(what, f"openstack server list --name {self.name}")
        if not is_refused:
            self.say(
                f"nova shows no server {self.name}; should one come later, gpucloud reap --cloud ends it"
            )
        return []

    def _why_unseen(self) -> str | None:
        try:
            is_any = self.compute.out_of_sight()
        except Failure as failure:
            return failure.what
        return "a cell does not answer, and its servers are not listed" if is_any else None


def _both(name: str, error: BaseException, left: Failure) -> Failure:
    """Why the launch failed, and what is left of it."""
    interrupted = f"the launch of guest {name} was interrupted"
    what, then = (error.what, error.then) if isinstance(error, Failure) else (interrupted, "")
    steps = "; ".join(step for step in (then, left.then) if step)
    return Failure(f"{what}; {left.what}", steps, code=Exit.UNDO_FAILED)
