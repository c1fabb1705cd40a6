"""Filters of the scheduler: the default list of each release, and those that are gone.

``PciPassthroughFilter`` and ``NUMATopologyFilter`` are in no release's default list.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpucloud.nova.releases.fact import fact
from gpucloud.nova.releases.options import OptionName

_COMMON = ("ComputeFilter", "ComputeCapabilitiesFilter", "ImagePropertiesFilter")
_GROUPS = ("ServerGroupAntiAffinityFilter", "ServerGroupAffinityFilter")
_GONE_17: tuple[str, ...] = ("TrustedFilter", "TypeAffinityFilter")
_GONE_18 = (*_GONE_17, "ExactRamFilter", "ExactDiskFilter", "ExactCoreFilter")
_GONE_20 = (*_GONE_18, "CoreFilter", "DiskFilter", "RamFilter")
_GONE_22 = (*_GONE_20, "AggregateCoreFilter", "AggregateDiskFilter", "AggregateRamFilter", "RetryFilter")

_ALWAYS = (
    "AggregateImagePropertiesIsolation",
    "AggregateInstanceExtraSpecsFilter",
    "AggregateIoOpsFilter",
    "AggregateMultiTenancyIsolation",
    "AggregateNumInstancesFilter",
    "AggregateTypeAffinityFilter",
    "AllHostsFilter",
    *_COMMON,
    *_GROUPS,
    "DifferentHostFilter",
    "IoOpsFilter",
    "IsolatedHostsFilter",
    "JsonFilter",
    "MetricsFilter",
    "NUMATopologyFilter",
    "NumInstancesFilter",
    "PciPassthroughFilter",
    "SameHostFilter",
    "SimpleCIDRAffinityFilter",
)
_ONCE = (*_GONE_22, "AvailabilityZoneFilter")


def _without(gone: tuple[str, ...]) -> tuple[str, ...]:
    return (*_ALWAYS, *(name for name in _ONCE if name not in gone))


KNOWN_FILTERS = fact(
    "filters that come with it",
    _without(()),
    ("17.0.0", _without(_GONE_17)),
    ("18.0.0", _without(_GONE_18)),
    ("20.0.0", _without(_GONE_20)),
    ("22.0.0", _without(_GONE_22)),
    ("28.0.0", _ALWAYS),
    source="nova/scheduler/filters/",
)
DEFAULT_FILTERS = fact(
    "filters that are on where nova.conf names none",
    ("RetryFilter", "AvailabilityZoneFilter", "RamFilter", "DiskFilter", *_COMMON, *_GROUPS),
    ("16.0.0", ("RetryFilter", "AvailabilityZoneFilter", *_COMMON, *_GROUPS)),
    ("20.0.0", ("AvailabilityZoneFilter", *_COMMON, *_GROUPS)),
    ("24.0.0", (*_COMMON, *_GROUPS)),
    source="nova/conf/scheduler.py",
)
MANY_PROVIDERS = 8
"""Equal devices in one host from which on Placement is to be told how to search (placement release notes)."""


@dataclass(frozen=True, slots=True)
class Advised:
    """An option with the value that is advised. Prints as ``[placement]max_allocation_candidates = 1000``."""

    option: OptionName
    value: str

    def __str__(self) -> str:
        return f"{self.option} = {self.value}"


_SEARCH = (
    Advised(OptionName("placement", "max_allocation_candidates"), "1000"),
    Advised(OptionName("placement", "allocation_candidates_generation_strategy"), "breadth-first"),
)
_WIDE_TREES = Advised(OptionName("workarounds", "optimize_for_wide_provider_trees"), "true")
PLACEMENT_SEARCH = fact(
    "options of placement.conf, in placement of the same cycle, for hosts with 8 and more equal devices",
    (),
    ("31.0.0", _SEARCH),
    ("33.0.0", (*_SEARCH, _WIDE_TREES)),
    source="placement/conf/placement.py, workarounds.py (placement 13.0.0, 15.0.0)",
)
GONE_FILTERS = fact(
    "filters that are gone: naming one stops the scheduler with SchedulerHostFilterNotFound",
    (),
    ("17.0.0", _GONE_17),
    ("18.0.0", _GONE_18),
    ("20.0.0", _GONE_20),
    ("22.0.0", _GONE_22),
    ("28.0.0", (*_GONE_22, "AvailabilityZoneFilter")),
    source="nova/scheduler/filters/",
)
