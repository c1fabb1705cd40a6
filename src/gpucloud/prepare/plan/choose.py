"""Units that a plan is for: named by the user, never taken on a guess."""

from __future__ import annotations

from collections.abc import Sequence

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.units.named import offer, units_to_give


def choose_units(host: Host, names: Sequence[str]) -> tuple[GpuUnit, ...]:
    """The units at these addresses, each once, in order.

    The address of a companion names its card, and that of a virtual function it alone.

    Raises:
        Failure: none was named, a name is no address, or no GPU is there.
    """
    if not names:
        raise Failure("no GPU is named, and none is taken on a guess", offer(host), code=Exit.USAGE)
    return units_to_give(host, names)
