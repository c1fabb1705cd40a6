"""nova's fake driver on a host that has what a file says: cards, NUMA nodes; its guests run their user data.

The file, JSON, is named by ``GPUCLOUD_LAB_HOST`` and read anew each time: ``devices`` as libvirt's driver
tells nova of them (``_get_pci_passthrough_devices`` of nova/virt/libvirt/host.py), with what is left out
filled in; ``numa_nodes``, none for a host that tells of none; ``refuses``, what libvirt says instead of
starting a guest.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import nova.conf  # type: ignore[import-not-found]
from nova.virt import fake  # type: ignore[import-not-found]
from nova.virt.lab_guest import LabGuest  # type: ignore[import-not-found]

from nova import exception, objects

CONF = nova.conf.CONF


class LabDriver(fake.FakeDriverWithoutFakeNodes):  # type: ignore[misc] # nova is not typed
    """A host of the laboratory."""

    def __init__(self, virtapi: Any, read_only: bool = False) -> None:
        super().__init__(virtapi, read_only)
        self._guests: dict[str, LabGuest] = {}

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        found: dict[str, Any] = super().get_available_resource(nodename)
        facts = _facts()
        found["pci_passthrough_devices"] = json.dumps([_device(each) for each in facts.get("devices", ())])
        if nodes := facts.get("numa_nodes", 0):
            found["numa_topology"] = _topology(nodes, self.vcpus, self.memory_mb)
        return found

    def spawn(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        if refusal := _facts().get("refuses"):
            raise exception.InternalError(refusal)
        super().spawn(context, instance, *args, **kwargs)
        kinds = {each["address"]: each.get("class") for each in _facts().get("devices", ())}
        given = [
            {"vendor_id": each.vendor_id, "product_id": each.product_id}
            | ({"class": kinds[each.address]} if kinds.get(each.address) else {})
            for each in instance.get_pci_devices()
        ]
        guest = LabGuest(Path(CONF.state_path) / "guests" / instance.uuid)
        self._guests[instance.uuid] = guest
        guest.start(base64.b64decode(instance.user_data or "").decode(), given)

    def destroy(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        if (guest := self._guests.pop(instance.uuid, None)) is not None:
            guest.end()
        super().destroy(context, instance, *args, **kwargs)

    def get_console_output(self, context: Any, instance: Any) -> str:
        del context
        guest = self._guests.get(instance.uuid)
        return "" if guest is None else guest.console()


def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(Path(os.environ["GPUCLOUD_LAB_HOST"]).read_text())
    return facts


def _device(said: dict[str, Any]) -> dict[str, Any]:
    plain = {"dev_type": "type-PCI", "status": "available", "parent_addr": None, "numa_node": None}
    device = {**plain, **said}
    device.pop("class", None)
    device["label"] = f"label_{device['vendor_id']}_{device['product_id']}"
    return {**device, "dev_id": f"pci_{device['address'].replace(':', '_').replace('.', '_')}"}


def _topology(nodes: int, cpus: int, memory_mib: int) -> str:
    """A topology of equal cells, as nova keeps it."""
    each, memory = cpus // nodes, memory_mib // nodes
    cells = []
    for number in range(nodes):
        own = set(range(number * each, (number + 1) * each))
        pages = objects.NUMAPagesTopology(size_kb=4, total=memory * 256, used=0)
        cells.append(
            objects.NUMACell(
                id=number,
                socket=number,
                cpuset=own,
                pcpuset=set(),
                memory=memory,
                cpu_usage=0,
                memory_usage=0,
                mempages=[pages],
                pinned_cpus=set(),
                siblings=[{cpu} for cpu in own],
            )
        )
    topology: str = objects.NUMATopology(cells=cells)._to_json()  # noqa: SLF001 - as libvirt's driver does
    return topology
