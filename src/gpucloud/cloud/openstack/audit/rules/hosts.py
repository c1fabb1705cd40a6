"""Devices of hosts that nova should have rows of."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.cloud.openstack.audit.case import Case
from gpucloud.cloud.openstack.audit.disagreement import Disagreement, Restart
from gpucloud.cloud.openstack.audit.kinds import Kinds
from gpucloud.model.finding import Evidence
from gpucloud.model.unknown import Unknown


def judge_hosts(case: Case) -> Iterator[Disagreement]:
    """Devices that device_spec takes and that have no row: nova-compute makes them when it starts."""
    for node in case.live_nodes.values():
        host = case.given(node)
        if host is None or isinstance(host.wanted, Unknown):
            continue
        for address in sorted(host.wanted - case.by_node.get(node.id, {}).keys()):
            device = host.machine.devices[address]
            title = f"{address} on {node.host} is in device_spec, and nova has no row of it"
            there = Evidence(host.source, f"{address} {device.vendor_id}:{device.product_id} {device.type}")
            shown = (there, Evidence(f"pci_devices of {node.host}", f"no row of {address}"))
            kind = Kinds.UNKNOWN_DEVICE.value
            yield Disagreement(kind, node.host, title, shown, Restart(), address)
