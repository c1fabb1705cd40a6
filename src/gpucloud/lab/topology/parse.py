"""A server that is not there, as data: its IOMMU, ports and cards, read from a TOML file.

Addresses are those of PCI bus 0 of the server. Slots 0x08 to 0x1e are free for ports and cards; the others
hold the server's own devices.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from gpucloud.lab.topology.devices import FUNCTIONS, SAMPLES
from gpucloud.lab.topology.fields import Fields
from gpucloud.model.failure import Exit, Failure, code_of

FREE_SLOTS = range(0x08, 0x1F)
MEMORY_MIB = range(1024, 1024 * 1024)
CPUS = range(1, 65)
MAX_FILE_BYTES = 64 * 1024
MAX_CARDS = 16

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_ARGUMENT = re.compile(r"[A-Za-z0-9_.,:;=/+@-]{1,200}")


class Iommu(StrEnum):
    """What the firmware offers: Intel's DMAR table, AMD's IVRS table, or nothing."""

    INTEL = "intel"
    AMD = "amd"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Port:
    """A PCIe root port on bus 0; ``acs`` false leaves out access control services, so groups join."""

    name: str
    slot: int
    function: int
    acs: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A card with one or more functions, in a slot of bus 0 or, with ``port``, in slot 0 behind that port."""

    functions: tuple[str, ...]
    slot: int
    port: str | None


@dataclass(frozen=True, slots=True)
class Topology:
    """A server: what it has and how its kernel is started.

    ``own_display`` is a display of the server itself, as a BMC gives it: then no card is the boot display.
    ``boot_console`` lets the firmware set a video mode, so that the kernel's console holds the first card.
    ``mdev`` names sample drivers of the kernel that make mediated devices without hardware.
    """

    name: str
    title: str
    about: str
    iommu: Iommu
    interrupt_remapping: bool
    kernel_arguments: tuple[str, ...]
    memory_mib: int
    cpus: int
    own_display: bool
    boot_console: bool
    ports: tuple[Port, ...]
    cards: tuple[Card, ...]
    source: str
    """The text that this was read from."""
    mdev: tuple[str, ...] = ()


def parse_topology(name: str, text: str) -> Topology:
    """Read a topology; every key is known, every value checked.

    Raises:
        Failure: naming the key that is wrong and what it may be; the exit code is that of wrong usage.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Failure(f"topology {name}: not TOML: {error}", code=Exit.USAGE) from error
    fields = Fields(f"topology {name}", data)
    if not NAME.fullmatch(name):
        raise fields.wrong("its name", "lower case letters, digits and dashes, at most 40")
    topology = Topology(
        name=name,
        title=fields.text("title"),
        about=fields.text("about", "").strip(),
        iommu=Iommu(fields.one_of("iommu", tuple(Iommu))),
        interrupt_remapping=fields.flag("interrupt_remapping", True),
        kernel_arguments=fields.words("kernel_arguments", _ARGUMENT),
        memory_mib=fields.number("memory_mib", MEMORY_MIB, 2560),
        cpus=fields.number("cpus", CPUS, 2),
        own_display=fields.flag("own_display", False),
        boot_console=fields.flag("boot_console", False),
        ports=tuple(_port(port) for port in fields.tables("ports", MAX_CARDS)),
        cards=tuple(_card(card) for card in fields.tables("cards", MAX_CARDS)),
        source=text,
        mdev=tuple(dict.fromkeys(fields.choices("mdev", SAMPLES, range(len(SAMPLES) + 1)))),
    )
    fields.done()
    _check_places(fields, topology)
    return topology


def _port(fields: Fields) -> Port:
    port = Port(
        name=fields.word("name", NAME),
        slot=fields.number("slot", FREE_SLOTS),
        function=fields.number("function", range(8), 0),
        acs=fields.flag("acs", True),
    )
    fields.done()
    return port


def _card(fields: Fields) -> Card:
    port = fields.word("port", NAME) if fields.has("port") else None
    card = Card(
        functions=tuple(fields.choices("functions", tuple(FUNCTIONS), range(1, 9))),
        slot=0 if port else fields.number("slot", FREE_SLOTS),
        port=port,
    )
    fields.done()
    return card


def _check_places(fields: Fields, topology: Topology) -> None:
    """Two things cannot be in one place, and a card's port must be there and its own."""
    names = [port.name for port in topology.ports]
    for card in topology.cards:
        if card.port is not None and card.port not in names:
            raise fields.wrong("cards", f"port = one of: {', '.join(names) or 'none is declared'}")
    _refuse_repeats(fields, "ports", names)
    _refuse_repeats(fields, "ports", [f"{port.slot:02x}.{port.function}" for port in topology.ports])
    _refuse_repeats(fields, "cards", [card.port for card in topology.cards if card.port])
    slots = [card.slot for card in topology.cards if not card.port]
    _refuse_repeats(fields, "cards", [f"{slot:02x}" for slot in slots])
    shared = sorted({port.slot for port in topology.ports} & set(slots))
    if shared:
        raise fields.wrong("cards", f"a slot without a port in it, unlike {shared[0]:#04x}")
    first = {port.slot for port in topology.ports if port.function == 0}
    if any(port.slot not in first for port in topology.ports):
        raise fields.wrong("ports", "function 0 in each slot that has other functions")


def _refuse_repeats(fields: Fields, key: str, values: Sequence[str]) -> None:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise fields.wrong(key, f"each place and name once, unlike {repeated[0]}")


def topology_names() -> tuple[str, ...]:
    """The names of the topologies that come with the program."""
    found = files("gpucloud.lab").joinpath("topologies").iterdir()
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in found if entry.name.endswith(".toml")))


def load_topology(wanted: str | Path) -> Topology:
    """Read a topology by its name, or from a file of the user's: a path, or a name that ends in ``.toml``.

    Raises:
        Failure: there is none, or it is wrong.
    """
    text = str(wanted)
    if isinstance(wanted, Path) or "/" in text or text.endswith(".toml"):
        return _load_file(Path(wanted))
    if text not in topology_names():
        raise Failure(
            f"no topology is named {text!r}",
            f"choose one of {', '.join(topology_names())}, or give the path of a .toml file",
            code=Exit.USAGE,
        )
    return parse_topology(
        text, files("gpucloud.lab").joinpath("topologies").joinpath(f"{text}.toml").read_text()
    )


def _load_file(path: Path) -> Topology:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES:
            raise Failure(f"topology {path}: larger than {MAX_FILE_BYTES} bytes", code=Exit.USAGE)
        return parse_topology(path.stem, raw.decode())
    except OSError as error:
        what = f"topology {path} cannot be read: {error.strerror}"
        raise Failure(what, "see gpucloud lab topologies", code=code_of(error)) from error
    except UnicodeDecodeError as error:
        raise Failure(f"topology {path}: not UTF-8 text", code=Exit.USAGE) from error
