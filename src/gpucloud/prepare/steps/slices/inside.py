"""Who is in a MIG instance, and who has a whole card open, looked at just before either is touched.

A program that uses an instance has the node of its capability open (NVIDIA Multi-Instance GPU User Guide,
"Device Nodes and Capabilities"); a guest that has a vGPU of it has its virtual function open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gpucloud.inventory.pci.nodes import read_nvidia_minors
from gpucloud.inventory.pci.numbered import read_numbered
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.steps.seen import StepError, known
from gpucloud.prepare.steps.slices.users import refuse_used_nodes, refuse_used_vfs
from gpucloud.slices.mig.card import KEEPER
from gpucloud.slices.mig.read import CAPABILITIES

if TYPE_CHECKING:
    from gpucloud.model.pci import PciAddress
    from gpucloud.prepare.system import System

_NODES = "/dev/nvidia-caps/nvidia-cap"
_MINOR = re.compile(r"^DeviceFileMinor:\s{1,8}([0-9]{1,7})\s*$", re.ASCII | re.MULTILINE)
_MAJOR = re.compile(r"^\s*([0-9]{1,4}) nvidia-caps$", re.ASCII | re.MULTILINE)


def refuse_used_instance(card: PciAddress, id_: int, system: System) -> None:
    """Leave a GPU instance with whoever is in it.

    Raises:
        StepError: a program is in it, a guest has a vGPU of the card, or who is could not be seen.
    """
    refuse_used_vfs(card, system)
    minor = _minor(card, system)
    if minor is None:
        return
    folder = f"{CAPABILITIES}/gpu{minor}/mig/gi{id_}"
    major = _MAJOR.search(known(system.read_text("/proc/devices")) or "")
    nodes, numbers = [], {}
    for number in _capabilities(folder, system):
        nodes.append(f"{_NODES}{number}")
        if major is not None:
            numbers[nodes[-1]] = f"/dev/char/{major[1]}:{number}"
    reader = system.reader()
    refuse_used_nodes({f"GPU instance {id_} of {card}": tuple(nodes)}, reader, None, numbers=numbers)


def refuse_used_card(card: PciAddress, system: System) -> None:
    """Leave the mode of a card that anybody has open, but for NVIDIA's daemon that keeps it.

    Raises:
        StepError: somebody has, or who has could not be seen.
    """
    refuse_used_vfs(card, system)
    minor = _minor(card, system)
    if minor is not None:
        reader = system.reader()
        nodes = {str(card): (f"/dev/nvidia{minor}",)}
        refuse_used_nodes(nodes, reader, read_numbered(reader), but=KEEPER)


def _minor(card: PciAddress, system: System) -> int | None:
    """The card's number with NVIDIA's driver; None where the driver shows none of it."""
    found = (known(read_nvidia_minors(system)) or {}).get(card)
    if isinstance(found, Unknown):
        raise StepError(f"who uses {card} could not be seen ({found.why}), so it stays")
    return found


def _capabilities(folder: str, system: System) -> Iterator[int]:
    """Numbers of the nodes of an instance, and of what is in it."""
    inner = known(system.list_dir(folder)) or ()
    for path in (folder, *(f"{folder}/{name}" for name in inner if name.startswith("ci"))):
        match = _MINOR.search(known(system.read_text(f"{path}/access")) or "")
        if match is not None:
            yield int(match[1])
