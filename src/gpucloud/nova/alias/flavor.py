"""``pci_passthrough:alias`` of a flavor into requests for devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gpucloud.nova.alias.parse import Alias
from gpucloud.nova.refusal import NovaRaises, Refusal
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release


@dataclass(frozen=True, slots=True)
class PciRequest:
    """So many devices of one alias, under a NUMA policy."""

    alias: Alias
    count: int
    numa_policy: str | None


def parse_flavor(
    text: str, aliases: Mapping[str, Alias], release: Release, *, numa_policy: str | None = None
) -> tuple[PciRequest, ...] | Refusal:
    """Read the value of ``pci_passthrough:alias``, ``NAME:COUNT[,NAME:COUNT...]``, as this release does.

    This is what nova does where the API has let the value through; from microversion 2.86 on the API itself
    refuses other forms.

    Args:
        text: the value.
        aliases: those of the service that reads it (nova-api when a server is made).
        release: which nova.
        numa_policy: ``hw:pci_numa_affinity_policy`` of the flavor, which goes before that of the alias in
            releases that know it.
    """
    policies = pci.FLAVOR_NUMA_POLICIES.at(release)
    if not policies:
        numa_policy = None
    if not pci.ALIAS_NAME_STRIPPED.at(release):
        text = text.replace(" ", "")
    try:
        requests = []
        for part in text.split(","):
            requests.append(_parse_request(part, aliases, numa_policy))
            if numa_policy and numa_policy not in policies:
                raise NovaRaises("ValueError", f"Field value {numa_policy} is invalid")
        return tuple(requests)
    except NovaRaises as raised:
        return raised.over(None)


def _parse_request(part: str, aliases: Mapping[str, Alias], numa_policy: str | None) -> PciRequest:
    name, count = _split(part)
    alias = aliases.get(name.strip())
    if alias is None:
        raise NovaRaises("PciRequestAliasNotDefined", f"PCI alias {name.strip()} is not defined")
    try:
        return PciRequest(alias, int(count), numa_policy or alias.numa_policy)
    except ValueError as error:
        raise NovaRaises("ValueError", str(error)) from error


def _split(part: str) -> tuple[str, str]:
    parts = part.split(":")
    if len(parts) == 2:
        return parts[0], parts[1]
    many = f"not enough values to unpack (expected 2, got {len(parts)})"
    raise NovaRaises("ValueError", many if len(parts) < 2 else "too many values to unpack (expected 2)")
