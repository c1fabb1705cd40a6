"""Guests on this machine: `gpucloud.cloud.protocol.Cloud` through libvirt."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from gpucloud.cloud.console import follow_log, read_log
from gpucloud.cloud.definition.record import Record, render_record
from gpucloud.cloud.libvirt.connection import Hypervisor
from gpucloud.cloud.libvirt.domain import Domain, guest_of
from gpucloud.cloud.libvirt.launch import Launch, forget_ended
from gpucloud.cloud.libvirt.plugging import Plugging
from gpucloud.cloud.libvirt.terminal import attach, check_terminal
from gpucloud.cloud.libvirt.tools import Tools
from gpucloud.cloud.libvirt.undo import take_back
from gpucloud.cloud.protocol import Meanwhile, Own, Patience, Say, leave, wait_alone
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import Guest, GuestSpec
from gpucloud.model.pci import PciAddress
from gpucloud.prepare.plan.vfio import is_vfio

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

    @property
    def plugging(self) -> Plugging:
        """Changes of mediated devices of guests that are there."""
        return Plugging(self._tools, self._hypervisor)

    def now(self) -> float:
        return self._tools.clock.now()

    def launch(
        self,
        spec: GuestSpec,
        patience: Patience,
        say: Say,
        own: Own = leave,
        meanwhile: Meanwhile = wait_alone,
    ) -> Guest:
        return Launch(self._tools, self._hypervisor, spec, patience, say, own, meanwhile).do()

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

    def attach(self, name: str, say: Say) -> None:
        domain, _ = self._find(name)
        keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
        check_terminal(keyboard)
        console = self._hypervisor.open_console(domain.uuid)
        say(f"joined the console of {name}; leave it with Ctrl-]")
        attach(console, keyboard, screen)

    def destroy(self, name: str, say: Say) -> Guest:
        tools = self._tools
        with tools.places.locked(lambda: say("waiting for another launch")):
            domain, record = self._find(name)
            take_back(tools, self._hypervisor, name, domain.uuid, say)
            tools.places.remove_log(name)
            forget_ended(tools, self._hypervisor.domains())
        self._check_released(domain)
        return guest_of(domain, record)

    def extend(self, name: str, seconds: int, say: Say) -> Guest:
        tools = self._tools
        with tools.places.locked(lambda: say("waiting for another launch")):
            domain, record = self._find(name)
            folder, log = tools.places.folder(name), Path(record.log)
            changed = record.with_end(tools.clock.now() + seconds)
            tools.deadline.disarm(name, domain.uuid, folder)
            tools.deadline.arm(name, domain.uuid, folder, log, seconds)
            self._hypervisor.keep_record(domain.uuid, ET.tostring(render_record(changed), encoding="unicode"))
        return self.show(name)

    def reap(self, say: Say) -> tuple[Guest, ...]:
        ended: list[Guest] = []
        left: list[Failure] = []
        for domain in self._hypervisor.domains():
            if domain.record is not None and domain.record.is_over(self._tools.clock.now()):
                try:
                    ended += self._reaped(domain.name, say)
                except Failure as failure:
                    left.append(failure)
        with self._tools.places.locked(lambda: say("waiting for another launch")):
            forget_ended(self._tools, self._hypervisor.domains())
        if left:
            raise Failure("; ".join(failure.what for failure in left), left[-1].then, code=left[-1].code)
        return tuple(ended)

    def _reaped(self, name: str, say: Say) -> tuple[Guest, ...]:
        """End one, unless it has gone by itself or was extended meanwhile."""
        domain = self._hypervisor.find(name)
        if domain is None or domain.record is None or not domain.record.is_over(self._tools.clock.now()):
            return ()
        return (self.destroy(name, say),)

    def _check_released(self, domain: Domain) -> None:
        """See that every function is still VFIO's and that nobody has it: the unit can be given again.

        Raises:
            Failure: somebody still has one, or it is bound to another driver now.
        """
        for address in domain.functions:
            if not self._becomes_free(address):
                what = f"guest {domain.name} is ended, but {address} is still in use"
                raise Failure(what, "gpucloud scan shows by whom")
            driver = self._tools.devices.driver(address)
            if (driver is None or not is_vfio(driver)) and not self._tools.devices.has_vgpu_type(address):
                raise Failure(
                    f"guest {domain.name} is ended, but {address} is bound to {driver or 'no driver'} now",
                    f"gpucloud plan --unit {address} prepares it again",
                )

        for uuid in domain.vgpus:
            if not self._becomes_free(uuid):
                what = f"guest {domain.name} is ended, but mediated device {uuid} is still in use"
                raise Failure(what, "gpucloud vgpu list shows by whom")

    def _becomes_free(self, device: PciAddress | str) -> bool:
        for _ in range(_RELEASE_LOOKS):
            if self._is_free(device):
                return True
            self._tools.clock.wait(_RELEASE_S)
        return False

    def _is_free(self, device: PciAddress | str) -> bool:
        tools = self._tools
        return tools.mdevs.is_free(device) if isinstance(device, str) else tools.devices.is_free(device)

    def _find(self, name: str) -> tuple[Domain, Record]:
        """Find a guest of gpucloud.

        Raises:
            Failure: there is none of that name, or gpucloud did not make it.
        """
        domain = self._hypervisor.find(name)
        if domain is None:
            names = ", ".join(guest.name for guest in self.list())
            what, then = f"there is no guest {name}", f"there is {names or 'none at all'}"
            raise Failure(what, then, code=Exit.USAGE)
        if domain.record is None:
            raise Failure(f"gpucloud did not make guest {name}", f"look at it with virsh dominfo {name}")
        return domain, domain.record
