"""Device nodes under /dev that belong to a PCI function."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpucloud.inventory.pci.device import Device
from gpucloud.inventory.reader import Reader
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

_SOUND = re.compile(r"(controlC|pcmC|hwC|midiC)[0-9].*", re.ASCII)
_MINOR = re.compile(r"^Device Minor:\s*([0-9]+)\s*$", re.ASCII | re.MULTILINE)
_FOLDERS = (
    ("drm", re.compile(r"(card|renderD)[0-9]+", re.ASCII), "/dev/dri"),
    ("graphics", re.compile(r"fb[0-9]+", re.ASCII), "/dev"),
    ("vfio-dev", re.compile(r"vfio[0-9]+", re.ASCII), "/dev/vfio/devices"),
)
_MADE_BY_DRIVERS = frozenset(("drm", "graphics", "sound", "vfio-dev"))
_I2C = re.compile(r"i2c-[0-9]+", re.ASCII)
_CARD = re.compile(r"card[0-9]+", re.ASCII)
_VFIO_DRIVERS = re.compile(r".*vfio.*")


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
    if not device.names.intersection(_MADE_BY_DRIVERS):
        absent = device.listing("drm")  # none, or not looked for
        if isinstance(absent, Unknown):
            return absent
    nodes: list[str] = []
    for folder, shape, place in _FOLDERS:
        if folder in device.names:
            names = device.listing(folder)
            if isinstance(names, Unknown):
                return names
            nodes.extend(f"{place}/{name}" for name in names or () if shape.fullmatch(name))
    nodes.extend(_sound(device))
    nodes.extend(f"/dev/{name}" for name in sorted(device.names) if _is_i2c_node(device, name))
    if device.address in minors:
        nodes.append(f"/dev/nvidia{minors[device.address]}")
    if isinstance(driver, str) and _VFIO_DRIVERS.fullmatch(driver) and isinstance(group, int):
        nodes.append(f"/dev/vfio/{group}")
    return tuple(nodes)


def read_nvidia_minors(reader: Reader) -> dict[PciAddress, int]:
    """Read which /dev/nvidiaN is which function; empty where NVIDIA's driver is not loaded."""
    folder = "/proc/driver/nvidia/gpus"
    minors = {}
    names = reader.list_dir(folder)
    for name in names if isinstance(names, tuple) else ():
        text = reader.read_text(f"{folder}/{name}/information")
        match = _MINOR.search(text) if isinstance(text, str) else None
        if match:
            try:
                minors[PciAddress.parse(name)] = int(match[1])
            except ValueError:  # not named by an address: not a card that could be matched
                continue
    return minors


def _sound(device: Device) -> list[str]:
    if "sound" not in device.names:
        return []
    cards = device.listing("sound")
    nodes: list[str] = []
    for card in cards if isinstance(cards, tuple) else ():
        if _CARD.fullmatch(card):
            names = device.listing(f"sound/{card}")
            found = names if isinstance(names, tuple) else ()
            nodes.extend(f"/dev/snd/{name}" for name in found if _SOUND.fullmatch(name))
    return nodes


def _is_i2c_node(device: Device, name: str) -> bool:
    return _I2C.fullmatch(name) is not None and device.listing(f"{name}/i2c-dev") not in (None, ())
