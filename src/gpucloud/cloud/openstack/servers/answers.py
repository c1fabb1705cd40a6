"""What nova and glance answer about servers and images, into values: strictly, and bounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpucloud.cloud.openstack.publish.answers import entry, texts

_GIB = 1024**3
_SAID = 300


@dataclass(frozen=True, slots=True)
class Server:
    """A server, ours or not.

    Args:
        id: its UUID.
        name: not unique in a project.
        status: as nova says it, ``ACTIVE``.
        fault: what nova says of one in ``ERROR``; None where it says nothing.
        metadata: keys and values of its owner.
        flavor: name of it when the server was made.
        vcpus: of that flavor.
        ram_mib: of that flavor.
    """

    id: str
    name: str
    status: str
    fault: str | None
    metadata: Mapping[str, str]
    flavor: str
    vcpus: int
    ram_mib: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image.

    Args:
        id: its UUID.
        name: not unique.
        status: ``active`` where it can be booted.
        disk_gib: the smallest disk that holds it, as far as glance knows it.
        ram_mib: the least memory that its owner asks for.
    """

    id: str
    name: str
    status: str
    disk_gib: int
    ram_mib: int


def server_of(item: Any) -> Server:
    """One of ``GET /servers/detail``, or ``GET /servers/{id}``: with its flavor inside (2.47)."""
    what = "servers"
    flavor = entry(item, "flavor", dict, what)
    fault = item.get("fault")
    said = fault.get("message") if isinstance(fault, Mapping) else None
    return Server(
        entry(item, "id", str, what),
        entry(item, "name", str, what),
        entry(item, "status", str, what).upper(),
        " ".join(said.split())[:_SAID].rstrip(".") if isinstance(said, str) else None,
        texts(entry(item, "metadata", dict, what), what),
        entry(flavor, "original_name", str, what),
        entry(flavor, "vcpus", int, what),
        entry(flavor, "ram", int, what),
    )


def image_of(item: Any) -> Image:
    """One of ``GET /images``. Sizes are null until there is data, the virtual one before Yoga, too."""
    what = "images"
    sizes = [item.get(name) for name in ("size", "virtual_size")] if isinstance(item, Mapping) else []
    most = max((size for size in sizes if isinstance(size, int)), default=0)
    return Image(
        entry(item, "id", str, what),
        str(item.get("name") or ""),
        entry(item, "status", str, what),
        max(entry(item, "min_disk", int, what), -(-most // _GIB)),
        entry(item, "min_ram", int, what),
    )


def allocated_of(answer: Any) -> set[str]:
    """Classes of resources in the answer to ``GET /allocations/{consumer}``; for one unknown it is empty."""
    what = "allocations"
    held = entry(answer, "allocations", dict, what).values()
    return {str(name) for each in held for name in entry(each, "resources", dict, what)}


def console_of(answer: Any) -> str:
    """The answer to ``os-getConsoleOutput``; what is no text in it is null on some hypervisors."""
    output = answer.get("output") if isinstance(answer, Mapping) else None
    return output if isinstance(output, str) else ""
