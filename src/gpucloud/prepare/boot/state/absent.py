"""Cards that are gone from where they were when the plan was made: pulled, moved, or dead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Taken
from gpucloud.model.spec import Use
from gpucloud.model.unknown import Unknown

_NEXT = "where it was taken out or moved, plan again: gpucloud plan --spec FILE"


def absent_cards(host: Host, taken: Sequence[Taken]) -> Iterator[str]:
    """What pools took for guests and the bus does not show there now, one line each.

    No rule of a spec finds these: it chooses among cards that are there.
    """
    if isinstance(host.functions, Unknown):
        return
    there = {unit.address for unit in host.units}
    for pool in taken:
        for address in pool.units if pool.use != Use.HOST.value else ():
            if isinstance(address, PciAddress) and address not in there:
                seen = "another device is" if address in host.functions else "nothing is"
                yield f"{address.short} of pool {pool.pool} is gone: {seen} at its address; {_NEXT}"
