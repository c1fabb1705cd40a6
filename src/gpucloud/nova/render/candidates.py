"""Options of Placement's own file for hosts with many equal devices.

Placement makes every combination of devices before it answers; with eight or more equal ones in a host and
a flavor that asks for several it does not answer in time (bugs 2070257, 2126751).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gpucloud.nova.releases.scheduler import MANY_PROVIDERS, PLACEMENT_SEARCH
from gpucloud.nova.render.taken import HostTaken
from gpucloud.nova.render.wanted import Wanted


def candidates_for(taken: Sequence[HostTaken], wanted: Wanted) -> Mapping[tuple[str, str], str]:
    """Options of placement.conf, by section and name; none where hosts are small or Placement has none.

    ``max_allocation_candidates`` is as many as nova asks for at most ([scheduler]max_placement_results).
    """
    if not _is_wide(taken, wanted):
        return {}
    return {
        (each.option.section, each.option.name): each.value for each in PLACEMENT_SEARCH.at(wanted.release)
    }


def losses_of(taken: Sequence[HostTaken], wanted: Wanted) -> Iterator[str]:
    """What hosts want of Placement, and it does not have in the cycle of this release."""
    if _is_wide(taken, wanted) and not PLACEMENT_SEARCH.at(wanted.release):
        yield (
            f"{MANY_PROVIDERS} and more equal devices in a host: Placement of nova {wanted.release.number} "
            "tries all combinations, and does not answer in time where a guest asks for several: take "
            "placement 13.0.0 (2025.1)"
        )


def _is_wide(taken: Sequence[HostTaken], wanted: Wanted) -> bool:
    return any(_most(host, wanted) >= MANY_PROVIDERS for host in taken)


def _most(host: HostTaken, wanted: Wanted) -> int:
    """The most providers of one class that the host has below its own."""
    counts: Counter[object] = Counter()
    if wanted.schedules:
        owners = {
            (
                each.resource_class or (each.device.vendor_id, each.device.product_id),
                each.device.parent or each.device.address,
            )
            for each in host.given
        }
        counts.update(kind for kind, _ in owners)
    counts.update(each.resource_class for each in host.parents)
    return max(counts.values(), default=0)
