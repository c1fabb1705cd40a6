"""What hosts have to give, and what guests ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpucloud.model.unknown import Unknown

UNSEEN_GROUPS = Unknown("no API tells IOMMU groups: give a capture of the host with --from HOST=CAPTURE")


@dataclass(frozen=True, slots=True)
class Stock:
    """A unit, or the slices of one card that nobody tells apart.

    Args:
        name: the address of a unit; of a cloud the name of its provider.
        kind: what it is asked for by: its ids, or a resource class.
        model: as people call it; empty where nothing tells.
        total: how many there are to give: 1 for a unit.
        used: how many of them guests have.
        groups: its IOMMU groups; those of slices are not looked at, for each slice has its own.
        users: guests that have it, by name, as far as they are known.
        obstacle: why what is not used cannot be given now; None where it can; Unknown where nobody could see
            whether guests have it.
        traits: Placement's.
        is_reserved: no guest is to get any of it, now or later.
        is_mediated: mediated devices, each in a group of its own, however many there is room for.
    """

    name: str
    kind: str
    model: str = ""
    total: int = 1
    used: int = 0
    groups: frozenset[int] | Unknown = UNSEEN_GROUPS
    users: tuple[str, ...] = ()
    obstacle: str | None | Unknown = None
    traits: frozenset[str] = frozenset()
    is_reserved: bool = False
    is_mediated: bool = False

    @property
    def is_unit(self) -> bool:
        return self.total == 1 and not self.is_mediated

    @property
    def left(self) -> int:
        """How many no guest has, whether they are ready to be given or not."""
        return max(0, self.total - self.used)

    @property
    def is_unsure(self) -> bool:
        """Claims that guests may have some of what is left: nobody could look."""
        return self.left > 0 and isinstance(self.obstacle, Unknown)

    @property
    def free(self) -> int:
        """How many of these can be given now; none where that is unknown."""
        return self.left if self.obstacle is None else 0


@dataclass(frozen=True, slots=True)
class Service:
    """A part of the cloud or of the host that must run.

    Args:
        name: ``nova-compute``, ``libvirt``.
        host: where.
        is_up: it answers.
        is_enabled: it takes new guests.
        reason: why not, where somebody said.
    """

    name: str
    host: str
    is_up: bool
    is_enabled: bool = True
    reason: str = ""

    @property
    def trouble(self) -> str | None:
        """What is wrong with it; None where it does its work."""
        words = [*([] if self.is_up else ["down"]), *([] if self.is_enabled else ["disabled"])]
        if not words:
            return None
        return f"{' and '.join(words)}{f': {self.reason}' if self.reason else ''}"


@dataclass(frozen=True, slots=True)
class User:
    """A guest with devices: ``has`` is what it was given, as its flavor says it."""

    name: str
    has: str


@dataclass(frozen=True, slots=True)
class HostStock:
    """A host with what it has to give.

    Args:
        name: the host.
        stocks: its units and slices.
        room: what is free of processors, memory and disk, by resource class; None: it is not counted.
        users: guests with devices there.
        closed: why it takes no guests; None where it does.
        traits: of the host's own provider.
        why_no_pools: nova's own pools of PCI devices are not among the stocks, and why; None where they are.
    """

    name: str
    stocks: tuple[Stock, ...] | Unknown
    room: Mapping[str, int] | None | Unknown = None
    users: tuple[User, ...] | Unknown = ()
    closed: str | None = None
    traits: frozenset[str] = frozenset()
    why_no_pools: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What one device of a guest is asked for by.

    Args:
        kind: of a stock.
        amount: of it, from one stock.
        required: traits.
        forbidden: traits.
        is_joint: the traits are those of the stock and of the host together, as in Placement's group without
            a number.
    """

    kind: str
    amount: int = 1
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    is_joint: bool = False

    def is_met_by(self, stock: Stock, host: frozenset[str]) -> bool:
        """Claims that the stock is of what is asked for and for guests, whether any of it is free or not.

        Args:
            stock: of a host.
            host: the host's traits.
        """
        if stock.kind != self.kind or stock.total < self.amount or stock.is_reserved:
            return False
        traits = stock.traits | host if self.is_joint else stock.traits
        return self.required <= traits and not self.forbidden & traits


@dataclass(frozen=True, slots=True)
class Want:
    """A size of guests.

    Args:
        name: of the flavor.
        asks: how many devices of each kind; Unknown where nothing tells what its devices are.
        room: processors, memory and disk, by resource class.
        required: traits of the host.
        forbidden: traits that the host must not have.
        said: what the flavor says of devices, in its own words.
        is_isolated: each device is of another provider.
        is_of_pools: nova takes the devices from its own pools, without asking Placement.
    """

    name: str
    asks: Mapping[Ask, int] | Unknown
    room: Mapping[str, int] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    said: str = ""
    is_isolated: bool = False
    is_of_pools: bool = False
