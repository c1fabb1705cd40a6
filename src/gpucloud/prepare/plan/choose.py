"""Units that a user named, found on the host."""

from __future__ import annotations

from collections.abc import Sequence

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress


def choose_units(host: Host, names: Sequence[str]) -> tuple[GpuUnit, ...]:
    """The units at these addresses; the address of a companion names its card. Each once, in order.

    Raises:
        Failure: none was named, a name is no address, or no GPU is there.
    """
    if not names:
        raise Failure(
            "no GPU is named, and none is taken on a guess", f"name one: {_offer(host)}", code=Exit.USAGE
        )
    return tuple({unit.address: unit for unit in (_unit(host, name) for name in names)}.values())


def _unit(host: Host, name: str) -> GpuUnit:
    try:
        address = PciAddress.parse_typed(name)
    except ValueError as error:
        raise Failure(str(error), "write it as lspci does: --unit 3b:00.0", code=Exit.USAGE) from error
    unit = host.unit_at(address)
    if unit is None:
        raise Failure(f"there is no GPU at {address} on {host.source}", f"name one that is: {_offer(host)}")
    return unit


def _offer(host: Host) -> str:
    units = " or ".join(f"--unit {unit.address.short}" for unit in host.units[:8])
    return units or "gpucloud scan shows what is there; no GPU was found"
