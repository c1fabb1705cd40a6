"""Keys of flavors that nova read before its API had validators, 13 to 20, with the values it takes.

Source: nova/virt/hardware.py, nova/virt/libvirt/ (driver.py, utils.py), nova/scheduler/utils.py of 13.1.4 to
20.6.1. A value that is refused fails each request with the flavor, or the build on the host.
"""

from __future__ import annotations

from functools import cache

from gpucloud.nova.properties.kind import api_complaint
from gpucloud.nova.releases.fact import Since
from gpucloud.nova.releases.properties import Properties, Property

_TABLE = r"""
aggregate_instance_extra_specs:(.+) 13.0.0 text
capabilities:(.+) 13.0.0 text
group_policy 18.0.0 one:isolate|none
hw:boot_menu 13.0.0 text
hw:cpu_cores 13.0.0 int
hw:cpu_max_cores 13.0.0 int
hw:cpu_max_sockets 13.0.0 int
hw:cpu_max_threads 13.0.0 int
hw:cpu_policy 13.0.0 one:dedicated|shared
hw:cpu_realtime 13.0.0 text
hw:cpu_realtime_mask 13.0.0 text
hw:cpu_sockets 13.0.0 int
hw:cpu_thread_policy 13.0.0 one:prefer|isolate|require
hw:cpu_threads 13.0.0 int
hw:emulator_threads_policy 16.0.0 one:isolate|share
hw:mem_encryption 20.0.0 text
hw:mem_page_size 13.0.0 like:(large|small|any|\d+|[-+]?\d*\.?\d+([KMGTPEZY]i?)?(b|bit|B))
hw:numa_cpus.(\d+) 13.0.0 text
hw:numa_mem.(\d+) 13.0.0 int
hw:numa_nodes 13.0.0 int:1:
hw:pmem 20.0.0 text
hw:pmu 20.0.0 text
hw:serial_port_count 13.0.0 int
hw:watchdog_action 13.0.0 one:none|pause|poweroff|reset|disabled
hw_rng:allowed 13.0.0 text
hw_rng:rate_bytes 13.0.0 int
hw_rng:rate_period 13.0.0 int
hw_video:ram_max_mb 13.0.0 int
pci_passthrough:alias 13.0.0 text
quota:cpu_period 13.0.0 int
quota:cpu_quota 13.0.0 int
quota:cpu_shares 13.0.0 int
quota:disk_read_bytes_sec 13.0.0 text
quota:disk_read_iops_sec 13.0.0 text
quota:disk_total_bytes_sec 13.0.0 text
quota:disk_total_iops_sec 13.0.0 text
quota:disk_write_bytes_sec 13.0.0 text
quota:disk_write_iops_sec 13.0.0 text
quota:vif_inbound_average 13.0.0 int
quota:vif_inbound_burst 13.0.0 int
quota:vif_inbound_peak 13.0.0 int
quota:vif_outbound_average 13.0.0 int
quota:vif_outbound_burst 13.0.0 int
quota:vif_outbound_peak 13.0.0 int
"""


@cache
def early_keys() -> Properties:
    """The keys by name, each from its release on."""
    rows = (line.split(" ") for line in _TABLE.strip().splitlines())
    return Properties(tuple(Property(name, Since.parse(since), None, kind) for name, since, kind in rows))


def early_refusal(known: Property, value: str) -> str | None:
    """What nova makes of a value that it does not take; None where it takes it: nothing is as if not set."""
    return api_complaint(known, value) if value else None
