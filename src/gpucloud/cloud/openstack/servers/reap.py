"""Guests whose time is over are ended, and it is looked whether anything of them is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpucloud.cloud.clock import Clock
from gpucloud.cloud.openstack.servers.answers import Server
from gpucloud.cloud.openstack.servers.compute import Compute
from gpucloud.cloud.openstack.servers.guest import guest_of, is_over
from gpucloud.cloud.openstack.servers.record import Record, parse_record
from gpucloud.cloud.openstack.servers.undo import end
from gpucloud.cloud.openstack.servers.waiting import Pauses
from gpucloud.cloud.protocol import Say
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import Guest
from gpucloud.model.unknown import Unknown

_SHOWN = 4
_ALLOCATION_S = 30.0
"""nova-compute gives an allocation back after the server is gone (_complete_deletion, compute/manager.py)."""


@dataclass(frozen=True, slots=True)
class Reaping:
    """One look through the guests of a project."""

    compute: Compute
    clock: Clock
    say: Say

    def do(self, over: Sequence[tuple[Server, Record]]) -> tuple[Guest, ...]:
        """End those that are over still.

        Raises:
            Failure: of one or more something is left, or some cannot be seen; all others are gone by then.
        """
        ended: list[Guest] = []
        left: list[Failure] = []
        for server, record in over:
            try:
                if self._is_over_still(server.id):
                    end(self.compute, self.clock, server.name, server.id, self.say)
                    self._check_allocation(server)
                    ended.append(guest_of(server, record))
            except Failure as failure:
                left.append(failure)
        left += self._out_of_sight()
        if left:
            what = "; ".join(dict.fromkeys(failure.what for failure in left))
            steps = "; ".join(dict.fromkeys(failure.then for failure in left if failure.then))
            raise Failure(what, steps, code=Exit.ERROR)
        return tuple(ended)

    def _out_of_sight(self) -> Iterator[Failure]:
        """Why there may be others: nobody can read whose time is over where their cell does not answer."""
        try:
            keys = self.compute.out_of_sight()
        except Failure as failure:
            yield failure
            return
        if keys:
            named = f"{', '.join(keys[:_SHOWN])}{' ...' if len(keys) > _SHOWN else ''}"
            what = f"{len(keys)} servers, maybe guests of ours, are in a cell that does not answer: {named}"
            yield Failure(what, "bring that cell's database and message queue back, and reap again")

    def _is_over_still(self, key: str) -> bool:
        """Look again right before: it may have been extended, and may be gone."""
        server = self.compute.server(key)
        record = None if server is None else parse_record(server.metadata)
        return server is not None and record is not None and is_over(server, record, self.clock.now())

    def _check_allocation(self, server: Server) -> None:
        """See that Placement keeps nothing for it, where one may ask.

        Raises:
            Failure: it does.
        """
        started, pauses = self.clock.since_boot(), Pauses(self.clock)
        while True:
            has = self.compute.allocated(server.id)
            if isinstance(has, Unknown):
                self.say(f"what Placement keeps for {server.name} cannot be seen: {has.why}")
                return
            if not has:
                return
            if self.clock.since_boot() - started > _ALLOCATION_S:
                what = f"server {server.id} of guest {server.name} is gone, and Placement keeps {has} for it"
                raise Failure(what, f"openstack resource provider allocation delete {server.id}")
            pauses.wait()
