"""Options of Placement's own file for hosts with many equal devices.

Placement makes every combination of devices before it answers; with eight or more equal ones in a host and
a flavor that asks for several it does not answer in time (bugs 2070257, 2126751).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from gpucloud.nova.render.taken import HostTaken
from gpucloud.nova.render.wanted import Wanted

MANY = 8
"""Equal devices in one host from which on the options are wanted (placement's release notes)."""
_LIMIT = "1000"
"""As many candidates as nova asks for at most ([scheduler]max_placement_results)."""
_STRATEGY = 31
"""Series of nova beside which placement has the options (13.0.0)."""
_WIDE = 33
"""Series beside which placement has the workaround in its first version (15.0.0)."""


def candidates_for(taken: Sequence[HostTaken], wanted: Wanted) -> Mapping[tuple[str, str], str]:
    """Options of placement.conf, by section and name; none where hosts are small or Placement has none."""
    if not _is_wide(taken, wanted) or wanted.release.number < _STRATEGY:
        return {}
    options = {
        ("placement", "max_allocation_candidates"): _LIMIT,
        ("placement", "allocation_candidates_generation_strategy"): "breadth-first",
    }
    if wanted.release.number >= _WIDE:
        options["workarounds", "optimize_for_wide_provider_trees"] = "true"
    return options


def _is_wide(taken: Sequence[HostTaken], wanted: Wanted) -> bool:
    return any(_most(host, wanted) >= MANY for host in taken)


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
