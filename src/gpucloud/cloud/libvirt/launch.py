"""One launch: choose, make, start, look, wait; and everything taken back if any of it fails."""

from __future__ import annotations

import secrets
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gpucloud.cloud.boot.make import Identity, MakeBoot
from gpucloud.cloud.choose import Refused, choose
from gpucloud.cloud.definition.parts import Accelerator, Definition, DiskBoot, Screen
from gpucloud.cloud.definition.record import Record, render_record
from gpucloud.cloud.definition.render import render_domain
from gpucloud.cloud.definition.slots import guest_slots
from gpucloud.cloud.definition.window import fit_window
from gpucloud.cloud.libvirt.connection import Hypervisor
from gpucloud.cloud.libvirt.domain import Domain, claims_of, guest_of
from gpucloud.cloud.libvirt.fits import refuse_narrow_address_space, refuse_scarce_memory
from gpucloud.cloud.libvirt.machine.emulator import choose_accelerator
from gpucloud.cloud.libvirt.tools import Tools
from gpucloud.cloud.libvirt.undo import Undo
from gpucloud.cloud.libvirt.waiting import Waiting, say_seen
from gpucloud.cloud.mediated import choose_mediated
from gpucloud.cloud.packages import LOOK_AT_LIBVIRT
from gpucloud.cloud.protocol import GRACE_S, Meanwhile, Own, Patience, Say
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.guest import Guest, GuestSpec, SeenFunction
from gpucloud.model.host import Host
from gpucloud.model.units.named import slices_to_give
from gpucloud.model.units.virtual import card_of
from gpucloud.model.unknown import Unknown

GVT_G = "i915-GVTg_"
"""Types of Intel GVT-g (drivers/gpu/drm/i915/gvt/kvmgt.c), which displays by textures alone."""
SPARE_PORTS = 2
"""Of a guest on a host with mediated devices: so many can be attached while it runs."""


def _has_slices(host: Host) -> bool:
    """Claims that a card has virtual functions, which can be attached later."""
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    return any(card_of(host, each) is not None for each in functions.values())


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch of one guest."""

    tools: Tools
    hypervisor: Hypervisor
    spec: GuestSpec
    patience: Patience
    say: Say
    own: Own
    meanwhile: Meanwhile

    def do(self) -> Guest:
        """Launch.

        Raises:
            Failure: it cannot be done, or the guest does not see what it was given; nothing is left,
                unless a failed guest is to be kept.
        """
        make_boot = self.tools.boots.look(self.spec)
        self.say("reading this host")
        host = self.tools.read_host()
        undo = Undo(self.tools, self.hypervisor, self.say)
        with undo, undo:
            with self.tools.places.locked(lambda: self.say("waiting for another launch")):
                guest = self._make(host, make_boot, undo)
                self.hypervisor.start(render_domain(guest))
            self._check_given(guest)
            self.meanwhile()
            self.say(f"guest {guest.name} started; waiting for its kernel to say what it sees")
            try:
                seen = self._wait(guest)
            except Failure as failure:
                if self.patience.keeps_failed:
                    self._keep(guest.record.with_failure(failure.what), guest.uuid)
                    undo.keep()
                raise
            self._keep(guest.record.with_seen(seen), guest.uuid)
            made = self._read_back(guest.name)
            say_seen(guest, seen, self.say)
            self.own(made)
            undo.keep()
        return made

    def _make(self, host: Host, make_boot: MakeBoot, undo: Undo) -> Definition:
        """Claim the name and make all that the guest needs; what is made is noted for undo."""
        domains = self.hypervisor.domains()
        self._refuse_taken_name(domains)
        forget_ended(self.tools, domains)
        units = self._choose(host, domains)
        vgpus = self._choose_vgpus(domains)
        identity = Identity(self.spec.name, str(uuid.uuid4()), secrets.token_hex(16))
        undo.note(identity)
        folder = self.tools.places.make_folder(self.spec.name)
        guest = self._define(host, units, make_boot, folder, identity)
        guest = replace(guest, vgpus=vgpus, screen=self._screen(vgpus), spare_ports=self._spare_ports(host))
        self._arm(guest, folder)
        return guest

    def _refuse_taken_name(self, domains: Sequence[Domain]) -> None:
        taken = next((domain for domain in domains if domain.name == self.spec.name), None)
        if taken is None:
            return
        if taken.record is None:
            raise Failure(
                f"there is a guest {taken.name} already, which gpucloud did not make",
                "choose another --name",
                code=Exit.USAGE,
            )
        raise Failure(
            f"there is a guest {taken.name} already",
            f"choose another --name, or end it: gpucloud destroy {taken.name}",
            code=Exit.USAGE,
        )

    def _choose(self, host: Host, domains: Sequence[Domain]) -> tuple[GpuUnit, ...]:
        slices_to_give(host, map(str, self.spec.units))
        chosen = choose(host, claims_of(domains), self.spec)
        if isinstance(chosen, Refused):
            raise Failure(chosen.what, chosen.then)
        for unit in chosen:
            self.say(f"giving {unit.address} {unit.primary.name} ({len(unit.functions)} functions)")
        return chosen

    def _choose_vgpus(self, domains: Sequence[Domain]) -> tuple[str, ...]:
        if not self.spec.vgpus:
            return ()
        taken = {vgpu for domain in domains for vgpu in domain.vgpus}
        chosen = choose_mediated(self.spec.vgpus, self.tools.mdevs.made(), taken)
        for vgpu in chosen:
            self.say(f"giving mediated device {vgpu}")
        return chosen

    def _screen(self, vgpus: Sequence[str]) -> Screen | None:
        if not self.spec.has_screen:
            return None
        self.say(f"its screen, from this host: virsh domdisplay {self.spec.name}")
        kinds = {each.uuid: each.type for each in self.tools.mdevs.made()}
        is_gvt = str(kinds.get(vgpus[0])).startswith(GVT_G)
        return Screen.TEXTURE if is_gvt else Screen.PIXELS

    def _spare_ports(self, host: Host) -> int:
        """Root ports cost a guest's kernel time: only where something is there to come later."""
        return SPARE_PORTS if self.tools.mdevs.is_offered() or _has_slices(host) else 0

    def _define(
        self, host: Host, units: Sequence[GpuUnit], make_boot: MakeBoot, folder: Path, identity: Identity
    ) -> Definition:
        started = self.tools.clock.now()
        log = self.tools.places.log(self.spec.name)
        network = self.tools.find_network()
        lifetime = self.spec.lifetime_s
        boot = make_boot(folder, identity)
        accelerator = choose_accelerator(host.kvm)
        slots = guest_slots(units)
        functions = [[function for _, function in slot.functions] for slot in slots]
        guest = Definition(
            name=identity.name,
            uuid=identity.uuid,
            cpus=self.spec.cpus,
            memory_mib=self.spec.memory_mib,
            accelerator=accelerator,
            boot=boot,
            slots=slots,
            window=fit_window(functions, self.spec.memory_mib, is_amd=_has_amd_cpu(host, accelerator)),
            record=Record(
                nonce=identity.nonce,
                units=tuple(unit.address for unit in units),
                image=self.spec.image,
                started_at_s=started,
                ends_at_s=None if lifetime is None else started + lifetime,
                log=str(log),
                due_at_s=started + self.patience.timeout_s + GRACE_S,
            ),
            console_log=log,
            network=network if isinstance(boot, DiskBoot) else None,
        )
        refuse_narrow_address_space(host, guest)
        if slots:
            refuse_scarce_memory(guest, self.tools.free_memory_mib())
        return guest

    def _arm(self, guest: Definition, folder: Path) -> None:
        """Start the time before the guest: whatever dies from here on, the guest ends."""
        if self.spec.lifetime_s is not None:
            log = guest.console_log
            self.tools.deadline.arm(guest.name, guest.uuid, folder, log, self.spec.lifetime_s)

    def _check_given(self, guest: Definition) -> None:
        """See that libvirt gave exactly the functions that were asked for.

        A guest that is gone already has an end to tell of, and `Waiting` does that.
        """
        asked = {function.address for slot in guest.slots for _, function in slot.functions}
        domain = self.hypervisor.find(guest.name)
        given = asked if domain is None else set(domain.functions)
        odd_ones = given ^ asked, set(guest.vgpus) ^ set(guest.vgpus if domain is None else domain.vgpus)
        if any(odd_ones):
            odd = ", ".join(sorted(str(each) for odd in odd_ones for each in odd))
            what = f"libvirt did not give guest {guest.name} what was asked: {odd} differ"
            raise Failure(what, LOOK_AT_LIBVIRT)

    def _wait(self, guest: Definition) -> tuple[SeenFunction, ...]:
        return Waiting(guest, self.hypervisor, self.tools.clock, self.patience, self.say).for_report()

    def _keep(self, record: Record, of: str) -> None:
        self.hypervisor.keep_record(of, ET.tostring(render_record(record), encoding="unicode"))

    def _read_back(self, name: str) -> Guest:
        domain = self.hypervisor.find(name)
        if domain is None or domain.record is None:
            raise Failure(f"guest {name} reported, and ended right after", "gpucloud list")
        return guest_of(domain, domain.record)


def forget_ended(tools: Tools, domains: Sequence[Domain]) -> None:
    """Remove what guests have left that ended by themselves: folder and time limit. Under the lock."""
    for name in tools.places.forgotten({domain.name for domain in domains}):
        tools.deadline.disarm(name, "", tools.places.folder(name))
        tools.places.remove_folder(name)


def _has_amd_cpu(host: Host, accelerator: Accelerator) -> bool:
    """Claims that the guest's processor is AMD's: the host's, or QEMU's own, which is AMD's too."""
    vendor = host.cpu.vendor
    return accelerator is Accelerator.EMULATION or (isinstance(vendor, str) and "AMD" in vendor.upper())
