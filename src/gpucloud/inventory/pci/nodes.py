"""Device nodes under /dev that belong to a PCI function."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpucloud.inventory.pci.attributes import parse_addresses
from gpucloud.inventory.pci.device import Device
from gpucloud.inventory.pci.numbered import Numbered
from gpucloud.inventory.reader import Reader, needed
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

_FOLDERS = (
    ("drm", ("card", "renderD"), "/dev/dri"),
    ("graphics", ("fb",), "/dev"),
    ("vfio-dev", ("vfio",), "/dev/vfio/devices"),
)
_SOUND = ("controlC", "pcmC", "hwC", "midiC")
_NVIDIA = "/proc/driver/nvidia/gpus"
_NVIDIA_NODE = "/dev/nvidia"
_MINOR = re.compile(r"^Device Minor:\s*([0-9]{1,9})\s*$", re.ASCII | re.MULTILINE)
_MADE_BY_DRIVERS = frozenset(("drm", "graphics", "sound", "vfio-dev"))

Minors = Mapping[PciAddress, int | Unknown] | Unknown
"""N of NVIDIA's /dev/nvidiaN by function."""


def read_nodes(
    device: Device,
    driver: str | None | Unknown,
    group_nodes: tuple[str, ...] | Unknown,
    minors: Minors,
    numbered: Numbered | None,
) -> tuple[str, ...] | Unknown:
    """Name the nodes of a function, by what its driver has made.

    Args:
        device: the function.
        driver: its driver.
        group_nodes: nodes of VFIO groups through which guests have it, or a slice of it.
        minors: NVIDIA's device numbers by address (``read_nvidia_minors``).
        numbered: all nodes that the kernel lists; None where a capture has only folders of known classes.
    """
    made = _by_class(device, None if numbered is None else numbered.by_function.get(device.address, []))
    if isinstance(made, Unknown):
        return made
    if isinstance(driver, Unknown) and not made:  # VFIO makes nodes that are of no class
        return driver
    minor = _nvidia_minor(device, driver, minors)
    if isinstance(minor, Unknown):
        return minor
    if isinstance(group_nodes, Unknown):
        return group_nodes
    return (*made, *(() if minor is None else (f"{_NVIDIA_NODE}{minor}",)), *group_nodes)


def opened_as(node: str, numbered: Numbered | None) -> str | None:
    """The number under which an open file shows a node (``HostReader.read_opened``), where it is known.

    NVIDIA's driver registers its nodes at a number of its own and not in sysfs (nv-chardev-numbers.h).
    """
    known = None if numbered is None else numbered.numbers.get(node)
    minor = node.removeprefix(_NVIDIA_NODE)
    return f"/dev/char/195:{minor}" if known is None and minor != node and minor.isdecimal() else known


def read_nvidia_minors(reader: Reader) -> Minors:
    """Read which /dev/nvidiaN is which function; empty where NVIDIA's driver shows no card.

    Unknown, as a whole or of one card, where what the driver shows cannot be read or says no number.
    """
    names = reader.list_dir(_NVIDIA)
    if isinstance(names, Unknown):
        return names
    return {address: _read_minor(reader, name) for name in names or () for address in parse_addresses([name])}


def _read_minor(reader: Reader, name: str) -> int | Unknown:
    path = f"{_NVIDIA}/{name}/information"
    text = needed(reader.read_text(path), path)
    if isinstance(text, Unknown):
        return text
    match = _MINOR.search(text)
    return int(match[1]) if match else Unknown(f"{path} has no Device Minor")


def _nvidia_minor(device: Device, driver: str | None | Unknown, minors: Minors) -> int | None | Unknown:
    """N of /dev/nvidiaN: every card that the driver nvidia has, and no virtual function, has one.

    kernel-open/nvidia/nv-pci.c, ``nv_pci_probe``: a virtual function is handed on before it gets a number.
    """
    minor = minors if isinstance(minors, Unknown) else minors.get(device.address)
    if driver != "nvidia" or "physfn" in device.names:
        return None if isinstance(minor, Unknown) else minor
    return Unknown(f"{_NVIDIA}/{device.address} is not there") if minor is None else minor


def _by_class(device: Device, listed: list[str] | None) -> list[str] | Unknown:
    """Nodes that are listed, and those of classes that GPUs have: a copy may have lost links of ``/sys/dev``.

    Args:
        device: the function.
        listed: its nodes as the kernel lists them by number; None where a capture does not.
    """
    if listed is None and _MADE_BY_DRIVERS.isdisjoint(device.unusual):
        absent = device.listing("drm")  # none, or not looked for
        if isinstance(absent, Unknown):
            return absent
    shown = _shown(device) if device.unusual else []
    return shown if isinstance(shown, Unknown) else list(dict.fromkeys([*(listed or ()), *shown]))


def _shown(device: Device) -> list[str] | Unknown:
    """Nodes by the folders of classes that a function has."""
    nodes: list[str] = []
    for folder, prefixes, place in _FOLDERS:
        if folder in device.names:
            names = device.listing(folder)
            if isinstance(names, Unknown):
                return names
            nodes.extend(f"{place}/{name}" for name in names or () if _is_numbered(name, prefixes))
    return [*nodes, *_sound(device), *(f"/dev/{name}" for name in _i2c_nodes(device))]


def _sound(device: Device) -> list[str]:
    if "sound" not in device.names:
        return []
    cards = device.listing("sound")
    nodes: list[str] = []
    for card in cards if isinstance(cards, tuple) else ():
        if _is_numbered(card, ("card",)):
            names = device.listing(f"sound/{card}")
            found = names if isinstance(names, tuple) else ()
            nodes.extend(f"/dev/snd/{name}" for name in found if name.startswith(_SOUND))
    return nodes


def _i2c_nodes(device: Device) -> list[str]:
    buses = sorted(name for name in device.unusual if _is_numbered(name, ("i2c-",)))
    return [name for name in buses if device.listing(f"{name}/i2c-dev") not in (None, ())]


def _is_numbered(name: str, prefixes: tuple[str, ...]) -> bool:
    """Claims a name that is one of the prefixes and a number: ``card0`` but not ``card0-HDMI-A-1``."""
    if not name.startswith(prefixes):
        return False
    return any(name.startswith(prefix) and name[len(prefix) :].isdecimal() for prefix in prefixes)
