"""Guests with GPUs: what is asked for, and what is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from gpucloud.model.pci import PciAddress, PciClass, PciId

_MOST_COMMAND_BYTES = 8192
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


def check_guest_name(name: str) -> str:
    """Give the name back if every cloud can have a guest of that name.

    Raises:
        ValueError: the name is no RFC 1123 label: 1 to 63 of ``a-z``, ``0-9`` and inner ``-``.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(
            f"{name!r} is no name for a guest: it takes 1 to 63 of a-z, 0-9 and '-', no '-' at the ends"
        )
    return name


@dataclass(frozen=True, slots=True)
class GuestCommand:
    """A command that a guest runs once it has started.

    Args:
        argv: program and arguments.
        nonce: 32 hexadecimal digits that mark what it leaves.
    """

    argv: tuple[str, ...]
    nonce: str

    def __post_init__(self) -> None:
        """Refuse what no cloud could carry: nova takes 64 KiB of user data, in base64.

        Raises:
            ValueError: no command, one with a null character, or one too long.
        """
        if not self.argv or not self.argv[0]:
            raise ValueError("no command is named")
        if any("\0" in word for word in self.argv):
            raise ValueError("a command has no null character")
        if sum(len(word.encode()) + 3 for word in self.argv) > _MOST_COMMAND_BYTES:
            raise ValueError(f"a command has at most {_MOST_COMMAND_BYTES} bytes: put more into the image")


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """What a user asks for. The same on every cloud."""

    name: str
    """An RFC 1123 label; also the guest's host name."""
    gpus: int
    """How many GPU units; 0 is a guest without."""
    model: str | None = None
    """Part of a GPU's name or its ids; None takes any."""
    units: tuple[PciAddress, ...] = ()
    """These units and no others, by any of their functions; empty leaves the choice to the cloud."""
    image: str | None = None
    """A bootable disk image; None boots the built-in check guest, which only reports and waits."""
    cpus: int = 1
    memory_mib: int = 512
    lifetime_s: int | None = None
    """The guest is ended after this time, counted from its start; None: until it is destroyed."""
    vgpus: tuple[str, ...] = ()
    """Mediated devices of the host: the UUID of one that is made, or the id of a type, one for each."""
    has_screen: bool = False
    """The first of them is the guest's display, on a screen that this host alone can reach."""
    command: GuestCommand | None = None
    """What it runs once it has started; that needs an image with cloud-init."""
    config: str | None = None
    """More for cloud-init, a cloud-config as a JSON object; the same need."""

    def __post_init__(self) -> None:
        """Refuse what no cloud could make.

        Raises:
            ValueError: a name that is no label, or a number that is out of range.
        """
        check_guest_name(self.name)
        if self.gpus < 0 or self.cpus < 1 or self.memory_mib < 1:
            raise ValueError("a guest has at least one processor, some memory, and no negative GPUs")
        if self.units and len(self.units) != self.gpus:
            raise ValueError(f"{len(self.units)} units are named, but {self.gpus} GPUs are asked for")
        if self.has_screen and not self.vgpus:
            raise ValueError("the screen of a guest is that of its first vGPU, and it has none")
        if self.lifetime_s is not None and self.lifetime_s < 1:
            raise ValueError("the time after which a guest is ended is at least one second")


class GuestState(Enum):
    """The life of a guest, as every cloud can tell it."""

    STARTING = "starting"
    """It runs, and has not yet said what it sees."""
    RUNNING = "running"
    """It runs and has reported that it sees all it was given."""
    STOPPED = "stopped"
    """It is there but does not run: paused, crashed or shutting down."""
    FAILED = "failed"
    """It was kept after its launch failed."""


@dataclass(frozen=True, slots=True)
class SeenFunction:
    """One PCI function that the guest's own kernel lists in its sysfs. The address is the guest's."""

    address: PciAddress
    id: PciId
    pci_class: PciClass
    bar_bytes: tuple[int, ...] = ()
    """Bytes of each BAR that the guest's kernel has placed, by index; 0: none, or no room for it."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest that gpucloud made."""

    name: str
    id: str
    """What the cloud calls it: for libvirt the UUID of the domain."""
    state: GuestState
    gpus: int
    """How many GPUs it was given."""
    units: tuple[PciAddress, ...]
    """The host's GPU units it has; empty where the cloud does not tell which they are."""
    functions: tuple[PciAddress, ...]
    """All host functions it has, companions included; empty the same way."""
    seen: tuple[SeenFunction, ...] | None
    """What the guest reported; None before it did."""
    failure: str | None
    """Why its launch failed, where it was kept all the same."""
    image: str | None
    cpus: int
    memory_mib: int
    started_at_s: float
    """Unix time."""
    ends_at_s: float | None
    """Unix time at which it is ended by itself; None: never."""
    console_log: str | None
    """The file where everything that it printed on its serial console is kept; None: the cloud has it."""
    vgpus: tuple[str, ...] = ()
    """UUIDs of the host's mediated devices it has now."""
