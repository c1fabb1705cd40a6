"""How a cloud differs from what is wanted: each difference is one call to an API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from gpucloud.cloud.openstack.publish.offer import Flavor, Provider


@dataclass(frozen=True, slots=True)
class CreateFlavor:
    """A flavor made; with the id that it had, where it takes the place of one of other size."""

    flavor: Flavor
    id: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteFlavor:
    """A flavor deleted; its servers keep what they have, nova copies the flavor into each."""

    flavor: Flavor


@dataclass(frozen=True, slots=True)
class SetExtraSpecs:
    """Extra specs written, all at once; ``was`` has those of them that are there."""

    values: Mapping[str, str]
    was: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DropExtraSpec:
    """One extra spec taken away."""

    key: str
    was: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A project may use the flavor."""

    project: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """A project may not use the flavor any more."""

    project: str


@dataclass(frozen=True, slots=True)
class CreateAggregate:
    """An aggregate made."""


@dataclass(frozen=True, slots=True)
class DeleteAggregate:
    """An aggregate deleted, which must be empty."""


@dataclass(frozen=True, slots=True)
class SetMetadata:
    """Metadata written; None takes a key away."""

    values: Mapping[str, str | None]
    was: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AddHost:
    """A host put into the aggregate."""

    host: str


@dataclass(frozen=True, slots=True)
class RemoveHost:
    """A host taken out of the aggregate."""

    host: str


@dataclass(frozen=True, slots=True)
class SetProperties:
    """Properties of an image written or taken away, and the record of what was."""

    values: Mapping[str, str]
    was: Mapping[str, str]
    dropped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SetQuota:
    """Quotas that nova keeps."""

    values: Mapping[str, int]
    was: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SetLimit:
    """A limit that keystone keeps; ``id`` is None where there is none yet."""

    resource: str
    value: int
    was: int | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class CreateTrait:
    """A trait made known to Placement."""


@dataclass(frozen=True, slots=True)
class SetTraits:
    """Traits of a host's provider; the call writes all of them."""

    added: frozenset[str]
    kept: frozenset[str]
    provider: Provider


Change = (
    CreateFlavor
    | DeleteFlavor
    | SetExtraSpecs
    | DropExtraSpec
    | Grant
    | Revoke
    | CreateAggregate
    | DeleteAggregate
    | SetMetadata
    | AddHost
    | RemoveHost
    | SetProperties
    | SetQuota
    | SetLimit
    | CreateTrait
    | SetTraits
)


class Phase(IntEnum):
    """What is done before what."""

    NAMES = 0
    """Traits and registered limits, of which others speak."""
    HOSTS = 1
    """Traits of providers, before aggregates raise their generations (nova mirrors them to Placement)."""
    THINGS = 2
    DEFAULTS = 3
    """Of quotas, once projects that must not follow have their own."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Changes of one thing, one after the other; chains of a phase do not touch each other.

    Args:
        kind: ``flavor``, ``aggregate``, ``image``, ``quota``, ``limit``, ``trait``, ``host``.
        name: what the user calls it.
        id: what the cloud calls it; None until it is made.
        changes: in order.
        phase: those of 0 are done before any of 1 begins, and so on.
    """

    kind: str
    name: str
    id: str | None
    changes: tuple[Change, ...]
    phase: int = Phase.THINGS
