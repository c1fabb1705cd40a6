"""A pasted listing of devices or IOMMU groups turned into a capture that says what it does not hold.

Understands what people paste: ``lspci -nn``, ``lspci -Dnn``, the start of ``lspci -vvnn``, and the IOMMU
group listings of the usual shell loops, with drivers or without. What a listing cannot show (BARs, NUMA
nodes, bridges above, ...) is not in the capture's manifest and so reads as Unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.host_tree import HostTree

from gpucloud.inventory.capture.allowlist import MANIFEST
from gpucloud.inventory.capture.manifest import Manifest
from gpucloud.model.pci import PciAddress

_GROUP = re.compile(r"(?:IOMMU )?Group:?\s+(\d+)\s*:?\s*(.*)", re.IGNORECASE)
_DEVICE = re.compile(r"((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]) .*?\[([0-9a-f]{4})\]: (.*)")
_IDS = re.compile(r"\[([0-9a-f]{4}):([0-9a-f]{4})\](?!.*\[[0-9a-f]{4}:[0-9a-f]{4}\])")
_REVISION = re.compile(r"\(rev ([0-9a-f]{2})\)")
_DRIVER = re.compile(r"(?:Driver|Kernel driver in use): (\S+)")
_NUMA = re.compile(r"NUMA node: (\d+)")
_SUBSYSTEM = re.compile(r"Subsystem: .*\[([0-9a-f]{4}):([0-9a-f]{4})\]")

_ALWAYS = ("class", "vendor", "device", "revision")


@dataclass
class Entry:
    """What a listing says of one function."""

    address: str
    kind: str
    ids: tuple[str, str] | None
    revision: str
    group: int | None
    facts: dict[str, str] = field(default_factory=dict)


def host_from_listing(text: str, root: Path) -> Path:
    """Write the capture of a listing below ``root`` and give ``root``.

    Args:
        text: the listing; lines that begin with ``#`` are comments.
        root: a new or empty directory.
    """
    entries = parse_listing(text)
    tree = HostTree(root, flat=True)
    unread: dict[str, str] = {}
    for entry in entries:
        _write(tree, entry, unread)
    manifest = Manifest(_collected(entries), unread, is_redacted=True, made_by="a listing")
    tree.write(MANIFEST, manifest.render())
    return root


def parse_listing(text: str) -> list[Entry]:
    """Read every function of a listing, in its order."""
    entries: list[Entry] = []
    group: int | None = None
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        heading = _GROUP.match(stripped)
        if heading:
            group, stripped = int(heading[1]), heading[2]
        device = _DEVICE.match(stripped)
        if device:
            entries.append(_entry(device, group))
        if entries:
            _add_facts(entries[-1], stripped)
    return entries


def _entry(device: re.Match[str], group: int | None) -> Entry:
    address = str(PciAddress.parse_typed(device[1]))
    ids = _IDS.search(device[3])
    revision = _REVISION.search(device[3])
    return Entry(
        address, device[2], (ids[1], ids[2]) if ids else None, revision[1] if revision else "00", group
    )


def _add_facts(entry: Entry, line: str) -> None:
    for name, pattern in (("driver", _DRIVER), ("numa_node", _NUMA)):
        match = pattern.search(line)
        if match:
            entry.facts[name] = match[1]
    subsystem = _SUBSYSTEM.match(line)
    if subsystem:
        entry.facts["subsystem_vendor"], entry.facts["subsystem_device"] = subsystem.groups()


def _collected(entries: list[Entry]) -> tuple[str, ...]:
    """What the listing shows of all functions: where it shows any driver, it shows all that there are."""
    devices = "/sys/bus/pci/devices/*"
    names = list(_ALWAYS) + [name for name in ("driver",) if any(name in entry.facts for entry in entries)]
    paths = [f"{devices}/{name}" for name in names]
    if any(entry.group is not None for entry in entries):
        paths += [f"{devices}/iommu_group", "/sys/kernel/iommu_groups/*/devices/*"]
    return tuple(paths)


def _write(tree: HostTree, entry: Entry, unread: dict[str, str]) -> None:
    place = f"sys/bus/pci/devices/{entry.address}"
    tree.write(f"{place}/class", f"0x{entry.kind}00")
    tree.write(f"{place}/revision", f"0x{entry.revision}")
    for index, name in enumerate(("vendor", "device")):
        if entry.ids is None:
            unread[f"/{place}/{name}"] = "the listing is cut off"
        else:
            tree.write(f"{place}/{name}", f"0x{entry.ids[index]}")
    for name in ("subsystem_vendor", "subsystem_device"):
        if name in entry.facts:
            tree.write(f"{place}/{name}", f"0x{entry.facts[name]}")
    if "numa_node" in entry.facts:
        tree.write(f"{place}/numa_node", entry.facts["numa_node"])
    if "driver" in entry.facts:
        tree.link(f"{place}/driver", f"../../drivers/{entry.facts['driver']}")
    if entry.group is not None:
        tree.link(f"{place}/iommu_group", f"../../../../kernel/iommu_groups/{entry.group}")
        tree.link(
            f"sys/kernel/iommu_groups/{entry.group}/devices/{entry.address}",
            f"../../../../bus/pci/devices/{entry.address}",
        )
