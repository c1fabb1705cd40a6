"""Differences made on a cloud, several at a time; each failure is named, and what was done is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Event
from typing import Any

from gpucloud.cloud.openstack.calls import Call, Place
from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.publish import answers
from gpucloud.cloud.openstack.publish import change as do
from gpucloud.cloud.openstack.publish.calls import call_of, traits_call
from gpucloud.cloud.openstack.publish.change import Chain, Change
from gpucloud.cloud.openstack.publish.mishaps import is_bound, must_be_kept, with_help
from gpucloud.model.failure import Failure

_TRIES = 3
"""Of writing a provider's traits, each after a look."""
_CONFLICT = 409
Watch = Callable[[int], None]
"""Told how many differences are done."""


@dataclass(frozen=True, slots=True)
class Made:
    """How far a chain came.

    Args:
        chain: which.
        done: so many of its changes.
        failure: of the next one; None where none failed.
    """

    chain: Chain
    done: int
    failure: Failure | None = None

    @property
    def failed(self) -> Change | None:
        """The change that failed."""
        return self.chain.changes[self.done] if self.failure is not None else None


@dataclass(frozen=True, slots=True)
class Carrier:
    """Makes chains.

    Args:
        send: sends a request and gives its answer.
        workers: chains at a time.
        place: of limits, where there are any.
        stop: no further call begins once it is set.
    """

    send: Callable[[Call], Any]
    workers: int
    place: Place | None
    stop: Event

    def carry_out(self, chains: Sequence[Chain], watch: Watch) -> tuple[Made, ...]:
        """Make all chains, phase by phase; one that fails leaves the others alone.

        Once ``stop`` is set, calls that are under way come to their end, and none begins.
        """
        made: list[Made] = []
        for phase in sorted({chain.phase for chain in chains}):
            made += self._phase([chain for chain in chains if chain.phase == phase], watch, made)
        return tuple(made)

    def _phase(self, chains: Sequence[Chain], watch: Watch, before: Sequence[Made]) -> list[Made]:
        done = sum(each.done for each in before)
        with ThreadPoolExecutor(self.workers) as pool:
            futures = [pool.submit(self._chain, chain) for chain in chains]
            for future in as_completed(futures):
                done += future.result().done
                watch(done)
        return [future.result() for future in futures]

    def _chain(self, chain: Chain) -> Made:
        key = chain.id or ""
        for number, change in enumerate(chain.changes):
            if self.stop.is_set() and not is_bound(chain, number):
                return Made(chain, number)
            try:
                key = _id_of(change, self._make(chain, change, key)) or key
            except Failure as failure:
                return Made(chain, number, with_help(chain, number, failure))
        return Made(chain, len(chain.changes))

    def _make(self, chain: Chain, change: Change, key: str) -> Any:
        if isinstance(change, do.SetTraits):
            return self._set_traits(chain, change, key)
        answer = self.send(call_of(chain, change, key, self.place))
        if isinstance(change, do.SetQuota):
            must_be_kept(change, answer)
        return answer

    def _set_traits(self, chain: Chain, change: do.SetTraits, key: str) -> Any:
        """Servers come and go and raise a provider's generation: then what it has now is read, and kept."""
        for _ in range(_TRIES):
            try:
                return self.send(call_of(chain, change, key, self.place))
            except Refusal as refusal:
                if refusal.status != _CONFLICT:
                    raise
            provider, kept = answers.traits_of(self.send(traits_call(key)), key)
            change = do.SetTraits(change.added, kept, provider)
        return self.send(call_of(chain, change, key, self.place))


def _id_of(change: Change, answer: Any) -> str | None:
    """The id of what a call has made."""
    if isinstance(change, do.CreateFlavor):
        return answers.entry(answers.entry(answer, "flavor", dict, "flavor"), "id", str, "flavor")
    if isinstance(change, do.CreateAggregate):
        made = answers.entry(answer, "aggregate", dict, "aggregate")
        return str(answers.entry(made, "id", int, "aggregate"))
    return None
