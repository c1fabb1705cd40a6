"""Providers of Placement that nothing is behind: no row of the device, or no compute node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gpucloud.cloud.openstack.audit.case import Case
from gpucloud.cloud.openstack.audit.disagreement import Blocked, Disagreement, Drop, Remedy, Restart
from gpucloud.cloud.openstack.audit.kinds import Kind, Kinds
from gpucloud.cloud.openstack.audit.observed import Provider, Row
from gpucloud.cloud.openstack.audit.rules.consumers import Holdings
from gpucloud.model.finding import Evidence
from gpucloud.model.unknown import Unknown

_ADDRESS = re.compile(
    r"_(?:pci_)?([0-9A-F]{4,8})[:_]([0-9A-F]{2})[:_]([0-9A-F]{2})[._]([0-7])$", re.ASCII | re.IGNORECASE
)
"""How nova's names of providers end: ``_0000:3B:00.0`` of a device that it passes through
(``PlacementView._get_rp_name_for_address``), ``_pci_0000_3b_00_0`` of one whose slices it gives away
(``nova/virt/libvirt/driver.py: _update_provider_tree_for_vgpu``)."""
_CLASS = re.compile(r"CUSTOM_PCI_([0-9A-F]{4})_([0-9A-F]{4})", re.ASCII)
_MOST_SHOWN = 6


@dataclass(frozen=True)
class Behind:
    """What stands behind providers.

    Args:
        case: the facts.
        held: who has what; where it is not known, no tree is judged.
        forgotten: rows that are to be deleted.
        going: consumers that are to give back what they hold: of one tree by its root, or (None) of all.
    """

    case: Case
    held: Holdings | Unknown
    forgotten: frozenset[int]
    going: frozenset[tuple[str, str | None]]

    @cached_property
    def lost(self) -> frozenset[str]:
        """Roots of trees without a compute node: nova lists no such host, in any cell."""
        if isinstance(self.held, Unknown):
            return frozenset()
        case = self.case
        managed = {each.root for each in case.providers if each.is_pci}
        there = self.held.roots.keys() | case.live_nodes.keys()
        return frozenset({each.root for each in case.providers} & (case.deleted_roots | managed) - there)

    def rows(self, provider: Provider) -> tuple[Row, ...]:
        """Rows of the devices that a provider is of; those that are to be deleted left out."""
        node, address = self.case.live_nodes.get(provider.root), address_of(provider)
        rows = {} if node is None else self.case.by_node.get(node.id, {})
        of_it = (row for row in rows.values() if address in (row.address, row.parent))
        return tuple(row for row in of_it if row.id not in self.forgotten)

    def stays(self, provider: Provider) -> tuple[str, ...]:
        """Consumers that keep what they have of it."""
        return tuple(
            consumer
            for consumer in provider.held
            if (consumer, None) not in self.going and (consumer, provider.root) not in self.going
        )


def address_of(provider: Provider) -> str | None:
    """The address that nova made a provider for; None where it is not named as nova names them."""
    found = _ADDRESS.search(provider.name)
    return None if found is None else "{}:{}:{}.{}".format(*found.groups()).lower()


def judge_providers(behind: Behind) -> Iterator[Disagreement]:
    """Providers of devices without a row, and trees without a compute node."""
    if isinstance(behind.case.seen.database, Unknown):
        return
    for provider in behind.case.providers:
        if provider.root in behind.lost:
            yield _left(behind, provider, None, Kinds.LEFT_HOST.value)
        elif provider.is_pci:
            yield from _of_device(behind, provider)


def _of_device(behind: Behind, provider: Provider) -> Iterator[Disagreement]:
    node, address = behind.case.live_nodes.get(provider.root), address_of(provider)
    if node is None or address is None:  # of another cell, or not one that nova names
        return
    rows = behind.rows(provider)
    if not rows:
        yield _left(behind, provider, node.host, Kinds.LEFT_PROVIDER.value, address)
        return
    offered = {match[0] for match in map(_CLASS.fullmatch, provider.totals) if match}
    classes = {f"CUSTOM_PCI_{row.vendor_id}_{row.product_id}".upper() for row in rows}
    if offered and not offered & classes:
        shown = (*map(behind.case.tell_row, rows[:_MOST_SHOWN]), _stock(provider))
        title = f"Placement offers {', '.join(sorted(offered))} for {address} on {node.host}"
        yield Disagreement(Kinds.OTHER_CLASS.value, node.host, title, shown, Restart(), address)


def _left(
    behind: Behind, provider: Provider, host: str | None, kind: Kind, address: str | None = None
) -> Disagreement:
    """A provider to be deleted; not while a guest that is there holds something of it."""
    if host is None:
        title = f"provider {provider.name} is of a host that nova does not have"
        missing = Evidence("nova-api, hypervisors", f"none has the id {provider.root}")
    else:
        title = f"provider {provider.name} is of a device that nova has no row of"
        missing = Evidence(f"pci_devices of {host}", f"no row of {address}")
    stays = behind.stays(provider)
    remedy: Remedy | Blocked = Drop(provider)
    if host is None and provider.root not in behind.case.deleted_roots:
        why = "the database has no deleted host of it: it may be new, or of another cell"
        then = f"if it is gone for good: openstack resource provider delete {provider.uuid}"
        remedy = Blocked(why, then)
    elif stays:
        why = f"guest {behind.case.known_as(stays[0])} holds what it has"
        remedy = Blocked(why, "migrate or delete the guest; then run the audit again")
    return Disagreement(kind, host, title, (_stock(provider), missing), remedy, address)


def _stock(provider: Provider) -> Evidence:
    has = ", ".join(f"{name} {total}" for name, total in sorted(provider.totals.items())) or "nothing"
    return Evidence(f"provider {provider.name}", f"{has}; held by {len(provider.held)}")
