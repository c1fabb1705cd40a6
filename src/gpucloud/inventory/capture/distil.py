"""Collected files reduced to the lines that are read: nothing else of them enters a capture.

Reading the reduced files gives the same facts as reading the whole ones; a test proves it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

from gpucloud.inventory.capture.telling import only_telling
from gpucloud.inventory.collect.wire import Stream
from gpucloud.inventory.patterns import one_of
from gpucloud.inventory.pci.attributes import parse_addresses
from gpucloud.inventory.pci.numbered import is_of_function
from gpucloud.inventory.system.boot import (
    DROP_INS,
    ENTRIES,
    GRUB,
    GRUB_FOLDERS,
    OF_ARGUMENTS,
    OWN,
    settings_only,
    starts_linux,
)
from gpucloud.inventory.system.configuration import CONFIGURATION, blank_comments
from gpucloud.inventory.system.framebuffers import parse_framebuffers
from gpucloud.inventory.system.grub import assignments_only
from gpucloud.inventory.system.iommu import interrupt_chips
from gpucloud.inventory.system.modules import parse_aliases, parse_builtin_aliases
from gpucloud.inventory.system.network import parse_fib_trie, parse_ipv6_routes, parse_routes
from gpucloud.inventory.system.storage import POINTS, parse_mountinfo, parse_mounts

_CPU_KEYS = ("vendor_id", "flags", "address sizes")
_DISTRIBUTION_KEYS = ("ID=", "ID_LIKE=", "VERSION_ID=")
_NODE_PARTS = 5
"""Parts of ``/sys/dev/char/226:0``, with the empty one before the first slash."""
_DISKS = re.compile(r"/dev/[a-z0-9]+(?::/dev/[a-z0-9]+)*|/dev/dm-[0-9]+", re.ASCII)
_MAPPERS = re.compile(r"(?:LVM|CRYPT|DMRAID|(?:part[0-9]{1,3}-)?mpath)-", re.ASCII)
_is_group_member = one_of(["/sys/kernel/iommu_groups/*/devices/*"])


def distil(stream: Stream) -> Stream:
    """Reduce every file that holds more than is read of it."""
    stream = only_telling(stream)
    modaliases = [
        data.decode(errors="replace").strip()
        for path, data in stream.files.items()
        if path.startswith("/sys/") and path.endswith("/modalias")
    ]
    reducers = {
        "/proc/cpuinfo": _cpu,
        "/proc/interrupts": lambda text: "\n".join(interrupt_chips(text)),
        "/proc/iomem": _memory,
        "/proc/self/mountinfo": _mountinfo,
        "/proc/mounts": _mounts,
        "/proc/net/route": _routes,
        "/proc/net/ipv6_route": _ipv6_routes,
        "/proc/net/fib_trie": _tables,
        "/sys/dev/*/*/uevent": lambda text: _lines(text, ("DEVNAME=",)),
        "/sys/class/block/*/dm/uuid": _mapper,
        "/proc/driver/nvidia/gpus/*/information": lambda text: _lines(text, ("Device Minor:",)),
        "/etc/os-release": lambda text: _lines(text, _DISTRIBUTION_KEYS),
        "/usr/lib/os-release": lambda text: _lines(text, _DISTRIBUTION_KEYS),
        "/lib/modules/*/modules.dep": _module_paths,
        "/lib/modules/*/modules.alias": lambda text: _aliases(text, modaliases),
        "/lib/modules/*/modules.builtin.modinfo": _builtin_aliases,
        **dict.fromkeys(OWN, lambda text: text.removesuffix("\n")),
        GRUB: lambda text: assignments_only(text, is_first=True),
        DROP_INS: lambda text: assignments_only(text, is_first=False),
        **dict.fromkeys(OF_ARGUMENTS, settings_only),
        **dict.fromkeys(CONFIGURATION, blank_comments),
    }
    is_reduced = one_of(reducers)
    small = Stream()
    small.folders = [path for path in stream.folders if _is_kept(path, stream.links)]
    small.links = {path: target for path, target in stream.links.items() if _is_kept(path, stream.links)}
    small.unread = dict(stream.unread)
    small.files = {
        _named(path): _reduced(path, data, reducers) if is_reduced(path) else data
        for path, data in stream.files.items()
        if _is_kept(path, stream.links) and not _starts_another(path, data)
    }
    return small


def _is_entry(path: str) -> bool:
    return path.rpartition("/")[0] in ENTRIES and path.endswith(".conf")


def _starts_another(path: str, data: bytes) -> bool:
    return _is_entry(path) and not starts_linux(path, data.decode(errors="replace"))


def _named(path: str) -> str:
    """Entries of boot loaders are named by the machine's id: one of each folder is kept, renamed."""
    return f"{path.rpartition('/')[0]}/entry.conf" if _is_entry(path) else path


def _reduced(path: str, data: bytes, reducers: Mapping[str, Callable[[str], str]]) -> bytes:
    for pattern, reduce in reducers.items():
        if fnmatchcase(path, pattern):
            return f"{reduce(data.decode(errors='replace'))}\n".encode()
    return data


def _is_kept(path: str, links: Mapping[str, str]) -> bool:
    """Of IOMMU groups and device nodes only what is of PCI functions: mediated devices are named by UUIDs."""
    parts = path.split("/")
    if path.startswith("/sys/dev/") and len(parts) >= _NODE_PARTS:
        is_disk = parts[3] == "block" and len(parts) == _NODE_PARTS  # mounts name their disks so
        return is_disk or is_of_function(links.get("/".join(parts[:_NODE_PARTS]), ""))
    return not _is_group_member(path) or bool(parse_addresses(parts[-1:]))


def _lines(text: str, starts: tuple[str, ...]) -> str:
    return "\n".join(line for line in text.split("\n") if line.startswith(starts))


def _cpu(text: str) -> str:
    return _lines(text.strip().split("\n\n")[0], _CPU_KEYS)


def _memory(text: str) -> str:
    """Framebuffers, and whether addresses are shown at all; the rest would tell where the kernel lies."""
    framebuffers = parse_framebuffers(text)
    if not isinstance(framebuffers, tuple):
        return "00000000-00000000 : Reserved"
    rows = [f"{each.start:08x}-{each.end:08x} : {each.name}" for each in framebuffers]
    return "\n".join(["00000000-00000fff : Reserved", *rows])


def _mountinfo(text: str) -> str:
    points = (*POINTS, *GRUB_FOLDERS)
    seen = {mount.point: mount for mount in parse_mountinfo(text) if mount.point in points}
    return "\n".join(
        f"0 0 {mount.number} / {mount.point} {'ro' if mount.is_read_only else 'rw'} - {mount.kind}"
        f" {_disk(mount.source)}"
        for mount in seen.values()
    )


def _mapper(text: str) -> str:
    """Whose a mapped disk is, in front of an identifier: ``LVM-``, ``CRYPT-``."""
    match = _MAPPERS.match(text)
    return match[0] if match else ""


def _mounts(text: str) -> str:
    seen = {mount.point: mount for mount in parse_mounts(text) if mount.point in POINTS}
    return "\n".join(f"{_disk(mount.source)} {mount.point} {mount.kind} - 0 0" for mount in seen.values())


def _disk(source: str) -> str:
    """Only the kernel's own names of disks: pools, volumes and servers have names that people gave."""
    return source if _DISKS.fullmatch(source) else "none"


def _routes(text: str) -> str:
    rows = [f"{name} 00000000 0 0001 0 0 0 00000000" for name in parse_routes(text)]
    return "\n".join(["Iface Destination Gateway Flags RefCnt Use Metric Mask", *rows])


def _ipv6_routes(text: str) -> str:
    nothing = "0" * 32
    return "\n".join(
        f"{nothing} 00 {nothing} 00 {nothing} 0 0 0 00000001 {name}" for name in parse_ipv6_routes(text)
    )


def _tables(text: str) -> str:
    return "\n".join(
        f"Id {table}:\n  |-- 0.0.0.0\n     /0 universe UNICAST" for table in parse_fib_trie(text)
    )


def _module_paths(text: str) -> str:
    return "\n".join(f"{line.partition(':')[0]}:" for line in text.split("\n") if line)


def _aliases(text: str, modaliases: list[str]) -> str:
    return "\n".join(f"alias {pattern} {module}" for pattern, module in parse_aliases(text, modaliases))


def _builtin_aliases(text: str) -> str:
    return "\n".join(f"{module}.alias={pattern}" for pattern, module in parse_builtin_aliases(text))
