"""What nova and Placement answer of a whole cloud, into values: strictly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from gpucloud.cloud.openstack.explain.request import RESOURCE
from gpucloud.cloud.openstack.publish.answers import entries, entry
from gpucloud.cloud.status.openstack.read import Provider, Server
from gpucloud.cloud.status.stock import Service

PLAIN = frozenset({"VCPU", "PCPU", "MEMORY_MB", "DISK_GB", "MEM_ENCRYPTION_CONTEXT"})
"""Classes of every guest; all others that a flavor asks for are devices."""


def service_of(item: Any) -> Service:
    """One of ``GET /os-services``."""
    what = "services"
    reason = item.get("disabled_reason")
    return Service(
        entry(item, "binary", str, what),
        entry(item, "host", str, what),
        entry(item, "state", str, what) == "up",
        entry(item, "status", str, what) == "enabled",
        reason if isinstance(reason, str) else "",
    )


def server_of(item: Any) -> Server | None:
    """One of ``GET /servers/detail`` (2.47: with its flavor inside); None for one without devices."""
    has = devices_said(entry(entry(item, "flavor", dict, "servers"), "extra_specs", dict, "servers"))
    if not has:
        return None
    host = item.get("OS-EXT-SRV-ATTR:host")
    return Server(entry(item, "name", str, "servers"), host if isinstance(host, str) else None, has)


def devices_said(extra_specs: Mapping[str, Any]) -> str:
    """What a flavor says of devices, in its own words; empty where it says nothing."""
    said = Counter(_devices(extra_specs))
    return ", ".join(f"{count} x {words}" if count > 1 else words for words, count in said.items())


def _devices(extra_specs: Mapping[str, Any]) -> Iterator[str]:
    for key, value in extra_specs.items():
        if key == "pci_passthrough:alias":
            yield str(value)
        elif (found := RESOURCE.fullmatch(key)) and found[2] not in PLAIN:
            yield f"{found[2]}:{value}"


def providers_of(answer: Any) -> Iterator[Provider]:
    """``GET /allocation_candidates`` (1.29): all providers of each host that has a candidate."""
    what = "allocation candidates"
    for key, summary in entry(answer, "provider_summaries", dict, what).items():
        resources = entry(summary, "resources", dict, what)
        yield Provider(
            str(key),
            entry(summary, "root_provider_uuid", str, what),
            {str(name): entry(each, "capacity", int, what) for name, each in resources.items()},
            {str(name): entry(each, "used", int, what) for name, each in resources.items()},
            frozenset(map(str, entries(summary, "traits", what))),
        )


def names_of(answer: Any) -> tuple[dict[str, str], tuple[str, ...]]:
    """``GET /resource_providers`` (1.14: with their roots): names by id, and the ids of roots."""
    names, roots, what = {}, [], "resource providers"
    for item in entries(answer, "resource_providers", what):
        key = entry(item, "uuid", str, what)
        names[key] = entry(item, "name", str, what)
        if entry(item, "root_provider_uuid", str, what) == key:
            roots.append(key)
    return names, tuple(roots)
