"""Whether a flavor's requests can be met on a host where nothing is in use."""

from __future__ import annotations

from collections.abc import Sequence

from gpucloud.nova.alias import PciRequest
from gpucloud.nova.match.pools import Pool
from gpucloud.nova.match.serve import Choice, Stock, Topology, choose
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release


def passes_scheduler(
    requests: Sequence[PciRequest], pools: Sequence[Pool], release: Release, topology: Topology
) -> bool:
    """Whether PciPassthroughFilter lets the host through (Placement aside)."""
    stocks = [Stock(pool, len(pool.devices)) for pool in pools]
    together = pci.REQUESTS_COUNT_TOGETHER.at(release)
    for request in requests:
        choice = choose(request, stocks, release, topology)
        if not _is_met(request, choice, release):
            return False
        if together:
            _take(request.count, choice, stocks)
    return True


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
