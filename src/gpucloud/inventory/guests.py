"""Guests of a host: those that run, by their processes, and those that its libvirt has defined.

One that runs is seen also where its libvirt is in a container. Source of definitions: libvirt's
docs/drvqemu.rst, ``/etc/libvirt/qemu``; docs/formatdomain.rst, ``hostdev``.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gpucloud.inventory.pci.holders import parse_guest
from gpucloud.inventory.reader import Reader
from gpucloud.model.unknown import Unknown

_PROGRAMS = ("qemu-system-", "qemu-kvm", "kvm")
"""How ``/proc/PID/comm``, which keeps 15 characters, begins or is."""
_FOLDER = "/etc/libvirt/qemu"
_ENDING = ".xml"
_LIMIT = 1024 * 1024
_MOST = 4096


@dataclass(frozen=True, slots=True)
class DefinedGuest:
    """A guest of libvirt as it is defined: what it gets at its next start, whether it runs now or not."""

    name: str
    devices: tuple[str, ...]
    """UUIDs of mediated devices and addresses of PCI functions that it is to get."""


def read_defined_guests(reader: Reader) -> tuple[DefinedGuest | Unknown, ...]:
    """All guests that are defined; Unknown stands for one, or for all, that could not be read."""
    names = reader.list_dir(_FOLDER)
    if isinstance(names, Unknown):
        return (names,)
    files = [name for name in names or () if name.endswith(_ENDING)]
    found = tuple(each for file in files[:_MOST] for each in _defined(reader, file))
    more = Unknown(f"{_FOLDER} has {len(files)} guests, of which {_MOST} were read")
    return (*found, more) if files[_MOST:] else found


def _defined(reader: Reader, file: str) -> Iterator[DefinedGuest | Unknown]:
    """The one of a file; nothing where it was undefined in the meantime."""
    text = reader.read_text(f"{_FOLDER}/{file}", _LIMIT)
    if text is None:
        return
    if isinstance(text, Unknown):
        yield Unknown(f"{_FOLDER}/{file} cannot be read: {text.why}")
    elif (root := _parsed(text)) is None:
        yield Unknown(f"{_FOLDER}/{file} cannot be read: it is no definition of a guest")
    else:
        yield DefinedGuest(file.removesuffix(_ENDING), tuple(_devices(root)))


def _parsed(text: str) -> ET.Element | None:
    if "<!DOCTYPE" in text:
        return None
    try:
        return ET.fromstring(text)  # noqa: S314 - without a document type nothing in it grows
    except ET.ParseError:
        return None


def _devices(domain: ET.Element) -> Iterator[str]:
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


def running_guests(reader: Reader) -> tuple[str, ...] | Unknown:
    """Names of the guests that run, sorted; one without a name is called by its process.

    A guest that is shut off has no process, and loses nothing when its host is restarted.
    """
    names = reader.list_dir("/proc")
    if not isinstance(names, tuple):
        return Unknown("the processes in /proc cannot be listed")
    return tuple(sorted(_running(reader, filter(str.isdigit, names))))


def _running(reader: Reader, processes: Iterable[str]) -> Iterator[str]:
    for process in processes:
        program = reader.read_text(f"/proc/{process}/comm")
        if isinstance(program, str) and _is_hypervisor(program.strip()):
            command = reader.read_text(f"/proc/{process}/cmdline")
            named = parse_guest(command) if isinstance(command, str) else None
            yield named or f"process {process}"


def _is_hypervisor(program: str) -> bool:
    return program.startswith(_PROGRAMS[0]) or program in _PROGRAMS[1:]
