"""Others that cut the same cards at every start: each undoes, or takes the room of, what the other makes.

NVIDIA's own service for MIG, and mdevctl, which has udev start what is defined as ``auto`` as soon as its
parent is there (mdevctl(8), 60-mdevctl.rules).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gpucloud.model.boot import Defined, Hands
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress
from gpucloud.model.spec import Pool, Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.state.card import Card
from gpucloud.prepare.boot.state.plan import cards_at_start
from gpucloud.prepare.boot.wanted import parents_of
from gpucloud.prepare.layout.defined import read_defined
from gpucloud.prepare.layout.mig_manager import note_on_mig_manager, read_mig_manager
from gpucloud.prepare.plan.wording import call_unit

if TYPE_CHECKING:
    from gpucloud.inventory.reader import Reader

_SHOWN = 4


def read_hands(reader: Reader) -> Hands:
    """Who else cuts cards at a start of this host."""
    return Hands(read_mig_manager(reader), read_defined(reader))


def hands_beside(host: Host, spec: Spec, host_name: str | Unknown, hands: Hands) -> Iterator[str]:
    """What else cuts the cards of pools, one line each, with what ends it.

    What nova has libvirt define of cards that are nova's is no other hand.

    Raises:
        Failure: as ``pool_of``.
    """
    cards = [card for card in cards_at_start(host, spec, host_name) if card.pool.use is Use.VGPU]
    if nvidias := [card.unit.address for card in cards if card.is_nvidias]:
        yield from note_on_mig_manager(nvidias, hands.has_mig_manager)
    if spec.openstack is not None:
        return
    parents = parents_of(host, spec, host_name)
    others = [(parent.name, spec.pool(pool)) for pool, named in parents.items() for parent in named]
    if isinstance(hands.defined, Unknown):
        if cards or others:
            yield f"what mdevctl starts with the host is not known: {hands.defined.why}"
        return
    autos = [each for each in hands.defined or () if each.is_auto]
    for card in cards:
        mine = [each for each in autos if _is_of(each, card)]
        yield from _defined(call_unit(card.unit), card.pool, mine)
    for name, pool in others:
        mine = [each for each in autos if each.parent == str(name)]
        yield from _defined(str(name), pool, mine)


def _is_of(each: Defined, card: Card) -> bool:
    """Claims a definition of the card: of its functions, or of virtual ones that may not be there yet."""
    try:
        parent = PciAddress.parse(each.parent)
    except ValueError:
        return False
    if parent in card.unit.addresses:
        return True
    function = card.functions.get(parent)
    if function is not None:
        return function.physical_function == card.unit.address
    own = card.unit.address
    return card.unit.primary.sriov is not None and (parent.domain, parent.bus) == (own.domain, own.bus)


def _defined(name: str, pool: Pool | None, mine: Sequence[Defined]) -> Iterator[str]:
    if not mine or pool is None:
        return
    uuids = ", ".join(each.uuid for each in mine[:_SHOWN])
    more = f" and {len(mine) - _SHOWN} more" if len(mine) > _SHOWN else ""
    yield (
        f"mdevctl starts {uuids}{more} on {name} at every start, and pool {pool.name} cuts it as well: the "
        "room of one is missing to the other; leave it to one of both: "
        f"mdevctl modify --uuid {mine[0].uuid} --manual, or take the card out of the pool"
    )
