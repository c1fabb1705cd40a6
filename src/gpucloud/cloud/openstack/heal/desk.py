"""Who says no: a repair takes nothing that somebody has open on its host, nor what nobody looked at."""

from __future__ import annotations

from dataclasses import dataclass

from gpucloud.cloud.openstack.audit.case import Case
from gpucloud.cloud.openstack.audit.disagreement import Release
from gpucloud.cloud.openstack.audit.observed import Provider, Row
from gpucloud.cloud.openstack.audit.rules.providers import address_of
from gpucloud.model.pci import Holder
from gpucloud.model.unknown import Unknown

_UNSEEN = "name the host with --host, or take nova's word that no guest has it: --trust-nova"


@dataclass(frozen=True, slots=True)
class Desk:
    """Refuses changes.

    Args:
        case: the facts.
        trusts_nova: nova's word is enough where a host was not looked at.
    """

    case: Case
    trusts_nova: bool

    def refusal(self, row: Row) -> tuple[str, str] | None:
        """Why a row may not be changed, and what to do; None where nobody has its device open."""
        return self._judge(row.address, self.case.users_of(row))

    def refuses_block(self, row: Row) -> tuple[str, str] | None:
        """The same for a free row that is to be blocked, which takes nothing from guests of its relatives."""
        node = self.case.node_of(row)
        users = () if node is None else self.case.users_at(node, row.address, with_relatives=False)
        return None if isinstance(users, Unknown) else self._judge(row.address, users)

    def keeps(self, provider: Provider) -> tuple[str, str] | None:
        """The same for a provider, and what is held of it; a host is none itself, a deleted one has none."""
        if provider.is_root or provider.root in self.case.deleted_roots:
            return None
        node, address = self.case.node_behind(provider.root), address_of(provider)
        if node is None or address is None:
            unknown = Unknown("its host is not known" if node is None else "no device is named so")
            return self._judge(f"what provider {provider.name} is of", unknown)
        return self._judge(address, self.case.users_at(node, address))

    def doubts(self, release: Release) -> tuple[str, str] | None:
        """Why what a consumer holds stays: nova never said that it is gone."""
        if release.doubt is None or self.trusts_nova:
            return None
        return release.doubt, "if it is nobody's, take nova's word for that: --trust-nova"

    def _judge(self, address: str, users: tuple[Holder, ...] | Unknown) -> tuple[str, str] | None:
        if isinstance(users, Unknown):
            said = f"whether a guest has {address} is not known: {users.why}"
            return None if self.trusts_nova else (said, _UNSEEN)
        if not users:
            return None
        names = ", ".join(each.guest or f"process {each.pid} ({each.process})" for each in users)
        is_guest = any(each.guest or each.node.startswith("/dev/vfio/") for each in users)
        then = "end that guest first: nova lost sight of it" if is_guest else "end that first, on the host"
        return f"{names} has {address} open on its host", then
