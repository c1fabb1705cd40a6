"""Device nodes under /dev that belong to a PCI function."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpucloud.inventory.pci.device import Device
from gpucloud.inventory.reader import Reader
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

_FOLDERS = (
    ("drm", ("card", "renderD"), "/dev/dri"),
    ("graphics", ("fb",), "/dev"),
    ("vfio-dev", ("vfio",), "/dev/vfio/devices"),
)
_SOUND = ("controlC", "pcmC", "hwC", "midiC")
_MADE_BY_DRIVERS = frozenset(("drm", "graphics", "sound", "vfio-dev"))


def read_nodes(
    device: Device,
    group: int | None | Unknown,
    driver: str | None | Unknown,
    minors: Mapping[PciAddress, int],
) -> tuple[str, ...] | Unknown:
    """Name the nodes of a function, by what its driver has made in sysfs.

    Args:
        device: the function.
        group: its IOMMU group, whose node exists while a VFIO driver has the function.
        driver: its driver.
        minors: NVIDIA's device numbers by address (``read_nvidia_minors``).
    """
    made = _made_by_driver(device)
    if isinstance(made, Unknown):
        return made
    nodes = [*made, *(f"/dev/{name}" for name in _i2c_nodes(device))]
    if device.address in minors:
        nodes.append(f"/dev/nvidia{minors[device.address]}")
    if isinstance(driver, str) and "vfio" in driver and isinstance(group, int):
        nodes.append(f"/dev/vfio/{group}")
    return tuple(nodes)


def read_nvidia_minors(reader: Reader) -> dict[PciAddress, int]:
    """Read which /dev/nvidiaN is which function; empty where NVIDIA's driver is not loaded."""
    folder = "/proc/driver/nvidia/gpus"
    minors = {}
    names = reader.list_dir(folder)
    for name in names if isinstance(names, tuple) else ():
        text = reader.read_text(f"{folder}/{name}/information")
        match = (
            re.search(r"^Device Minor:\s*([0-9]+)\s*$", text, re.MULTILINE) if isinstance(text, str) else None
        )
        if match:
            try:
                minors[PciAddress.parse(name)] = int(match[1])
            except ValueError:  # not named by an address: not a card that could be matched
                continue
    return minors


def _made_by_driver(device: Device) -> list[str] | Unknown:
    if not device.names.intersection(_MADE_BY_DRIVERS):
        absent = device.listing("drm")  # none, or not looked for
        return absent if isinstance(absent, Unknown) else []
    nodes: list[str] = []
    for folder, prefixes, place in _FOLDERS:
        if folder in device.names:
            names = device.listing(folder)
            if isinstance(names, Unknown):
                return names
            nodes.extend(f"{place}/{name}" for name in names or () if _is_numbered(name, prefixes))
    return nodes + _sound(device)


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
    buses = sorted(name for name in device.names if name.startswith("i2c-") and _is_numbered(name, ("i2c-",)))
    return [name for name in buses if device.listing(f"{name}/i2c-dev") not in (None, ())]


def _is_numbered(name: str, prefixes: tuple[str, ...]) -> bool:
    """Claims a name that is one of the prefixes and a number: ``card0`` but not ``card0-HDMI-A-1``."""
    if not name.startswith(prefixes):
        return False
    return any(name.startswith(prefix) and name[len(prefix) :].isdecimal() for prefix in prefixes)
