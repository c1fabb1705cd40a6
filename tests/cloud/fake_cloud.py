"""A cloud in memory that keeps the contract: for tests of what uses clouds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpucloud.cloud.choose import Refused, choose
from gpucloud.cloud.claims import Claims
from gpucloud.cloud.protocol import Meanwhile, Own, Patience, Say, leave, wait_alone
from gpucloud.model.failure import Failure
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.guest import Guest, GuestSpec, GuestState, SeenFunction
from gpucloud.model.host import Host
from gpucloud.model.pci import PciClass, PciId


class FakeCloud:
    """Guests in a dictionary. Its time stands still, at first at 1000 seconds."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._guests: dict[str, Guest] = {}
        self._made = 0
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def launch(
        self,
        spec: GuestSpec,
        patience: Patience,
        say: Say,
        own: Own = leave,
        meanwhile: Meanwhile = wait_alone,
    ) -> Guest:
        del patience
        if spec.name in self._guests:
            raise Failure(f"there is a guest {spec.name} already")
        running = {at: guest.name for guest in self._guests.values() for at in guest.functions}
        chosen = choose(self._host, Claims(running), spec)
        if isinstance(chosen, Refused):
            raise Failure(chosen.what, chosen.then)
        say("made from nothing")
        self._made += 1
        guest = self._guests[spec.name] = _guest(spec, chosen, str(self._made), self.seconds)
        try:
            meanwhile()
        except BaseException:
            del self._guests[spec.name]
            raise
        own(guest)
        return guest

    def list(self) -> tuple[Guest, ...]:
        return tuple(self._guests[name] for name in sorted(self._guests))

    def show(self, name: str) -> Guest:
        if name not in self._guests:
            raise Failure(f"there is no guest {name}", f"there is {', '.join(self._guests) or 'none at all'}")
        return self._guests[name]

    def console(self, name: str, *, follows: bool) -> Iterator[str]:
        del follows
        guest = self.show(name)
        return iter([f"gpucloud-report {guest.id}\n"])

    def attach(self, name: str, say: Say) -> None:
        self.show(name)

    def destroy(self, name: str, say: Say) -> Guest:
        self.show(name)
        return self._guests.pop(name)

    def extend(self, name: str, seconds: int, say: Say) -> Guest:
        self._guests[name] = replace(self.show(name), ends_at_s=self.seconds + seconds)
        return self._guests[name]

    def reap(self, say: Say) -> tuple[Guest, ...]:
        over = [one for one in self.list() if one.ends_at_s is not None and one.ends_at_s <= self.seconds]
        return tuple(self._guests.pop(one.name) for one in over)


def _guest(spec: GuestSpec, units: tuple[GpuUnit, ...], number: str, now: float) -> Guest:
    functions = [function for unit in units for function in unit.functions]
    seen = tuple(
        SeenFunction(one.address, one.id, one.pci_class)
        for one in functions
        if isinstance(one.id, PciId) and isinstance(one.pci_class, PciClass)
    )
    return Guest(
        name=spec.name,
        id=number,
        state=GuestState.RUNNING,
        gpus=len(units),
        units=tuple(unit.address for unit in units),
        functions=tuple(one.address for one in functions),
        seen=seen,
        failure=None,
        image=spec.image,
        cpus=spec.cpus,
        memory_mib=spec.memory_mib,
        started_at_s=now,
        ends_at_s=None if spec.lifetime_s is None else now + spec.lifetime_s,
        console_log=None,
    )
