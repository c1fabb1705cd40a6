"""What a guest asks for: flavor extra specs and image properties in pasted text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gpucloud.doctor.evidence.text import Line
from gpucloud.model.finding import Evidence

_PROPERTY = re.compile(
    r"(?P<name>(?:pci_passthrough|resources|hw|accel|quota|trait|hide_hypervisor_id)[\w.-]{0,80}+(?::[\w.-]{1,80}+){0,4}+"
    r"|img_\w{1,80}+|min_ram|min_disk)['\"]?\s*+(?:[=:]|\|)\s*+['\"]?(?P<value>[^'\"|}\s]++)"
)
MOST_PROPERTIES = 500
"""Properties that are kept: a flavor and an image have dozens."""
_NAMES = re.compile("pci_passthrough|resources|hw[:_]|img_|accel|min_|hide_hypervisor_id|trait|quota")


@dataclass(frozen=True, slots=True)
class Property:
    """One extra spec or property with its line."""

    name: str
    value: str
    evidence: Evidence


@dataclass
class Request:
    """Properties in order; of repeated names the first counts."""

    properties: dict[str, Property] = field(default_factory=dict)
    has_more: bool = False
    """There were more properties than are kept."""

    def read(self, line: Line) -> None:
        """Take one line; lines without such a property change nothing."""
        if self.has_more or _NAMES.search(line.text) is None:
            return
        for match in _PROPERTY.finditer(line.text):
            name = match["name"]
            if len(self.properties) >= MOST_PROPERTIES:
                self.has_more = True
                return
            evidence = Evidence(line.key, line.text.strip()[:400], line.number)
            self.properties.setdefault(name, Property(name, match["value"].rstrip(",;"), evidence))

    def get(self, name: str) -> Property | None:
        return self.properties.get(name)

    @property
    def aliases(self) -> tuple[tuple[str, int], ...]:
        """Aliases that the flavor asks for, with counts: ``pci_passthrough:alias=a1:2,b1:1``."""
        asked = self.get("pci_passthrough:alias")
        pairs = []
        for part in asked.value.split(",") if asked is not None else ():
            name, _, count = part.strip().rpartition(":")
            if name and count.isdigit():
                pairs.append((name, int(count[:4])))
        return tuple(pairs)
