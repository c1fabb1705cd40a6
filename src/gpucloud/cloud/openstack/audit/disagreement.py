"""Two sources that do not agree, why, and what would make them."""

from __future__ import annotations

from dataclasses import dataclass

from gpucloud.cloud.openstack.audit.kinds import Kind
from gpucloud.cloud.openstack.audit.observed import Provider, Row
from gpucloud.model.finding import Evidence


@dataclass(frozen=True, slots=True)
class SetStatus:
    """A row's status becomes another; whom it names as its guest is forgotten."""

    row: Row
    status: str


@dataclass(frozen=True, slots=True)
class Forget:
    """A row is deleted as nova deletes it: it stays, marked as deleted."""

    row: Row


@dataclass(frozen=True, slots=True)
class Release:
    """What a consumer has in Placement is taken back.

    Args:
        consumer: uuid of a guest or migration.
        tree: only from providers of this tree, by its root; None: from all.
        doubt: why the consumer may be somebody's all the same; None where nova itself has ended it.
    """

    consumer: str
    tree: str | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """A provider is deleted."""

    provider: Provider


@dataclass(frozen=True, slots=True)
class Restart:
    """Nothing but a restart of nova-compute is needed: it writes what is missing itself."""


Remedy = SetStatus | Forget | Release | Drop | Restart


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nothing may be changed by anybody but the administrator: what to do, and why nothing is done."""

    why: str
    then: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One that was found.

    Args:
        kind: which.
        host: of nova-compute; None where there is none any more.
        title: what is, in one line.
        evidence: what each source says.
        remedy: what would make it right; or why that is the administrator's.
        address: of the device; None where it is about a whole host.
    """

    kind: Kind
    host: str | None
    title: str
    evidence: tuple[Evidence, ...]
    remedy: Remedy | Blocked
    address: str | None = None
