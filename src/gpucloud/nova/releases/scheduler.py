"""Filters of the scheduler: the default list of each release, and those that are gone.

``PciPassthroughFilter`` and ``NUMATopologyFilter`` are in no release's default list.
"""

from __future__ import annotations

from gpucloud.nova.releases.fact import fact

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
