"""What a cloud offers its users, in the cloud's own terms: ids of projects and images, names of hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

DESCRIPTION = "made by gpucloud publish"
"""Of a flavor: the mark of what may be changed and deleted here. The call that makes the flavor writes it
(microversion 2.55), where an extra spec would need a second call, and no filter of the scheduler reads it."""
MARK = "gpucloud:published"
"""Key of an aggregate's metadata, the mark of ours. With a namespace no filter reads it: those that compare
metadata with extra specs or properties skip keys of other scopes (nova/scheduler/filters/aggregate_*.py)."""
RECORD = "gpucloud_properties"
"""Property of an image: ``ID:name,name=VALUE,...``, its own id and the names of those that were set here,
with the value that each had before, if any. Nova passes over what it does not know, but copies it into
snapshots (unless ``non_inheritable_image_properties`` has it), where the id is another's."""


def record_of(image: str, before: Mapping[str, str | None]) -> str:
    """The record of an image: properties that were set, with what they were before; None: not there."""
    said = (name if old is None else f"{name}={quote(old, safe='')}" for name, old in sorted(before.items()))
    return f"{image}:{','.join(said)}"


def parse_record(image: str, text: str) -> dict[str, str | None]:
    """What ``record_of`` wrote of this image; empty where it is of another one, or none."""
    owner, _, said = text.partition(":")
    pairs = (each.partition("=") for each in said.split(",") if each) if owner == image else ()
    return {name: unquote(old) if separator else None for name, separator, old in pairs}


@dataclass(frozen=True, slots=True)
class Flavor:
    """A size of guests; whom it is for, where not for everybody.

    Args:
        disk_gib: the root disk.
        unsaid: what it has that a spec has no words for, as ``swap=512``; made anew it would lose that.
        ephemeral_gib: a second disk, as the cloud has it.
        swap_mib: a disk for swap, as the cloud has it.
    """

    vcpus: int
    ram_mib: int
    disk_gib: int
    is_public: bool = True
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    projects: frozenset[str] = frozenset()
    unsaid: tuple[str, ...] = ()
    ephemeral_gib: int = 0
    swap_mib: int = 0

    @property
    def fixed(self) -> tuple[int, int, int, bool]:
        """What no call can change once the flavor is there (of a flavor only the description)."""
        return (self.vcpus, self.ram_mib, self.disk_gib, self.is_public)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A set of hosts; the metadata without our mark."""

    hosts: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)


LimitKey = tuple[str | None, str]
"""Project, or None for the default, and resource."""


@dataclass(frozen=True, slots=True)
class Offer:
    """All of it, by name; images by id; ``None`` for a project is the default."""

    flavors: Mapping[str, Flavor] = field(default_factory=dict)
    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)
    images: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    quotas: Mapping[str | None, Mapping[str, int]] = field(default_factory=dict)
    limits: Mapping[LimitKey, int] = field(default_factory=dict)
    traits: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Provider:
    """A host's own provider in Placement."""

    id: str
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """What the cloud has.

    Args:
        offer: of flavors and aggregates those of others, too; of quotas and traits those that were asked for.
        flavor_ids: name to id.
        own_flavors: names of those with our mark.
        aggregate_ids: name to id.
        own_aggregates: names of those with our mark.
        image_names: id to name.
        image_records: id to the properties that were set here, with what each was before.
        foreign_images: ids of those of other projects that are not public; their names say nothing.
        limit_ids: to change a limit that is there.
        providers: by host.
        known_traits: of Placement, standard and own.
        projects: id or name to ids, an id before a name; more than one where several domains have the name.
        users: of flavors that would be deleted, names of servers that use them.
    """

    offer: Offer = field(default_factory=Offer)
    flavor_ids: Mapping[str, str] = field(default_factory=dict)
    own_flavors: frozenset[str] = frozenset()
    aggregate_ids: Mapping[str, str] = field(default_factory=dict)
    own_aggregates: frozenset[str] = frozenset()
    image_names: Mapping[str, str] = field(default_factory=dict)
    image_records: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    foreign_images: frozenset[str] = frozenset()
    limit_ids: Mapping[LimitKey, str] = field(default_factory=dict)
    providers: Mapping[str, Provider] = field(default_factory=dict)
    known_traits: frozenset[str] = frozenset()
    projects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
