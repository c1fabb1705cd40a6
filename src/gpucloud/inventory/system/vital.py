"""PCI functions that the host cannot do without."""

from __future__ import annotations

from gpucloud.inventory.reader import Reader
from gpucloud.inventory.system.network import read_network
from gpucloud.inventory.system.storage import read_storage
from gpucloud.model.host import Vital
from gpucloud.model.unknown import Unknown


def read_vital(reader: Reader) -> tuple[Vital, ...] | Unknown:
    """Read what carries the root disk and the default route; half an answer would be no guard."""
    disks, cards = read_storage(reader), read_network(reader)
    if isinstance(disks, tuple) and isinstance(cards, tuple):
        return disks + cards
    return Unknown("; ".join(part.why for part in (disks, cards) if isinstance(part, Unknown)))
