"""What gpucloud keeps about a guest, inside the guest's own definition: there is no other database.

Source: libvirt, "Domain XML format", general metadata: one element per namespace is kept untouched.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace

from gpucloud.cloud.protocol import is_over
from gpucloud.model.guest import SeenFunction
from gpucloud.model.pci import PciAddress, PciClass, PciId

NAMESPACE = "urn:gpucloud:guest:1"
PREFIX = "gpucloud"
_GUEST = f"{{{NAMESPACE}}}guest"


@dataclass(frozen=True, slots=True)
class Record:
    """The facts about a guest that libvirt does not keep by itself."""

    nonce: str
    """32 hexadecimal digits that mark this launch's reports on the console."""
    units: tuple[PciAddress, ...]
    image: str | None
    started_at_s: float
    ends_at_s: float | None
    log: str
    seen: tuple[SeenFunction, ...] | None = None
    failure: str | None = None
    due_at_s: float | None = None
    """When its launch is over, however it went."""

    def is_over(self, now: float) -> bool:
        """Claims that its guest is to be reaped."""
        has_ended = self.seen is not None or self.failure is not None
        return is_over(now, self.ends_at_s, self.due_at_s, has_ended_launch=has_ended)

    def with_end(self, ends_at_s: float) -> Record:
        return replace(self, ends_at_s=ends_at_s)

    def with_seen(self, seen: tuple[SeenFunction, ...]) -> Record:
        return replace(self, seen=seen)

    def with_failure(self, why: str) -> Record:
        return replace(self, failure=why)


def render_record(record: Record) -> ET.Element:
    """Give the record as an element without namespace: what libvirt takes to replace one."""
    guest = ET.Element("guest", nonce=record.nonce, log=record.log, started=repr(record.started_at_s))
    if record.ends_at_s is not None:
        guest.set("ends", repr(record.ends_at_s))
    if record.due_at_s is not None:
        guest.set("due", repr(record.due_at_s))
    if record.image is not None:
        guest.set("image", record.image)
    for unit in record.units:
        ET.SubElement(guest, "unit", address=str(unit))
    if record.seen is not None:
        seen = ET.SubElement(guest, "seen")
        for function in record.seen:
            ET.SubElement(seen, "function", _attributes(function))
    if record.failure is not None:
        ET.SubElement(guest, "failure").text = record.failure
    return guest


def in_namespace(element: ET.Element) -> ET.Element:
    """Put an element and all in it into gpucloud's namespace, as it stands inside a definition."""
    ET.register_namespace(PREFIX, NAMESPACE)
    for each in element.iter():
        each.tag = f"{{{NAMESPACE}}}{each.tag}"
    return element


def _attributes(function: SeenFunction) -> dict[str, str]:
    return {
        "address": str(function.address),
        "id": str(function.id),
        "class": f"{function.pci_class.code:06x}",
        "bars": " ".join(map(str, function.bar_bytes)),
    }


def parse_record(domain: ET.Element) -> Record | None:
    """Read the record out of a parsed definition; None where it is not a guest of gpucloud.

    Raises:
        ValueError: it has a record that this version cannot read.
    """
    guest = domain.find(f"./metadata/{_GUEST}")
    if guest is None:
        return None
    try:
        return _parse(guest)
    except KeyError as error:
        raise ValueError(f"its record lacks {error}") from error


def _parse(guest: ET.Element) -> Record:
    seen = guest.find(f"{{{NAMESPACE}}}seen")
    failure = guest.find(f"{{{NAMESPACE}}}failure")
    ends, due = guest.get("ends"), guest.get("due")
    return Record(
        nonce=guest.attrib["nonce"],
        units=tuple(PciAddress.parse(unit.attrib["address"]) for unit in guest.iter(f"{{{NAMESPACE}}}unit")),
        image=guest.get("image"),
        started_at_s=float(guest.attrib["started"]),
        ends_at_s=float(ends) if ends is not None else None,
        log=guest.attrib["log"],
        seen=None if seen is None else tuple(map(_parse_seen, seen)),
        failure=None if failure is None else failure.text,
        due_at_s=None if due is None else float(due),
    )


def _parse_seen(function: ET.Element) -> SeenFunction:
    vendor, _, device = function.attrib["id"].partition(":")
    return SeenFunction(
        PciAddress.parse(function.attrib["address"]),
        PciId(int(vendor, 16), int(device, 16)),
        PciClass(int(function.attrib["class"], 16)),
        tuple(int(size) for size in function.attrib["bars"].split()),
    )
