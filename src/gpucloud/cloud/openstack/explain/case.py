"""What the rules look at: what was seen and given, with what follows from both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from gpucloud.cloud.openstack.explain.given import Given, GivenHost
from gpucloud.cloud.openstack.explain.seen import Hypervisor, Seen, Service
from gpucloud.doctor.case import Case as DoctorCase
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_mapping
from gpucloud.model.unknown import Unknown

_MOST_CELLS = 17
"""Hosts have fewer NUMA nodes."""


@dataclass(frozen=True)
class Case:
    """One question.

    Args:
        seen: what the cloud tells.
        given: what its user adds.
    """

    seen: Seen
    given: Given

    @cached_property
    def words(self) -> Mapping[str, str]:
        """What nova said of the failure, and what was pasted, by where it stands."""
        server = self.seen.server
        return {**({} if server is None else server.said), **self.given.words}

    @cached_property
    def report(self) -> DoctorCase:
        """The words as the doctor reads pasted evidence."""
        return gather(from_mapping(self.seen.name, {"evidence": dict(self.words)}))

    @property
    def numa_policy(self) -> str | None:
        """Of the flavor, or of the image."""
        policy = self.seen.flavor.extra_specs.get("hw:pci_numa_affinity_policy")
        return policy or self._image("hw_pci_numa_affinity_policy")

    @property
    def numa_cells(self) -> int | None:
        """How many cells the guest has; None for one without a NUMA topology (nova/virt/hardware.py)."""
        specs = self.seen.flavor.extra_specs
        said = specs.get("hw:numa_nodes") or self._image("hw_numa_nodes")
        if said is not None:
            return int(said) if said in map(str, range(1, _MOST_CELLS)) else None
        pinned = (specs.get("hw:cpu_policy") or self._image("hw_cpu_policy")) in ("dedicated", "mixed")
        has_pages = bool(specs.get("hw:mem_page_size") or self._image("hw_mem_page_size"))
        return 1 if pinned or has_pages else None

    def service_of(self, host: GivenHost) -> Service | None:
        """The nova-compute of a host that was given; None where none has its name, or none can be seen."""
        services = () if isinstance(self.seen.services, Unknown) else self.seen.services
        names = {host.name, *(each.host for each in self._hypervisors() if each.name == host.name)}
        return next((each for each in services if each.host in names or _short(each.host) in names), None)

    def name_of(self, provider: str) -> str:
        """A host by the id of its provider."""
        return next((each.host for each in self._hypervisors() if each.id == provider), provider)

    def _hypervisors(self) -> tuple[Hypervisor, ...]:
        found = self.seen.hypervisors
        return () if isinstance(found, Unknown) else found

    def _image(self, name: str) -> str | None:
        return None if isinstance(self.seen.image, Unknown) else self.seen.image.get(name)


def _short(host: str) -> str:
    return host.partition(".")[0]
