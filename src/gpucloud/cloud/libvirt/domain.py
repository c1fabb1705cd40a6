"""One domain of libvirt as facts: what it is called, whether it runs, which host functions it has. Pure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from gpucloud.cloud.claims import Claims
from gpucloud.cloud.definition.record import Record, parse_record
from gpucloud.model.guest import Guest, GuestState
from gpucloud.model.pci import PciAddress

MAX_XML_CHARS = 4 << 20
"""A definition is some kilobytes; nothing larger is parsed."""


class DomainState(IntEnum):
    """libvirt's ``virDomainState``."""

    NO_STATE = 0
    RUNNING = 1
    BLOCKED = 2
    PAUSED = 3
    SHUTTING_DOWN = 4
    OFF = 5
    CRASHED = 6
    SUSPENDED = 7


_RUNNING = (DomainState.RUNNING, DomainState.BLOCKED)


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of libvirt, made by gpucloud or by anyone else."""

    name: str
    uuid: str
    state: DomainState
    cpus: int
    memory_mib: int
    functions: tuple[PciAddress, ...]
    record: Record | None
    """What gpucloud keeps about it; None where gpucloud did not make it."""
    vgpus: tuple[str, ...] = ()
    """UUIDs of mediated devices."""

    @property
    def is_active(self) -> bool:
        """Claims that a QEMU process exists for it, so that its functions are taken."""
        return self.state is not DomainState.OFF


def parse_domain(xml: str, state: DomainState) -> Domain:
    """Read a definition as libvirt prints it.

    Raises:
        ValueError: it is no definition, or its record cannot be read.
    """
    if len(xml) > MAX_XML_CHARS:
        raise ValueError(f"a definition of {len(xml)} characters")
    try:
        root = ET.fromstring(xml)  # noqa: S314 - libvirt's own output, bounded above; expat bounds entities
    except ET.ParseError as error:
        raise ValueError(f"no XML: {error}") from error
    return Domain(
        name=root.findtext("name", ""),
        uuid=root.findtext("uuid", ""),
        state=state,
        cpus=int(root.findtext("vcpu", "1")),
        memory_mib=int(root.findtext("memory", "0")) // 1024,  # libvirt prints KiB
        functions=tuple(_functions(root)),
        record=parse_record(root),
        vgpus=tuple(_mediated(root)),
    )


def _functions(root: ET.Element) -> Iterable[PciAddress]:
    """Host functions that a definition names, as hostdev or as passed-through network interface."""
    for device in (
        *root.iterfind("./devices/hostdev"),
        *root.iterfind("./devices/interface[@type='hostdev']"),
    ):
        address = device.find("./source/address")
        if address is not None and address.get("bus") and address.get("slot"):
            numbers = (int(address.get(part, "0"), 0) for part in ("domain", "bus", "slot", "function"))
            yield PciAddress(*numbers)


def has_device(xml: str, device: str) -> bool:
    """Claims that a definition has a device.

    Args:
        xml: the definition, as libvirt prints it.
        device: one hostdev, as it was given to libvirt.

    Raises:
        ValueError: the definition is none, as of ``parse_domain``.
    """
    alone = parse_domain(f"<domain><devices>{device}</devices></domain>", DomainState.OFF)
    whole = parse_domain(xml, DomainState.OFF)
    return {*alone.functions, *alone.vgpus} <= {*whole.functions, *whole.vgpus}


def _mediated(root: ET.Element) -> Iterable[str]:
    for device in root.iterfind("./devices/hostdev[@type='mdev']"):
        address = device.find("./source/address")
        if address is not None and address.get("uuid"):
            yield address.attrib["uuid"].lower()


def claims_of(domains: Sequence[Domain]) -> Claims:
    """Say which functions the domains have, and which they only name."""
    running = {at: each.name for each in domains if each.is_active for at in each.functions}
    defined = {at: each.name for each in domains if not each.is_active for at in each.functions}
    return Claims(running, defined)


def guest_of(domain: Domain, record: Record) -> Guest:
    """Tell of a guest what every cloud can tell."""
    return Guest(
        name=domain.name,
        id=domain.uuid,
        state=_state_of(domain, record),
        gpus=len(record.units),
        units=record.units,
        functions=domain.functions,
        seen=record.seen,
        failure=record.failure,
        image=record.image,
        cpus=domain.cpus,
        memory_mib=domain.memory_mib,
        started_at_s=record.started_at_s,
        ends_at_s=record.ends_at_s,
        console_log=record.log,
        vgpus=domain.vgpus,
    )


def _state_of(domain: Domain, record: Record) -> GuestState:
    if record.failure is not None:
        return GuestState.FAILED
    if record.seen is None and domain.state in (*_RUNNING, DomainState.PAUSED):
        # QEMU starts paused, until libvirt has set everything up.
        return GuestState.STARTING
    return GuestState.RUNNING if domain.state in _RUNNING else GuestState.STOPPED
