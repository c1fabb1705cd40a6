"""Whether a flavor's requests can be met on a host where nothing is in use, and with which devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpucloud.nova.alias import PciRequest
from gpucloud.nova.machine import Device
from gpucloud.nova.match.pools import Pool
from gpucloud.nova.match.serve import Choice, Circumstances, Stock, choose
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release


@dataclass(frozen=True, slots=True)
class Fit:
    """What becomes of a flavor on this host.

    Args:
        passes_scheduler: PciPassthroughFilter lets the host through.
        devices: what nova-compute hands out; None where it refuses, whatever the scheduler said.
    """

    passes_scheduler: bool
    devices: tuple[Device, ...] | None


def fit(requests: Sequence[PciRequest], pools: Sequence[Pool], given: Circumstances) -> Fit:
    """Ask the scheduler, then the host."""
    return Fit(passes_scheduler(requests, pools, given), claim(requests, pools, given))


def passes_scheduler(requests: Sequence[PciRequest], pools: Sequence[Pool], given: Circumstances) -> bool:
    """Whether PciPassthroughFilter lets the host through (``PciDeviceStats.support_requests``)."""
    stocks = [Stock(pool, len(pool.devices)) for pool in pools]
    together = pci.REQUESTS_COUNT_TOGETHER.at(given.release)
    for request in requests:
        choice = choose(request, stocks, given)
        if not _is_met(request, choice, given.release):
            return False
        if together:
            _take(request.count, choice, stocks)
    return True


def claim(
    requests: Sequence[PciRequest], pools: Sequence[Pool], given: Circumstances
) -> tuple[Device, ...] | None:
    """The devices that nova-compute hands out (``PciDeviceStats.consume_requests``); None where it refuses.

    Who has a physical function has its VFs, and who has a VF keeps its physical function from others.
    """
    stocks = [Stock(pool, len(pool.devices)) for pool in pools]
    left = {id(stock): list(stock.pool.devices) for stock in stocks}
    taken: list[Device] = []
    for request in requests:
        choice = choose(request, stocks, given)
        if not _is_met(request, choice, given.release):
            return None
        wanted = request.count
        for stock in choice.serving:
            for _ in range(min(wanted, stock.count)):
                device = left[id(stock)].pop()
                stock.count -= 1
                wanted -= 1
                taken.append(device)
                if not _withdraw_relatives(device, stocks, left):
                    return None
    return tuple(taken)


def _withdraw_relatives(device: Device, stocks: list[Stock], left: dict[int, list[Device]]) -> bool:
    """Take the device's PF or VFs out of their pools; false where nova does not find the pool of one."""
    for stock in list(stocks):
        mine = left[id(stock)]
        for other in [each for each in mine if _are_related(device, each)]:
            if not stock.pool.is_found_again:
                return False
            mine.remove(other)
            stock.count -= 1
            if not stock.count:
                stocks.remove(stock)
    return True


def _are_related(one: Device, other: Device) -> bool:
    return one.address == other.parent or one.parent == other.address


def _is_met(request: PciRequest, choice: Choice, release: Release) -> bool:
    if choice.count < request.count:
        return False
    return bool(choice.serving) or not pci.NOTHING_IS_REFUSED.at(release)


def _take(count: int, choice: Choice, stocks: list[Stock]) -> None:
    """Take devices from the pools in their order; an empty pool is gone."""
    for stock in choice.serving:
        if stock.count > count:
            stock.count -= count
            return
        count -= stock.count
        stocks.remove(stock)
        if not count:
            return
