"""A slice given to a guest that is there, and taken from one, while it runs or while it is off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpucloud.cloud.eligible import refuse
from gpucloud.cloud.libvirt.connection import Hypervisor
from gpucloud.cloud.libvirt.domain import Domain, claims_of
from gpucloud.cloud.libvirt.slices import FunctionSlice, MediatedSlice, Slice
from gpucloud.cloud.libvirt.tools import Tools
from gpucloud.cloud.libvirt.waiting import Every
from gpucloud.cloud.mediated import choose_mediated, is_uuid
from gpucloud.cloud.protocol import Say
from gpucloud.cloud.typed import choose_typed, is_typed, typed_functions
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.pci import PciAddress
from gpucloud.model.units.named import slices_to_give
from gpucloud.model.unknown import Unknown

_LOOK_S = 2.0
_TELL_S = 10.0
_PATIENCE_S = 60.0
"""A guest lets go of a device as soon as its driver does."""
_NOT_ITS_DRIVER = "must be manually detached from the host"
"""libvirt's src/hypervisor/virhostdev.c, where ``vfio-dev`` of the function says nothing to it yet."""
Wish = str | PciAddress
"""A mediated device by its UUID or type (`gpucloud.cloud.mediated.check_wish`), or a virtual function by its
address or its vGPU type's number (`gpucloud.cloud.typed`)."""


@dataclass(frozen=True, slots=True)
class Plugging:
    """Changes of what guests of libvirt have, whoever made them."""

    tools: Tools
    hypervisor: Hypervisor

    def attach(self, name: str, wish: Wish, say: Say) -> str:
        """Give a guest one more slice; gives its UUID or address.

        Args:
            name: of the guest.
            wish: which.
            say: told what is waited for.

        Raises:
            Failure: there is no such guest, no such slice is free, or the guest has no place for it.
        """
        with self.tools.places.locked(lambda: say("waiting for another launch")):
            domain = self._find(name)
            chosen = self._choose(wish)
            try:
                self.hypervisor.plug(domain.uuid, chosen.xml)
            except Failure as failure:
                raise _refused(domain, failure) from failure
        if not chosen.is_in(self._find(name)):
            raise Failure(f"libvirt did not give guest {name} {chosen.name}", f"virsh dumpxml {name}")
        return chosen.name

    def detach(self, name: str, wish: Wish, say: Say) -> str:
        """Take a slice from a guest, and wait until it has let go of it; gives its UUID or address.

        Raises:
            Failure: there is no such guest, it has no such slice, or several, or it does not let go.
        """
        domain = self._find(name)
        chosen = self._of(domain, wish)
        self.hypervisor.unplug(domain.uuid, chosen.xml)
        started = self.tools.clock.since_boot()
        tell = Every(_TELL_S, started)
        while self._has(name, chosen):
            now = self.tools.clock.since_boot()
            if now - started > _PATIENCE_S:
                raise Failure(
                    f"guest {name} was asked to let go of {chosen.name} and still has it: "
                    "something in it uses the device, or its kernel does not listen yet",
                    "end what uses it there, and say it again",
                )
            if tell.is_due(now):
                say(f"waiting for guest {name} to let go of {chosen.name} ({now - started:.0f} s)")
            self.tools.clock.wait(_LOOK_S)
        return chosen.name

    def _choose(self, wish: Wish) -> Slice:
        domains = self.hypervisor.domains()
        if isinstance(wish, PciAddress):
            return self._choose_function(wish, domains)
        if is_typed(wish):
            address = choose_typed(self.tools.read_host(), claims_of(domains), wish)
            return FunctionSlice(address, self.tools.devices)
        taken = {uuid for each in domains for uuid in each.vgpus}
        (chosen,) = choose_mediated((wish,), self.tools.mdevs.made(), taken)
        return MediatedSlice(chosen, self.tools.mdevs)

    def _choose_function(self, address: PciAddress, domains: Sequence[Domain]) -> Slice:
        host = self.tools.read_host()
        (unit,) = slices_to_give(host, (str(address),))
        if host.unit_at(address) is not None:
            then = f"launch a guest with it: gpucloud launch --unit {address}"
            raise Failure(f"{address} is a card, and no slice of one", then, code=Exit.USAGE)
        claims = claims_of(domains)
        if guest := claims.defined.get(address):
            then = f"take it from there: gpucloud vgpu detach {guest} {address}"
            raise Failure(f"the definition of guest {guest}, which does not run, names {address}", then)
        refusal = refuse(host, unit, claims)
        if refusal is not None:
            raise Failure(f"{address}: {refusal.why}", refusal.instead)
        return FunctionSlice(address, self.tools.devices)

    def _has(self, name: str, chosen: Slice) -> bool:
        """Claims that the guest is there with it, or that its process still holds it."""
        domain = self.hypervisor.find(name)
        if domain is None:
            return False
        return chosen.is_in(domain) or (domain.is_active and not chosen.is_free())

    def _of(self, domain: Domain, wish: Wish) -> Slice:
        if isinstance(wish, PciAddress):
            return self._function_of(domain, wish)
        if is_typed(wish):
            return self._typed_of(domain, wish)
        kinds = {} if is_uuid(wish) else {each.uuid: each.type for each in self.tools.mdevs.made()}
        meant = [uuid for uuid in domain.vgpus if wish in (uuid, kinds.get(uuid))]
        if len(meant) == 1:
            return MediatedSlice(meant[0], self.tools.mdevs)
        has = ", ".join(domain.vgpus) or "none"
        many = (
            f"has {len(meant)} mediated devices of type {wish}" if meant else f"has no mediated device {wish}"
        )
        raise Failure(f"guest {domain.name} {many}", f"it has {has}: name one", code=Exit.USAGE)

    def _function_of(self, domain: Domain, address: PciAddress) -> Slice:
        """A virtual function; what else was given goes with its guest, for it was launched with all of it."""
        if address not in domain.functions:
            has = ", ".join(map(str, domain.functions)) or "none"
            what = f"guest {domain.name} has no function {address}"
            raise Failure(what, f"it has {has}: name one", code=Exit.USAGE)
        functions = self.tools.read_host().functions
        here = None if isinstance(functions, Unknown) else functions.get(address)
        if here is not None and here.physical_function is None:
            then = f"it goes with the guest, or by: virsh detach-device {domain.name} FILE"
            raise Failure(f"{address} is no virtual function", then, code=Exit.USAGE)
        return FunctionSlice(address, self.tools.devices)

    def _typed_of(self, domain: Domain, type_: str) -> Slice:
        there = typed_functions(self.tools.read_host(), type_)
        meant = [address for address in domain.functions if address in there]
        if len(meant) == 1:
            return FunctionSlice(meant[0], self.tools.devices)
        many = f"has {len(meant) or 'no'} vGPUs of type {type_}"
        has = ", ".join(map(str, meant or domain.functions)) or "none"
        raise Failure(f"guest {domain.name} {many}", f"it has {has}: name one", code=Exit.USAGE)

    def _find(self, name: str) -> Domain:
        domain = self.hypervisor.find(name)
        if domain is None:
            names = ", ".join(sorted(each.name for each in self.hypervisor.domains()))
            raise Failure(f"there is no guest {name}", f"there is {names or 'none at all'}", code=Exit.USAGE)
        return domain


def _refused(domain: Domain, failure: Failure) -> Failure:
    if _NOT_ITS_DRIVER in failure.what:
        return Failure(
            failure.what, "libvirt knows drivers of VFIO other than vfio-pci from 10.0 on: update it"
        )
    if not domain.is_active:
        return failure
    ports = "a guest that runs takes a device into a free pcie-root-port"
    return Failure(failure.what, f"{ports}: detach another, or attach it while the guest is off")
