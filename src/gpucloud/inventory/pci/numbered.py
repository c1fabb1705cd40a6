"""Device nodes by number: ``/sys/dev/{char,block}/MAJOR:MINOR`` lead to all that have one.

A GPU's nodes are of many classes, and lie deep: ``drm/card0/card0-DP-1/drm_dp_aux0``, the I2C bus of a
DisplayPort beside it. The kernel lists them all in one place (Documentation/ABI/testing/sysfs-dev), and says
their names in ``uevent`` (drivers/base/core.c, ``dev_uevent``). udev may call them otherwise; numbers stay.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from gpucloud.inventory.pci.attributes import parse_address
from gpucloud.inventory.reader import Reader
from gpucloud.model.pci import PciAddress

_KINDS = ("char", "block")
_FUNCTION = re.compile(r"/([0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])(?=/)", re.ASCII)
_VFIO_GROUP = re.compile(r"/virtual/vfio/((?:noiommu-)?[0-9]{1,10})", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,4}:[0-9]{1,7}", re.ASCII)
_NAME = re.compile(r"^DEVNAME=([\x21-\x7e]{1,200})$", re.ASCII | re.MULTILINE)


class Numbered(NamedTuple):
    """Nodes of PCI functions and of VFIO groups."""

    by_function: dict[PciAddress, list[str]]
    """Names of the nodes below each function, and below no other: ``/dev/dri/card0``."""
    numbers: dict[str, str]
    """The number of each node by its name: ``/dev/char/226:0``, as udev links it, too."""


def read_numbered(reader: Reader) -> Numbered | None:
    """Read all nodes that have a number; None where a capture does not list them."""
    listed = {kind: reader.list_dir(f"/sys/dev/{kind}") for kind in _KINDS}
    if not isinstance(listed["char"], tuple):
        return None
    found = Numbered({}, {})
    for kind, names in listed.items():
        for number in names if isinstance(names, tuple) else ():
            if _NUMBER.fullmatch(number):
                _take(reader, f"{kind}/{number}", found)
    for nodes in found.by_function.values():
        nodes.sort()
    return found


def is_of_function(place: str) -> bool:
    """Claims the place of a device below a PCI function, or of a VFIO group."""
    return _FUNCTION.search(place) is not None or _VFIO_GROUP.search(place) is not None


def _take(reader: Reader, number: str, found: Numbered) -> None:
    place = reader.read_link(f"/sys/dev/{number}")
    if not isinstance(place, str):
        return
    above = _FUNCTION.findall(place)
    if above:
        name = _name(reader, number)
        found.by_function.setdefault(parse_address(above[-1]), []).append(name)
        found.numbers[name] = f"/dev/{number}"
    elif group := _VFIO_GROUP.search(place):
        found.numbers[f"/dev/vfio/{group[1]}"] = f"/dev/{number}"


def _name(reader: Reader, number: str) -> str:
    """The kernel's own name for a node; the link that udev makes for it where that is not known."""
    text = reader.read_text(f"/sys/dev/{number}/uevent")
    match = _NAME.search(text) if isinstance(text, str) else None
    return f"/dev/{match[1]}" if match else f"/dev/{number}"
