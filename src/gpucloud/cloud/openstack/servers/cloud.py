"""Guests of one project of an OpenStack cloud: `gpucloud.cloud.protocol.Cloud` through nova."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

from gpucloud.cloud.clock import CLOCK, Clock
from gpucloud.cloud.openstack.pages import Send
from gpucloud.cloud.openstack.servers.answers import Server
from gpucloud.cloud.openstack.servers.compute import Compute
from gpucloud.cloud.openstack.servers.guest import guest_of, is_over
from gpucloud.cloud.openstack.servers.launch import Launch, Wishes
from gpucloud.cloud.openstack.servers.reap import Reaping
from gpucloud.cloud.openstack.servers.record import Record, end_metadata, parse_record
from gpucloud.cloud.openstack.servers.undo import end
from gpucloud.cloud.openstack.servers.waiting import read_on
from gpucloud.cloud.protocol import Meanwhile, Own, Patience, Say, leave, wait_alone
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import Guest, GuestSpec

T = TypeVar("T")
_FOLLOW_S = 2.0
_ANCHOR = 64
"""Characters at the beginning of a look that are looked for in the one before."""
_CANDIDATES = 1000
_OUTLIVES_S = 60.0
"""So long a guest is looked for, and its console followed, while a service fails."""
_OVER = ("SHUTOFF", "ERROR", "SOFT_DELETED")


class OpenStackCloud:
    """State is in the metadata of the servers, so any machine with the same credentials sees the same.

    Args:
        send: sends a request and gives its answer.
        wishes: for launches.
        clock: whose time; that of the cloud itself where several machines launch and reap.
    """

    def __init__(self, send: Send, wishes: Wishes | None = None, clock: Clock = CLOCK) -> None:
        self._compute = Compute(send)
        self._wishes = wishes or Wishes()
        self._clock = clock

    def now(self) -> float:
        return self._clock.now()

    def launch(
        self,
        spec: GuestSpec,
        patience: Patience,
        say: Say,
        own: Own = leave,
        meanwhile: Meanwhile = wait_alone,
    ) -> Guest:
        return Launch(self._compute, self._clock, self._wishes, spec, patience, say, own, meanwhile).do()

    def list(self) -> tuple[Guest, ...]:
        ours = sorted(self._ours(), key=lambda one: (one[0].name, one[0].id))
        return tuple(guest_of(server, record) for server, record in ours)

    def show(self, name: str) -> Guest:
        return guest_of(*self._find(name))

    def console(self, name: str, *, follows: bool) -> Iterator[str]:
        server, _ = self._find(name)
        return self._follow(server.id) if follows else iter([self._compute.console(server.id)])

    def attach(self, name: str, say: Say) -> None:
        del say  # nothing is joined
        self._find(name)
        what = f"the console of {name} can only be read: nova gives its keyboard to browsers"
        raise Failure(what, f"read it with --log or --follow, or: openstack console url show {name}")

    def destroy(self, name: str, say: Say) -> Guest:
        server, record = self._find(name)
        end(self._compute, self._clock, name, server.id, say)
        return guest_of(server, record)

    def extend(self, name: str, seconds: int, say: Say) -> Guest:
        server, _ = self._find(name)
        self._compute.keep(server.id, end_metadata(int(self._clock.now()) + seconds))
        say("what ends it then is gpucloud reap --cloud")
        return self.show(name)

    def reap(self, say: Say) -> tuple[Guest, ...]:
        ours = [*self._ours(), *_with_record(self._compute.put_aside())]
        over = [one for one in ours if is_over(*one, self.now())]  # the time comes with the answers
        return Reaping(self._compute, self._clock, say).do(over)

    def _ours(self, named: str | None = None) -> Iterator[tuple[Server, Record]]:
        yield from _with_record(self._compute.servers(named))

    def _find(self, name: str) -> tuple[Server, Record]:
        """Find a guest of gpucloud.

        Raises:
            Failure: there is none of that name, or more than one.
        """
        found = self._read(lambda: list(self._ours(name)))
        if not found:
            names = ", ".join(sorted(server.name for server, _ in self._read(lambda: list(self._ours()))))
            raise Failure(f"there is no guest {name}", f"there is {names or 'none at all'}", code=Exit.USAGE)
        if len(found) > 1:
            ids = ", ".join(server.id for server, _ in found)
            what = f"{len(found)} guests are called {name}: {ids}"
            raise Failure(what, "delete one by its id: openstack server delete ID")
        return found[0]

    def _read(self, read: Callable[[], T]) -> T:
        return read_on(read, self._clock, _OUTLIVES_S)

    def _follow(self, key: str) -> Iterator[str]:
        """Give what is new at each look: nova has no more than the end of the console to give."""
        before = ""
        while True:
            server = self._read(partial(self._compute.server, key))
            now = self._read(partial(self._compute.console, key))
            yield new_in(now, before)
            before = now or before
            if server is None or server.status in _OVER:
                return
            self._clock.wait(_FOLLOW_S)


def _with_record(servers: Iterable[Server]) -> Iterator[tuple[Server, Record]]:
    """Those that gpucloud made."""
    for server in servers:
        if (record := parse_record(server.metadata)) is not None:
            yield server, record


def new_in(now: str, before: str) -> str:
    """What of a console came after the last look.

    Nova gives its last 100 KiB, so what was its beginning may be gone. Where the two looks do not meet, all
    of it is new.
    """
    if now.startswith(before):
        return now[len(before) :]
    at = -1
    for _ in range(_CANDIDATES):
        at = before.find(now[:_ANCHOR], at + 1)
        if at < 0:
            break
        if now.startswith(before[at:]):
            return now[len(before) - at :]
    return now
