"""Waiting for a server, and for its guest's report: they come, or it is clear why they do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from gpucloud.cloud.clock import Clock
from gpucloud.cloud.console import KEPT_CHARS, last_words
from gpucloud.cloud.dead_ends import find_dead_end
from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.servers.answers import Server
from gpucloud.cloud.openstack.servers.choose import find_lacking
from gpucloud.cloud.openstack.servers.compute import Compute
from gpucloud.cloud.openstack.servers.record import Record
from gpucloud.cloud.protocol import Patience, Say
from gpucloud.cloud.report import MARK, parse_report
from gpucloud.model.failure import Failure
from gpucloud.model.guest import SeenFunction

BUILD_S = 900.0
"""A host that has not the image yet fetches all of it."""
_LEAST_S, _SHARE, _MOST_S = 0.1, 0.04, 1.0
_TRIES = 4
_TELL_S = 30.0
T = TypeVar("T")


@dataclass(slots=True)
class Pauses:
    """Between looks: a small share of the time that was waited for, so that all of them add little to it."""

    clock: Clock
    _waited_s: float = field(default=0.0, init=False)

    def wait(self) -> None:
        """Let one pass."""
        pause_s = min(max(_LEAST_S, _SHARE * self._waited_s), _MOST_S)
        self.clock.wait(pause_s)
        self._waited_s += pause_s


def is_final(failure: Failure) -> bool:
    """Claims that the service has understood and refused: asked again it would say the same."""
    return isinstance(failure, Refusal) and failure.status < 500 and failure.status not in (413, 429)


def read_on(read: Callable[[], T], clock: Clock, patience_s: float) -> T:
    """Read, and again for some time while the service fails.

    Raises:
        Failure: it refuses, or fails to the end.
    """
    started, pauses = clock.since_boot(), Pauses(clock)
    while True:
        try:
            return read()
        except Failure as failure:
            if is_final(failure) or clock.since_boot() - started > patience_s:
                raise
        pauses.wait()


@dataclass(slots=True)
class Waiting:
    """One launch that waits for one server.

    Args:
        compute: where it is.
        clock: whose time.
        key: the server's id.
        name: the guest's.
        say: told every half minute.
    """

    compute: Compute
    clock: Clock
    key: str
    name: str
    say: Say

    def for_start(self) -> Server:
        """Wait until the server runs; gives it as it was then.

        Raises:
            Failure: nova could not make it, with nova's reason; or it takes too long.
        """
        started, pauses, told = self.clock.since_boot(), Pauses(self.clock), _TELL_S
        while True:
            server = self._server(pauses)
            if server.status == "ACTIVE":
                return server
            if server.status != "BUILD":
                raise self._not_made(server)
            waited = self.clock.since_boot() - started
            if waited > BUILD_S:
                what = f"nova did not start guest {self.name} in {BUILD_S:.0f} s"
                raise Failure(what, "look whether nova-compute runs: openstack compute service list")
            if waited >= told:
                self.say(f"nova makes the guest ({waited:.0f} s)")
                told += _TELL_S
            pauses.wait()

    def for_report(
        self, server: Server, record: Record, patience: Patience
    ) -> tuple[Server, tuple[SeenFunction, ...]]:
        """Wait until the guest has reported, and count its GPUs; gives the server as it was last, too.

        Args:
            server: as it was when it started.
            record: the guest's.
            patience: how long it may take.

        Raises:
            Failure: the guest ended, nothing came in time, or GPUs are missing.
        """
        server, seen = self._report(server, record.token, patience)
        if (lack := find_lacking(seen, record.gpus)) is not None:
            raise Failure(f"guest {self.name} does not have all it was given: {lack}", self._where())
        return server, seen

    def _report(
        self, server: Server, token: str, patience: Patience
    ) -> tuple[Server, tuple[SeenFunction, ...]]:
        started, pauses, told = self.clock.since_boot(), Pauses(self.clock), _TELL_S
        while True:
            # Read after the look at the server: what a guest says last is still heard.
            text = self._again(lambda: self.compute.console(self.key), pauses)[-KEPT_CHARS:]
            if (seen := parse_report(text, token)) is not None:
                return server, seen
            if (end := find_dead_end(text)) is not None:
                raise Failure(f"guest {self.name} does not come up: {end}", self._where())
            if server.status != "ACTIVE":
                what = f"guest {self.name} became {server.status} before it reported{_words(text)}"
                raise Failure(what, self._where())
            waited = self.clock.since_boot() - started
            if waited > patience.timeout_s:
                raise self._nothing_came(text, patience)
            if waited >= told:
                self.say(f"waiting for the guest to say what it sees ({waited:.0f} s)")
                told += _TELL_S
            pauses.wait()
            server = self._server(pauses)

    def _server(self, pauses: Pauses) -> Server:
        server = self._again(lambda: self.compute.server(self.key), pauses)
        if server is None:
            raise Failure(f"somebody deleted guest {self.name} while it was made", "openstack server list")
        return server

    def _again(self, read: Callable[[], T], pauses: Pauses) -> T:
        """Read, and again where the service failed: a launch outlives its hiccup."""
        for _ in range(_TRIES - 1):
            try:
                return read()
            except Failure as failure:
                if is_final(failure):
                    raise
            pauses.wait()
        return read()

    def _not_made(self, server: Server) -> Failure:
        said = server.fault or f"its status is {server.status}, and nova gives no reason"
        return Failure(
            f"nova could not make guest {self.name}: {said}",
            "gpucloud nova check looks at the nova.conf of the hosts; the flavor may have no free GPU",
        )

    def _nothing_came(self, text: str, patience: Patience) -> Failure:
        began = "its report did not become whole" if MARK in text else "it did not report"
        return Failure(
            f"guest {self.name} did not say in {patience.timeout_s} s what it sees: {began}{_words(text)}",
            f"its image needs cloud-init, and a serial console; {self._where()}",
        )

    def _where(self) -> str:
        return "with --keep-failed the guest stays, to be looked at"


def _words(text: str) -> str:
    words = last_words(text)
    return f"; its last words: {words}" if words else "; its console stayed empty"
