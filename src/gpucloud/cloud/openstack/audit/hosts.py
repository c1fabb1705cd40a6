"""A host as the audit needs it: its devices, who has them open, and which of them nova-compute wants."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.cloud.openstack.audit.observed import GivenHost
from gpucloud.inventory.reader import HostReader
from gpucloud.model.host import Host
from gpucloud.model.pci import Holder
from gpucloud.model.unknown import Unknown
from gpucloud.nova.check.case import Case
from gpucloud.nova.config import Configuration
from gpucloud.nova.machine import Machine, machine_of
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases.release import Release
from gpucloud.nova.service import Service

NO_FILES = Unknown("nova.conf of nova-compute was not given (--compute-config)")
_NO_HOLDERS = Unknown("a list of devices does not say which guests have them")


def given_host(
    name: str, host: Host, wanted: frozenset[str] | Unknown = NO_FILES, own_name: str | None = None
) -> GivenHost:
    """A host that was read, or its capture."""
    return GivenHost(name, host.source, machine_of(host), _holders(host), wanted, own_name)


def own_name_of(reader: HostReader) -> str | None:
    """What a host calls itself, as libvirt tells nova; None where that cannot be read, as in a capture."""
    found = reader.read_text("/proc/sys/kernel/hostname")
    return (found.strip() or None) if isinstance(found, str) else None


def _holders(host: Host) -> Mapping[str, tuple[Holder, ...] | Unknown] | Unknown:
    if isinstance(host.functions, Unknown):
        return host.functions
    return {str(address): each.holders for address, each in host.functions.items()}


def listed_host(
    name: str, source: str, machine: Machine, wanted: frozenset[str] | Unknown = NO_FILES
) -> GivenHost:
    """A host of which only a list of devices is there."""
    return GivenHost(name, source, machine, _NO_HOLDERS, wanted)


def wanted_by(files: Configuration, machine: Machine, release: Release) -> frozenset[str] | Unknown:
    """Addresses of the machine that nova-compute with these files tracks."""
    found = Case(files, release, Service.COMPUTE, machine).match
    if found is None:
        return Unknown("nova-compute does not read these files")
    for said in (found.specs, found.tracked):
        if isinstance(said, Refusal):
            return Unknown(f"nova-compute does not start with these files: {said.message}")
    if isinstance(found.tracked, Refusal):
        return Unknown(found.tracked.message)
    return frozenset(each.device.address for each in found.tracked if each.entry is not None)
