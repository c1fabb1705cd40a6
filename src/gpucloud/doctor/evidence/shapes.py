"""Evidence that shows by its shape and not by a message: tables, XML blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gpucloud.doctor.evidence.text import Line
from gpucloud.model.finding import Evidence

_TOPOLOGY = re.compile(r"^\s*GPU\d+\s+(?P<cells>(?:(?:X|NV\d+|PIX|PXB|PHB|NODE|SYS)\s+){2,})")
_TYPE = re.compile(r"<type id=['\"](?P<id>[^'\"]+)['\"]")
_MOST = 64


@dataclass
class Shapes:
    """Rows of ``nvidia-smi topo -m``, and mdev types of libvirt's node devices without a name."""

    topology: list[tuple[Evidence, tuple[str, ...]]] = field(default_factory=list)
    nameless_types: list[Evidence] = field(default_factory=list)
    has_hostdev: bool = False
    has_domain: bool = False
    has_uefi: bool = False
    is_closed: bool = False
    """The end of the domain was seen: what is absent is absent."""
    definition: list[Evidence] = field(default_factory=list)
    """Lines that show a guest's definition: libvirt's domain or QEMU's machine."""
    _type: Evidence | None = None
    _is_named: bool = False

    def read(self, line: Line) -> None:
        """Take one line; lines of no known shape change nothing."""
        text = line.text
        if "GPU" in text and len(self.topology) < _MOST:
            row = _TOPOLOGY.match(text + " ")
            if row is not None:
                self.topology.append((_cite(line), tuple(row["cells"].split())))
        if "OVMF" in text or "firmware='efi'" in text or 'firmware="efi"' in text or "pflash" in text:
            self.has_uefi = True
        if ("-device vfio-pci" in text or "<domain" in text) and len(self.definition) < _MOST:
            self.definition.append(_cite(line))
        if "<" in text:
            self._read_xml(line)

    def _read_xml(self, line: Line) -> None:
        text = line.text
        self.has_hostdev = self.has_hostdev or "<hostdev" in text
        self.has_domain = self.has_domain or "<domain" in text
        self.is_closed = self.is_closed or "</domain>" in text
        match = _TYPE.search(text)
        if match is not None:
            self._type, self._is_named = _cite(line), "<name>" in text
        elif self._type is not None and "<name>" in text:
            self._is_named = True
        if self._type is not None and "</type>" in text:
            if not self._is_named and len(self.nameless_types) < _MOST:
                self.nameless_types.append(self._type)
            self._type = None

    @property
    def lacks_nvlink(self) -> bool:
        """Claims a matrix of four or more GPUs that reach each other over PCIe host bridges only."""
        return len(self.topology) >= 1 and all(
            len(cells) >= 4 and set(cells) <= {"X", "PHB"} for _, cells in self.topology
        )


def _cite(line: Line) -> Evidence:
    return Evidence(line.key, line.text.strip()[:400], line.number)
