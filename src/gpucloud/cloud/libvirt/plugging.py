"""A mediated device given to a guest that is there, and taken from one, while it runs or while it is off."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

from gpucloud.cloud.definition.render import mediated_device
from gpucloud.cloud.libvirt.connection import Hypervisor
from gpucloud.cloud.libvirt.domain import Domain
from gpucloud.cloud.libvirt.tools import Tools
from gpucloud.cloud.libvirt.waiting import Every
from gpucloud.cloud.mediated import choose_mediated, is_uuid
from gpucloud.cloud.protocol import Say
from gpucloud.model.failure import Exit, Failure

_LOOK_S = 2.0
_TELL_S = 10.0
_PATIENCE_S = 60.0
"""A guest lets go of a device as soon as its driver does."""


@dataclass(frozen=True, slots=True)
class Plugging:
    """Changes of what guests of libvirt have, whoever made them."""

    tools: Tools
    hypervisor: Hypervisor

    def attach(self, name: str, wish: str, say: Say) -> str:
        """Give a guest one more mediated device; gives its UUID.

        Args:
            name: of the guest.
            wish: UUID or type (`gpucloud.cloud.mediated.check_wish`).
            say: told what is waited for.

        Raises:
            Failure: there is no such guest, no such device is free, or the guest has no place for it.
        """
        with self.tools.places.locked(lambda: say("waiting for another launch")):
            domain = self._find(name)
            taken = {uuid for each in self.hypervisor.domains() for uuid in each.vgpus}
            (chosen,) = choose_mediated((wish,), self.tools.mdevs.made(), taken)
            try:
                self.hypervisor.plug(domain.uuid, _xml_of(chosen))
            except Failure as failure:
                raise _refused(domain, failure) from failure
        if chosen not in self._find(name).vgpus:
            raise Failure(
                f"libvirt did not give guest {name} mediated device {chosen}", f"virsh dumpxml {name}"
            )
        return chosen

    def detach(self, name: str, wish: str, say: Say) -> str:
        """Take a mediated device from a guest, and wait until it has let go of it; gives its UUID.

        Raises:
            Failure: there is no such guest, it has no such device, or several, or it does not let go.
        """
        domain = self._find(name)
        chosen = self._of(domain, wish)
        self.hypervisor.unplug(domain.uuid, _xml_of(chosen))
        started = self.tools.clock.since_boot()
        tell = Every(_TELL_S, started)
        while self._has(name, chosen):
            now = self.tools.clock.since_boot()
            if now - started > _PATIENCE_S:
                raise Failure(
                    f"guest {name} was asked to let go of mediated device {chosen} and still has it: "
                    "something in it uses the device, or its kernel does not listen yet",
                    "end what uses it there, and say it again",
                )
            if tell.is_due(now):
                say(f"waiting for guest {name} to let go of {chosen} ({now - started:.0f} s)")
            self.tools.clock.wait(_LOOK_S)
        return chosen

    def _has(self, name: str, uuid: str) -> bool:
        """Claims that the guest is there with it, or that its process still holds it."""
        domain = self.hypervisor.find(name)
        if domain is None:
            return False
        return uuid in domain.vgpus or (domain.is_active and not self.tools.mdevs.is_free(uuid))

    def _of(self, domain: Domain, wish: str) -> str:
        kinds = {} if is_uuid(wish) else {each.uuid: each.type for each in self.tools.mdevs.made()}
        meant = [uuid for uuid in domain.vgpus if wish in (uuid, kinds.get(uuid))]
        if len(meant) == 1:
            return meant[0]
        has = ", ".join(domain.vgpus) or "none"
        many = (
            f"has {len(meant)} mediated devices of type {wish}" if meant else f"has no mediated device {wish}"
        )
        raise Failure(f"guest {domain.name} {many}", f"it has {has}: name one", code=Exit.USAGE)

    def _find(self, name: str) -> Domain:
        domain = self.hypervisor.find(name)
        if domain is None:
            names = ", ".join(sorted(each.name for each in self.hypervisor.domains()))
            raise Failure(f"there is no guest {name}", f"there is {names or 'none at all'}", code=Exit.USAGE)
        return domain


def _xml_of(uuid: str) -> str:
    return ET.tostring(mediated_device(uuid), encoding="unicode")


def _refused(domain: Domain, failure: Failure) -> Failure:
    if not domain.is_active:
        return failure
    ports = "a guest that runs takes a device into a free pcie-root-port"
    return Failure(failure.what, f"{ports}: detach another, or attach it while the guest is off")
