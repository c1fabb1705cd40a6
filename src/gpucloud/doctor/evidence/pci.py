"""PCI functions and groups in pasted listings: lspci in all its forms, group scripts, kernel logs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gpucloud.doctor.case import device_path
from gpucloud.doctor.evidence.text import Line
from gpucloud.model.finding import Evidence
from gpucloud.model.pci import PciAddress, PciClass, PciFunction, PciId
from gpucloud.model.unknown import Unknown

_ADDRESS = r"(?P<address>(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7])"
_NAMED = re.compile(
    rf"(?<![\w:.]){_ADDRESS}\s+\"?(?P<kind>[A-Z0-9][A-Za-z0-9 /.-]{{2,45}}?)\"?"
    r"(?:\s*\[(?P<code>[0-9a-f]{4})\]\"?:?|:|\s{2,})\s*(?P<rest>.*)",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    rf"(?<![\w:.]){_ADDRESS}\s+(?:Class )?(?P<code>[0-9a-f]{{4}}):\s+(?P<id>[0-9a-f]{{4}}:[0-9a-f]{{4}})",
    re.IGNORECASE,
)
_KERNEL = re.compile(
    rf"pci {_ADDRESS}: \[(?P<id>[0-9a-f]{{4}}:[0-9a-f]{{4}})\] type \S+ class (?P<code>0x[0-9a-f]{{6}})",
    re.IGNORECASE,
)
_GROUPED = re.compile(rf"iommu_groups/(?P<group>\d+)/devices/{_ADDRESS}", re.IGNORECASE)
_ADDED = re.compile(
    rf"(?:{_ADDRESS}: Adding to iommu group (?P<group>\d+))"
    r"|(?:Adding device (?P<other>(?:[0-9a-f]{4,8}:)[0-9a-f]{2}:[01][0-9a-f]\.[0-7]) to group "
    r"(?P<second>\d+))",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^[\s#>*|`-]*(?:IOMMU[ _-]?)?group:?\s*\[?#?(?P<group>\d{1,4})\b", re.IGNORECASE)
_GROUP_AFTER = re.compile(r"IOMMU[ _]group:? (?P<group>\d+)", re.IGNORECASE)
_DRIVER = re.compile(r"(?:Kernel driver in use|[Dd]river(?: in use)?)\s*[:=]\s*(?P<driver>[\w-]+)")
_ID = re.compile(r"\[(?P<id>[0-9a-f]{4}:[0-9a-f]{4})\]", re.IGNORECASE)
_AFTER_NAME = re.compile(r"(?<!\s)\s*+(?:\[[0-9a-f]{4}:[0-9a-f]{4}\]|\(rev |(?<=\s\s)Driver)")
_REVISION = re.compile(r"\(rev ([0-9a-f]{2})\)", re.IGNORECASE)

_KINDS = {
    "vga compatible controller": 0x0300,
    "3d controller": 0x0302,
    "display controller": 0x0380,
    "processing accelerators": 0x1200,
    "audio device": 0x0403,
    "multimedia audio controller": 0x0401,
    "usb controller": 0x0C03,
    "serial bus controller": 0x0C80,
    "non-volatile memory controller": 0x0108,
    "sata controller": 0x0106,
    "raid bus controller": 0x0104,
    "serial attached scsi controller": 0x0107,
    "ethernet controller": 0x0200,
    "network controller": 0x0280,
    "infiniband controller": 0x0207,
    "host bridge": 0x0600,
    "isa bridge": 0x0601,
    "pci bridge": 0x0604,
    "bridge": 0x0680,
    "smbus": 0x0C05,
    "iommu": 0x0806,
    "encryption controller": 0x1080,
    "signal processing controller": 0x1180,
    "system peripheral": 0x0880,
}
"""Class names as lspci prints them without -nn. Source: pci.ids, list of known device classes."""

NOT_SHOWN = Unknown("not in the evidence")


MOST_FUNCTIONS = 1024
"""Functions that are kept of one input, virtual ones too: every card is held against every other."""


@dataclass
class SeenFunction:
    """What the lines so far show of one function."""

    address: PciAddress
    pci_class: PciClass | None = None
    id: PciId | None = None
    name: str | None = None
    driver: str | None = None
    group: int | None = None
    revision: int | None = None
    was_awake: bool = False
    """Some listing shows a revision other than ff: the card answered when that was taken."""
    has_sriov: bool = False
    has_details: bool = False
    """Lines below its own were shown: with ``lspci -k``, a driver would be among them."""


@dataclass
class PciListing:
    """Functions gathered line by line; lspci prints details on the lines below a function's own."""

    seen: dict[PciAddress, SeenFunction] = field(default_factory=dict)
    shown: dict[str, Evidence] = field(default_factory=dict)
    has_more: bool = False
    """There were more functions than are kept."""
    _heading: int | None = None
    _current: SeenFunction | None = None
    _key: str = ""

    def read(self, line: Line) -> None:
        """Take one line; lines that are no listing change nothing."""
        if line.key != self._key:
            self._key, self._heading, self._current = line.key, None, None
        text = line.text
        if not text.strip():
            self._current = None
            return
        heading = _HEADING.match(text)
        if heading is not None:
            self._heading = int(heading["group"])
        if ":" in text and "." in text and self._read_function(line):
            return
        if self._current is not None and text[:1] in " \t":
            self._current.has_details = True
            self._read_detail(line, self._current)

    def _read_function(self, line: Line) -> bool:
        text = line.text
        for pattern in (_NUMBERS, _KERNEL, _NAMED):
            match = pattern.search(text)
            if match is not None:
                return self._take(line, match)
        path = _GROUPED.search(text)
        if path is not None:
            self._place(line, _address(path["address"]), int(path["group"]))
        added = _ADDED.search(text)
        if added is not None:
            self._place(
                line, _address(added["address"] or added["other"]), int(added["group"] or added["second"])
            )
        return path is not None or added is not None

    def _take(self, line: Line, match: re.Match[str]) -> bool:
        found = match.groupdict()
        code = found.get("code")
        kind = _KINDS.get((found.get("kind") or "").strip().lower())
        if code is None and kind is None:
            return False
        seen = self._function(_address(match["address"]))
        if seen is None:
            self._current = None
            return True
        if seen.pci_class is None:
            seen.pci_class = _class(code) if code is not None else PciClass((kind or 0) << 8)
        ident = found.get("id") or _last_id(line.text)
        if seen.id is None and ident is not None:
            vendor, device = ident.split(":")
            seen.id = PciId(int(vendor, 16), int(device, 16))
        if seen.name is None and found.get("rest"):
            seen.name = _name(found["rest"])
        revision = _REVISION.search(line.text)
        if revision is not None:
            seen.revision = int(revision[1], 16)
            seen.was_awake = seen.was_awake or seen.revision != 0xFF
        self._note(f"{device_path(seen.address)}/class", line)
        if self._heading is not None:
            self._place(line, seen.address, self._heading)
        self._read_detail(line, seen)
        self._current = seen
        return True

    def _read_detail(self, line: Line, seen: SeenFunction) -> None:
        driver = _DRIVER.search(line.text)
        if driver is not None and seen.driver is None:
            seen.driver = driver["driver"]
            self._note(f"{device_path(seen.address)}/driver", line)
        group = _GROUP_AFTER.search(line.text)
        if group is not None:
            self._place(line, seen.address, int(group["group"]))
        if "Single Root I/O Virtualization" in line.text:
            seen.has_sriov = True

    def _place(self, line: Line, address: PciAddress, group: int) -> None:
        seen = self._function(address)
        if seen is not None and seen.group is None:
            seen.group = group
            self._note(f"{device_path(address)}/iommu_group", line)

    def _function(self, address: PciAddress) -> SeenFunction | None:
        """What is seen of a function; None for one more than are kept."""
        if address not in self.seen:
            if len(self.seen) >= MOST_FUNCTIONS:
                self.has_more = True
                return None
            self.seen[address] = SeenFunction(address)
        return self.seen[address]

    def _note(self, place: str, line: Line) -> None:
        self.shown.setdefault(place, Evidence(line.key, line.text.strip()[:400], line.number))


def to_function(seen: SeenFunction) -> PciFunction:
    """The model's function, with ``Unknown`` for all that listings do not show."""
    return PciFunction(
        address=seen.address,
        id=seen.id or NOT_SHOWN,
        pci_class=seen.pci_class or NOT_SHOWN,
        vendor_name=None,
        device_name=seen.name,
        subsystem=NOT_SHOWN,
        revision=NOT_SHOWN if seen.revision is None else seen.revision,
        driver=seen.driver or NOT_SHOWN,
        driver_override=NOT_SHOWN,
        candidate_modules=NOT_SHOWN,
        iommu_group=NOT_SHOWN if seen.group is None else seen.group,
        numa_node=NOT_SHOWN,
        bars=NOT_SHOWN,
        reset_methods=NOT_SHOWN,
        power_state=NOT_SHOWN,
        is_d3cold_allowed=NOT_SHOWN,
        link=NOT_SHOWN,
        sriov=NOT_SHOWN,
        physical_function=NOT_SHOWN,
        mdev_types=NOT_SHOWN,
        vendor_vfio_types=NOT_SHOWN,
        is_boot_vga=NOT_SHOWN,
        device_nodes=NOT_SHOWN,
        holders=NOT_SHOWN,
        linked=NOT_SHOWN,
        parent=NOT_SHOWN,
        mdevs=NOT_SHOWN,
    )


def _address(text: str) -> PciAddress:
    return PciAddress.parse_typed(text)


def _class(code: str) -> PciClass:
    return PciClass(int(code, 16) if code.startswith("0x") else int(code, 16) << 8)


def _last_id(text: str) -> str | None:
    found = _ID.findall(text)
    return found[-1] if found else None


def _name(rest: str) -> str | None:
    name = _AFTER_NAME.split(rest, maxsplit=1)[0].strip()
    return name[:120] or None
