"""What pasted evidence says beyond the facts of a host: remarks of programs, nova's options, the request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gpucloud.doctor.evidence.boot import BootSettings
from gpucloud.doctor.evidence.pci import PciListing
from gpucloud.doctor.evidence.phrase import Remark, Tried
from gpucloud.doctor.evidence.request import Request
from gpucloud.doctor.evidence.settings import NovaSettings
from gpucloud.doctor.evidence.shapes import Shapes
from gpucloud.model.finding import Evidence

_QEMU_VENDORS = (0x1AF4, 0x1B36)
"""virtio and Red Hat's QEMU devices. Source: pci.ids, QEMU docs/specs/pci-ids.rst."""
_GUEST_KEY = re.compile(
    r"guest|windows|console_(?:log|output)|in(?:side)?_(?:the_)?(?:vm|instance)"
    r"|(?:vm|instance)_?(?:dmesg|lspci|log|journal|console|terminal|nvidia_smi)",
    re.IGNORECASE,
)


@dataclass
class Paper:
    """Everything that the parsers took from one input."""

    environment: Mapping[str, str] = field(default_factory=dict)
    remarks: dict[str, list[Remark]] = field(default_factory=dict)
    """Remarks by the name of their phrase, in the order of the text."""
    listing: PciListing = field(default_factory=PciListing)
    guest_listing: PciListing = field(default_factory=PciListing)
    boot: BootSettings = field(default_factory=BootSettings)
    nova: NovaSettings = field(default_factory=NovaSettings)
    request: Request = field(default_factory=Request)
    shapes: Shapes = field(default_factory=Shapes)
    tried: Tried = field(default_factory=Tried)
    opening: dict[str, str] = field(default_factory=dict)
    """How the text under each key begins, as much as is kept of it: where people say what they want."""
    lines_read: int = 0
    """Lines that were read as listing or configuration."""
    has_text: bool = False
    """There was anything at all to read."""
    skipped: list[str] = field(default_factory=list)
    """Parts that were not looked at, in words."""

    def said(self, *names: str) -> tuple[Remark, ...]:
        """All remarks of these phrases."""
        return tuple(remark for name in names for remark in self.remarks.get(name, ()))

    def has(self, *names: str) -> bool:
        """Claims that one of these phrases was said."""
        return any(name in self.remarks for name in names)

    def lines(self, *names: str) -> tuple[Evidence, ...]:
        """The lines on which these phrases were said."""
        return tuple(remark.evidence for remark in self.said(*names))

    def all_remarks(self) -> Iterator[Remark]:
        return (remark for many in self.remarks.values() for remark in many)

    @property
    def guests_listing(self) -> PciListing:
        """The functions of a guest: under a guest's key, or any listing with QEMU's own devices in it."""
        seen = self.listing.seen.values()
        is_guests = any(one.id is not None and one.id.vendor in _QEMU_VENDORS for one in seen)
        return self.listing if is_guests and not self.guest_listing.seen else self.guest_listing

    def about(self, *words: str) -> str:
        """What the environment says under keys that hold one of the words, lower case."""
        return " ".join(
            value for key, value in self.environment.items() if any(word in key.lower() for word in words)
        ).lower()


def is_guest_key(key: str) -> bool:
    """Claims that a key holds text from inside a guest; ``console_log`` is what nova calls its console."""
    return _GUEST_KEY.match(key) is not None
