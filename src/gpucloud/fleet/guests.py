"""Guests that run on a host, by their processes: those of a libvirt in a container are seen, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpucloud.inventory.pci.holders import parse_guest
from gpucloud.inventory.reader import Reader
from gpucloud.model.unknown import Unknown

_PROGRAMS = ("qemu-system-", "qemu-kvm", "kvm")
"""How ``/proc/PID/comm``, which keeps 15 characters, begins or is."""


def running_guests(reader: Reader) -> tuple[str, ...] | Unknown:
    """Names of the guests that run, sorted; one without a name is called by its process.

    A guest that is shut off has no process, and loses nothing when its host is restarted.
    """
    names = reader.list_dir("/proc")
    if not isinstance(names, tuple):
        return Unknown("the processes in /proc cannot be listed")
    return tuple(sorted(_guests(reader, filter(str.isdigit, names))))


def _guests(reader: Reader, processes: Iterable[str]) -> Iterator[str]:
    for process in processes:
        program = reader.read_text(f"/proc/{process}/comm")
        if isinstance(program, str) and _is_hypervisor(program.strip()):
            command = reader.read_text(f"/proc/{process}/cmdline")
            named = parse_guest(command) if isinstance(command, str) else None
            yield named or f"process {process}"


def _is_hypervisor(program: str) -> bool:
    return program.startswith(_PROGRAMS[0]) or program in _PROGRAMS[1:]
