"""Guests of libvirt that are defined here: one that is off holds nothing, and wants its slice all the same.

Source: libvirt's docs/drvqemu.rst, ``/etc/libvirt/qemu``; docs/formatdomain.rst, ``hostdev``.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence

from gpucloud.inventory.reader import Reader
from gpucloud.model.change import Change, RemoveMdev, SetVgpuType
from gpucloud.model.failure import Failure
from gpucloud.model.unknown import Unknown

_FOLDER = "/etc/libvirt/qemu"
_LIMIT = 1024 * 1024
_MOST = 4096


def notes_on_guests(changes: Sequence[Change], reader: Reader) -> Iterator[str]:
    """What cannot be told of guests that are defined here.

    Raises:
        Failure: one of them has a slice that is to go.
    """
    gone = dict(_gone(changes))
    names = reader.list_dir(_FOLDER) if gone else None
    if isinstance(names, Unknown):
        yield f"which guests that are off are to get these slices is not known: {names.why}"
    files = [name for name in names if name.endswith(".xml")] if isinstance(names, tuple) else []
    for name in files[:_MOST]:
        root = _parsed(reader.read_text(f"{_FOLDER}/{name}", _LIMIT))
        if root is None:
            yield f"what the guest of {_FOLDER}/{name} is to get is not known: it cannot be read"
            continue
        for wish in _wishes(root):
            if wish in gone:
                guest = name.removesuffix(".xml")
                raise Failure(
                    f"guest {guest} is defined with {gone[wish]}, and would not start without it",
                    f"take it from the guest first: gpucloud vgpu detach {guest} {wish}; nothing was changed",
                )


def _gone(changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    for change in changes:
        if isinstance(change, RemoveMdev):
            yield change.uuid.lower(), f"mediated device {change.uuid}"
        elif isinstance(change, SetVgpuType) and change.before and not change.after:
            yield str(change.address), f"the vGPU of {change.address}"


def _parsed(text: str | None | Unknown) -> ET.Element | None:
    if not isinstance(text, str) or "<!DOCTYPE" in text:
        return None
    try:
        return ET.fromstring(text)  # noqa: S314 - without a document type nothing in it grows
    except ET.ParseError:
        return None


def _wishes(domain: ET.Element) -> Iterator[str]:
    """UUIDs of mediated devices and addresses of PCI functions that the guest is to get."""
    for address in domain.iterfind("devices/hostdev/source/address"):
        if uuid := address.get("uuid"):
            yield uuid.lower()
        try:
            domain_, bus, slot, function = (
                int(address.get(key, ""), 0) for key in ("domain", "bus", "slot", "function")
            )
        except ValueError:
            continue
        yield f"{domain_:04x}:{bus:02x}:{slot:02x}.{function:x}"
