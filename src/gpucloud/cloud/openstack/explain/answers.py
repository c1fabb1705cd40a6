"""What nova and Placement answer of a server and of hosts, into values: strictly, and bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpucloud.cloud.openstack.explain.seen import (
    TOLD_OF_HOSTS,
    Holder,
    Hypervisor,
    Inventory,
    Server,
    Service,
)
from gpucloud.cloud.openstack.publish.answers import amount_of, amounts, entries, entry, texts
from gpucloud.cloud.openstack.publish.offer import Flavor

_MOST_SAID = 20_000
"""Characters of a fault or traceback: nova keeps 65,535 of one."""


def server_of(item: Any) -> Server:
    """One of ``GET /servers/detail`` or ``GET /servers/{id}``: with its flavor inside (2.47)."""
    what = "servers"
    flavor, image, fault = entry(item, "flavor", dict, what), item.get("image"), item.get("fault")
    return Server(
        entry(item, "id", str, what),
        entry(item, "name", str, what),
        entry(item, "status", str, what).upper(),
        _text(item.get("OS-EXT-SRV-ATTR:host")) or None,
        _text(item.get("tenant_id")),
        _text(image.get("id")) or None if isinstance(image, Mapping) else None,
        Flavor(
            entry(flavor, "vcpus", int, what),
            entry(flavor, "ram", int, what),
            entry(flavor, "disk", int, what),
            extra_specs=texts(flavor.get("extra_specs") or {}, what),
            ephemeral_gib=amount_of(flavor, "ephemeral"),
            swap_mib=amount_of(flavor, "swap"),
        ),
        entry(flavor, "original_name", str, what),
        {"fault": _fault(fault)} if isinstance(fault, Mapping) else {},
        zone=_text(item.get("OS-EXT-AZ:availability_zone")) or None,
    )


def _fault(fault: Mapping[str, Any]) -> str:
    """The message, and the traceback that administrators are given."""
    said = [_text(fault.get(name)) for name in ("message", "details")]
    return "\n".join(filter(None, said))[:_MOST_SAID]


def events_of(action: Any) -> str:
    """What failed of an action (``GET /servers/{id}/os-instance-actions/{request}``)."""
    said = [_text(action.get("message"))]
    for event in entries(action, "events", "actions"):
        if isinstance(event, Mapping) and event.get("result") == "Error":
            said += [_text(event.get("details")), _text(event.get("traceback"))]
    return "\n".join(filter(None, said))[:_MOST_SAID]


def service_of(item: Any) -> Service:
    """One of ``GET /os-services?binary=nova-compute``."""
    what = "services"
    return Service(
        entry(item, "host", str, what),
        entry(item, "status", str, what) == "enabled",
        entry(item, "state", str, what) == "up",
        _text(item.get("disabled_reason")),
        _text(item.get("zone")),
    )


def hypervisor_of(item: Any) -> Hypervisor:
    """One of ``GET /os-hypervisors/detail`` (2.53)."""
    what = "hypervisors"
    host = entry(entry(item, "service", dict, what), "host", str, what)
    name = _text(item.get("hypervisor_hostname")) or host
    told = {key: item[key] for key in TOLD_OF_HOSTS if item.get(key) not in (None, {}, "")}
    return Hypervisor(entry(item, "id", str, what), name, host, told)


def limits_of(answer: Any) -> dict[str, int]:
    """``GET /limits``."""
    return amounts(entry(entry(answer, "limits", dict, "limits"), "absolute", dict, "limits"))


def holder_of(item: Any) -> Holder | None:
    """One of ``GET /servers/detail`` that has devices of aliases, and a host."""
    server = server_of(item)
    aliases = server.flavor.extra_specs.get("pci_passthrough:alias")
    if aliases is None or server.host is None:
        return None
    return Holder(server.name, server.host, aliases)


def roots_of(answer: Any) -> frozenset[str]:
    """The hosts of ``GET /allocation_candidates`` (1.29: providers are named with their roots)."""
    what = "allocation candidates"
    known = entry(answer, "provider_summaries", dict, what)
    used: set[str] = set()
    for request in entries(answer, "allocation_requests", what):
        used |= entry(request, "allocations", dict, what).keys()
    return frozenset(entry(known.get(each), "root_provider_uuid", str, what) for each in used)


def inventory_of(name: str, of_class: Any, used: int) -> Inventory:
    """One class of ``GET /resource_providers/{id}/inventories``."""
    what = "inventories"
    total, reserved = entry(of_class, "total", int, what), entry(of_class, "reserved", int, what)
    return Inventory(name, total, reserved, used)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
