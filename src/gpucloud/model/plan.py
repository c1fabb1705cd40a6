"""A plan: the changes to a host in order, why each is made, and what the whole rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gpucloud.model.change import SMI, Change, Content, Installed, OnDisk
from gpucloud.model.pci import PciAddress, Place


@dataclass(frozen=True, slots=True)
class Step:
    """One change, with the reason a user reads and the unit it serves."""

    change: Change
    because: str
    unit: PciAddress | None
    """None: it serves the host as a whole."""
    risk: str = ""
    """What could go wrong with it, in words; empty: nothing that is known."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a unit cannot be given away now, and what to do about it."""

    unit: PciAddress | None
    """None: nothing can be done on the whole host."""
    cause: str
    """An id of the taxonomy where one fits, else one of prepare's own; it never changes its meaning."""
    why: str
    instead: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact that a plan rests on: the file or question, and what it said."""

    key: str
    value: str
    is_known: bool = True
    """False: it could not be read, and the value says why."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The units of the host that a pool takes, or parents that are no units; none: none of them matches."""

    pool: str
    use: str
    units: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class ByHand:
    """A setting that somebody made by hand, and what becomes of it."""

    path: str
    line: int | None
    """None: the whole file, or no file says it."""
    text: str
    does: str
    """What it does, in words."""
    units: tuple[PciAddress, ...]
    """Cards that it is about."""
    left: str | None
    """Why it stays; None: the spec says it from now on, and it goes."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was set up by hand on a host, and the spec that takes its place."""

    spec_path: str
    settings: tuple[ByHand, ...]
    unread: tuple[str, ...]
    """Files and folders that could not be looked at, with why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The spec that a plan comes from, so that it can be planned anew and compared."""

    spec: Content
    host_name: str | None
    taken: tuple[Taken, ...]
    """What each pool of the spec takes here."""
    adopted: Adopted | None = None
    """What somebody had set up by hand; None: that was not looked for."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines that a plan cuts cards by, so that it can be planned anew and compared."""

    lines: tuple[str, ...]
    host_name: str | None
    """What lines call the host, and what UUIDs are made of."""
    uuid: str | None = None
    """What the one slice that is made is called; None: as always."""
    gone: str | None = None
    """The slice that goes, where any of its type would do."""
    smi: str = SMI
    """NVIDIA's program, which tells of MIG instances and makes them: its name, or its absolute path."""


@dataclass(frozen=True, slots=True)
class Software:
    """A package of NVIDIA's vGPU manager that is to be installed, as its file was read."""

    by: Literal["deb", "rpm", "run"]
    package: Installed
    sha256: str
    release: str | None
    """Of the distribution that it is built for; None: of any."""
    guest_driver: int | None
    """Major version of the driver in guests; None: not told."""
    earlier: Installed | None
    """What undo installs again; None: no package of it was given."""


@dataclass(frozen=True, slots=True)
class LicenceFile:
    """A file that tells this machine where its licence comes from."""

    path: str
    mode: int
    text: Content


@dataclass(frozen=True, slots=True)
class Licence:
    """Where this machine, a guest, gets the licence of its vGPU from."""

    files: tuple[LicenceFile, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order they are done. Undo goes from the last to the first.

    A plan with refusals has no steps: units that were asked for together go together or not at all.
    """

    host: str
    units: tuple[PciAddress, ...]
    is_forced: bool
    """The user accepted to lose the last console."""
    facts: tuple[Fact, ...]
    """What the plan was made from; a host with other facts refuses the plan."""
    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...] = ()
    wanted: Wanted | None = None
    """None: the plan is for the running kernel, for units that were named."""
    needs_reboot: bool = False
    """What it changes acts from the next start on."""
    unseen: tuple[Refusal, ...] = ()
    """What a capture does not tell and could be a reason against it: the host is asked before apply."""
    at_start: tuple[Step, ...] = ()
    """What every start then does of itself, as far as the host shows it now: no part of the steps."""
    notes: tuple[str, ...] = ()
    """What the spec asks for and this plan cannot promise, in words: it is no reason against the steps."""
    layout: Layout | None = None
    """None: it does not cut cards, or at a start, as the spec says."""
    software: Software | None = None
    """None: it installs no driver."""
    licence: Licence | None = None
    """None: it is about no licence."""
    is_of_a_start: bool = False
    """A start made it: what an applied layout or spec wants, had again."""
    is_news: bool = False
    """Its spec has cards cut otherwise than the applied one at every start: applied also without steps."""

    @property
    def outlives_boot(self) -> bool:
        """Claims that a restart does not end what it did: what every start then does is the spec's."""
        return self.wanted is not None or any(isinstance(step.change, OnDisk) for step in self.steps)

    @property
    def is_empty(self) -> bool:
        """Claims that the host is already as asked."""
        return not (self.steps or self.refusals or self.is_news)
