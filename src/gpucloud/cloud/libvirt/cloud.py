"""Guests on this machine: `gpucloud.cloud.protocol.Cloud` through libvirt."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from gpucloud.cloud.console import follow_log, read_log
from gpucloud.cloud.definition.record import Record
from gpucloud.cloud.eligible import is_vfio
from gpucloud.cloud.libvirt.connection import Hypervisor
from gpucloud.cloud.libvirt.domain import Domain, guest_of
from gpucloud.cloud.libvirt.launch import Launch, forget_ended
from gpucloud.cloud.libvirt.terminal import attach
from gpucloud.cloud.libvirt.tools import Tools
from gpucloud.cloud.protocol import Patience, Say
from gpucloud.model.failure import Failure
from gpucloud.model.guest import Guest, GuestSpec

_FOLLOW_S = 1.0
_RELEASE_LOOKS = 20
_RELEASE_S = 0.5


class LibvirtCloud:
    """The embedded default. State is in libvirt's own metadata; one connection serves all calls."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    @cached_property
    def _hypervisor(self) -> Hypervisor:
        return self._tools.connect()

    def launch(self, spec: GuestSpec, patience: Patience, say: Say) -> Guest:
        return Launch(self._tools, self._hypervisor, spec, patience, say).do()

    def list(self) -> tuple[Guest, ...]:
        domains = sorted(self._hypervisor.domains(), key=lambda domain: domain.name)
        return tuple(guest_of(domain, domain.record) for domain in domains if domain.record is not None)

    def show(self, name: str) -> Guest:
        domain, record = self._find(name)
        return guest_of(domain, record)

    def console(self, name: str, *, follows: bool) -> Iterator[str]:
        domain, record = self._find(name)
        if not follows:
            return read_log(Path(record.log))
        return follow_log(
            Path(record.log),
            is_over=lambda: not self._hypervisor.is_active(domain.uuid),
            wait=lambda: self._tools.clock.wait(_FOLLOW_S),
        )

    def attach(self, name: str) -> None:
        domain, _ = self._find(name)
        attach(self._hypervisor.open_console(domain.uuid))

    def destroy(self, name: str) -> Guest:
        tools = self._tools
        with tools.places.locked(lambda: None):
            domain, record = self._find(name)
            self._hypervisor.end(domain.uuid)
            tools.deadline.disarm(name, domain.uuid, tools.places.folder(name))
            tools.places.remove_folder(name)
            tools.places.remove_log(name)
            forget_ended(tools, self._hypervisor.domains())
        self._check_released(domain)
        return guest_of(domain, record)

    def _check_released(self, domain: Domain) -> None:
        """See that every function is still vfio's and that nobody has it: the unit can be given again.

        Raises:
            Failure: somebody still has one, or it is bound to another driver now.
        """
        devices = self._tools.devices
        for _ in range(_RELEASE_LOOKS):
            held = [address for address in domain.functions if not devices.is_free(address)]
            if not held:
                break
            self._tools.clock.wait(_RELEASE_S)
        else:
            raise Failure(
                f"guest {domain.name} is ended, but {held[0]} is still in use",
                f"gpucloud scan shows who has {held[0]}",
            )
        drivers = {address: devices.driver(address) for address in domain.functions}
        for address, driver in drivers.items():
            if driver is None or not is_vfio(driver):
                raise Failure(
                    f"guest {domain.name} is ended, but {address} is bound to {driver or 'no driver'} now",
                    f"gpucloud plan --unit {address} prepares it again",
                )

    def _find(self, name: str) -> tuple[Domain, Record]:
        """Find a guest of gpucloud.

        Raises:
            Failure: there is none of that name, or gpucloud did not make it.
        """
        domain = self._hypervisor.find(name)
        if domain is None:
            names = ", ".join(guest.name for guest in self.list())
            raise Failure(
                f"there is no guest {name}", f"there is {names}" if names else "there are no guests"
            )
        if domain.record is None:
            raise Failure(
                f"gpucloud did not make guest {name}", f"virsh shows and ends it: virsh dominfo {name}"
            )
        return domain, domain.record
