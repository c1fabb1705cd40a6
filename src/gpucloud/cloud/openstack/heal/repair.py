"""Repairs as data: what is changed, from what to what; what is refused, and who must be restarted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gpucloud.cloud.openstack.audit.disagreement import Disagreement
from gpucloud.cloud.openstack.audit.observed import Provider, Row
from gpucloud.model.plain import Plain


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row of ``pci_devices``, by its primary key.

    Args:
        row: as it is expected to be.
        now: columns that change, with their new values; ``deleted_at`` follows ``deleted``.
        host: of it, in words.
        kind: of the disagreement that it ends.
    """

    row: Row
    now: Mapping[str, Plain]
    host: str
    kind: str

    @property
    def was(self) -> Mapping[str, Plain]:
        """What these columns are expected to hold, and those that say which device it is."""
        row = self.row
        known: dict[str, Plain] = {
            "deleted": 0,
            "status": row.status,
            "instance_uuid": row.owner,
            "request_id": row.request,
            "compute_node_id": row.node,
            "address": row.columns.get("address", row.address),
        }
        return known


@dataclass(frozen=True, slots=True)
class TakeBack:
    """What a consumer holds in Placement: of one tree, by its root, or (None) of all.

    Args:
        consumer: its uuid.
        tree: root of the tree; None: all.
        providers: of the tree, of which it holds something, by uuid and name.
        kind: of the disagreement that it ends.
        holds: uuid of a provider to what it is expected to hold of it.
    """

    consumer: str
    tree: str | None
    providers: Mapping[str, str]
    kind: str
    holds: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class DropProvider:
    """A provider of Placement."""

    provider: Provider
    kind: str


@dataclass(frozen=True, slots=True)
class Restart:
    """A nova-compute that must be restarted after the repair, and why."""

    host: str
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A disagreement that is not repaired, why, and what to do."""

    found: Disagreement
    why: str
    then: str


@dataclass(frozen=True, slots=True)
class Repair:
    """All that is to be done, in its order."""

    rows: tuple[RowChange, ...] = ()
    releases: tuple[TakeBack, ...] = ()
    drops: tuple[DropProvider, ...] = ()
    restarts: tuple[Restart, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def count(self) -> int:
        """How many changes it makes."""
        return len(self.rows) + len(self.releases) + len(self.drops)

    def changes_as(self, other: Repair) -> bool:
        """Claims that both change the same, whatever else they tell."""
        own = (self.rows, self.releases, [each.provider.uuid for each in self.drops])
        return own == (other.rows, other.releases, [each.provider.uuid for each in other.drops])
