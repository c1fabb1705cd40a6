"""Who has a device node open: one look at /proc/*/fd for the whole host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gpucloud.inventory.pci.attributes import parse_numbers
from gpucloud.inventory.reader import HostReader
from gpucloud.model.pci import Holder
from gpucloud.model.unknown import Unknown

_LONGEST_PROCESS = 64
"""Characters: 15 are a program's; kernel workers have more (fs/proc/array.c, ``proc_task_name``)."""
_LONGEST_GUEST = 255
"""Characters: libvirt keeps a guest in a file of its name, and no name of a file is longer (NAME_MAX)."""


class Openings(NamedTuple):
    """All processes that have one of the nodes open, by node, and why some could not be looked at."""

    by_node: Mapping[str, tuple[Holder, ...]]
    unseen: Unknown | None

    def of(self, nodes: tuple[str, ...] | Unknown) -> tuple[Holder, ...] | Unknown:
        """Holders of any of the nodes. Those found are given even if others may have been missed."""
        if isinstance(nodes, Unknown):
            return nodes
        found = tuple(holder for node in nodes for holder in self.by_node.get(node, ()))
        return self.unseen if nodes and not found and self.unseen is not None else found


def read_openings(reader: HostReader, nodes: Mapping[str, str]) -> Openings:
    """Look at the open files of all processes for these nodes; none are looked at for no nodes.

    Args:
        reader: the host.
        nodes: names of nodes, by that and by the number under which an open file shows them.
    """
    if not nodes:
        return Openings({}, None)
    names = reader.list_dir("/proc")
    if not isinstance(names, tuple):
        return Openings({}, names if isinstance(names, Unknown) else Unknown("/proc is not there"))
    by_node: dict[str, list[Holder]] = {}
    denied = 0
    for pid in parse_numbers(names):
        targets = _open_targets(reader, pid)
        if isinstance(targets, Unknown):
            denied += 1
            continue
        for node in sorted({nodes[target] for target in targets & nodes.keys()}):
            holder = _holder(reader, pid, node)
            if holder is not None:
                by_node.setdefault(node, []).append(holder)
    unseen = Unknown(f"{denied} processes did not let us look; run as root") if denied else None
    return Openings({node: tuple(holders) for node, holders in by_node.items()}, unseen)


def parse_guest(command: str) -> str | None:
    """Read the guest's name from the command line of QEMU: ``-name guest=NAME,...`` or ``-name NAME``.

    None for other programs. Words are separated by NUL bytes, or by newlines in a capture.
    """
    words = re.split(r"[\0\n]", command)
    if "qemu" not in words[0].rpartition("/")[2] or "-name" not in words[:-1]:
        return None
    parts = words[words.index("-name") + 1].split(",")
    named = [part.removeprefix("guest=") for part in parts if part.startswith("guest=")]
    return (named or parts)[0][:_LONGEST_GUEST] or None


def _open_targets(reader: HostReader, pid: int) -> frozenset[str] | Unknown:
    names = reader.list_dir(f"/proc/{pid}/fd")
    if not isinstance(names, tuple):
        return frozenset() if names is None else names
    return frozenset(_targets(reader, pid, names))


def _targets(reader: HostReader, pid: int, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        target = reader.read_opened(f"/proc/{pid}/fd/{name}")
        if isinstance(target, str):  # else closed in the meantime
            yield target


def _holder(reader: HostReader, pid: int, node: str) -> Holder | None:
    """The process with its names; None where it has ended in the meantime."""
    name = reader.read_text(f"/proc/{pid}/comm")
    if name is None:
        return None
    command = reader.read_text(f"/proc/{pid}/cmdline")
    return Holder(
        pid=pid,
        process=name.strip()[:_LONGEST_PROCESS] if isinstance(name, str) else "?",
        node=node,
        guest=parse_guest(command) if isinstance(command, str) else None,
        unread=next((answer for answer in (name, command) if isinstance(answer, Unknown)), None),
    )
