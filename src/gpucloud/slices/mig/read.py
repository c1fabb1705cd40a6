"""MIG instances that NVIDIA's driver shows without its tool, by the capabilities that containers are given.

Source: NVIDIA Multi-Instance GPU User Guide, "Device Nodes and Capabilities"
(``/proc/driver/nvidia/capabilities/gpuN/mig/giN/ciN``; N of a GPU is its minor number).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpucloud.inventory.pci.nodes import read_nvidia_minors
from gpucloud.inventory.reader import Reader
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

CAPABILITIES = "/proc/driver/nvidia/capabilities"
_GI, _CI = (re.compile(rf"{kind}([0-9]{{1,5}})", re.ASCII) for kind in ("gi", "ci"))

Shown = Mapping[PciAddress, Mapping[int, tuple[int, ...]] | Unknown]
"""Of each card: compute instances by GPU instance."""


def read_instances(reader: Reader) -> Shown | Unknown:
    """Read the instances of every card that NVIDIA's driver has."""
    minors = read_nvidia_minors(reader)
    if isinstance(minors, Unknown):
        return minors
    return {
        address: minor if isinstance(minor, Unknown) else _of_card(reader, f"{CAPABILITIES}/gpu{minor}/mig")
        for address, minor in minors.items()
    }


def _of_card(reader: Reader, place: str) -> Mapping[int, tuple[int, ...]] | Unknown:
    names = reader.list_dir(place)
    if not isinstance(names, tuple):
        return {} if names is None else names
    found: dict[int, tuple[int, ...]] = {}
    for name, id_ in _numbered(names, _GI):
        inner = reader.list_dir(f"{place}/{name}")
        found[id_] = tuple(number for _, number in _numbered(inner if isinstance(inner, tuple) else (), _CI))
    return dict(sorted(found.items()))


def _numbered(names: tuple[str, ...], pattern: re.Pattern[str]) -> list[tuple[str, int]]:
    found = [(name, int(match[1])) for name in names if (match := pattern.fullmatch(name))]
    return sorted(found, key=lambda each: each[1])
