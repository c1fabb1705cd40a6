"""Who says no: a repair takes nothing that a guest has open on its host, nor what nobody looked at."""

from __future__ import annotations

from dataclasses import dataclass

from gpucloud.cloud.openstack.audit.case import Case
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
        """Why a row may not be changed, and what to do; None where no guest has its device."""
        return self._judge(row.address, self.case.guests_on(row))

    def refuses_block(self, row: Row) -> tuple[str, str] | None:
        """The same for a free row that is to be blocked, which takes nothing from guests of its relatives."""
        node = self.case.node_of(row)
        guests = () if node is None else self.case.guests_at(node, row.address, with_relatives=False)
        return None if isinstance(guests, Unknown) else self._judge(row.address, guests)

    def keeps(self, provider: Provider) -> tuple[str, str] | None:
        """The same for a provider, and what is held of it; a host is none itself, a deleted one has none."""
        if provider.is_root or provider.root in self.case.deleted_roots:
            return None
        node, address = self.case.node_behind(provider.root), address_of(provider)
        if node is None or address is None:
            unknown = Unknown("its host is not known" if node is None else "no device is named so")
            return self._judge(f"what provider {provider.name} is of", unknown)
        return self._judge(address, self.case.guests_at(node, address))

    def _judge(self, address: str, guests: tuple[Holder, ...] | Unknown) -> tuple[str, str] | None:
        if isinstance(guests, Unknown):
            said = f"whether a guest has {address} is not known: {guests.why}"
            return None if self.trusts_nova else (said, _UNSEEN)
        if not guests:
            return None
        names = ", ".join(each.guest or f"process {each.pid} ({each.process})" for each in guests)
        return f"{names} has {address} open on its host", "end that guest first: nova lost sight of it"
