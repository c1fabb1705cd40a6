"""What a user wants of hosts and their GPUs: the content of ``gpucloud.yaml`` as values.

``None`` means that the user left it open. Who matches a unit to a pool: ``spec.pool_of``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gpucloud.model.pci import ParentName, PciId
from gpucloud.model.spec.catalogue import Catalogue


class Use(Enum):
    """What the units of a pool are for."""

    PASSTHROUGH = "passthrough"
    """Each unit goes whole into one guest, through vfio-pci."""
    SRIOV = "sriov"
    """The card makes virtual functions, and guests get those (AMD, Intel)."""
    VGPU = "vgpu"
    """The card is cut into the vendor's vGPU types (mdev, or VFs with the vendor's VFIO)."""
    HOST = "host"
    """The unit stays with the host and its containers: nothing of it is changed."""


class Placement(Enum):
    """How far PCI devices are tracked in OpenStack's Placement; each step of the roll-out is one up."""

    OFF = "off"
    REPORT = "report"
    """Computes report their devices (``[pci] report_in_placement``, nova 26 and later)."""
    SCHEDULE = "schedule"
    """The scheduler asks Placement, too (``[filter_scheduler] pci_in_placement``, nova 27 and later)."""


@dataclass(frozen=True, slots=True)
class OpenStack:
    """The cloud that the hosts belong to."""

    release: str
    """As written: ``2025.1``, ``epoxy`` or ``31.0.0``; nova's table of releases reads it."""
    layout: str | None = None
    """How it is deployed: ``packages``, ``kolla-ansible``, ... as nova's layouts are called."""
    placement: Placement | None = None


@dataclass(frozen=True, slots=True)
class HostGroup:
    """Hosts under one name."""

    name: str
    hosts: tuple[str, ...]
    """Names or patterns as in a shell (``gpu0[1-8]``), never empty."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a pool takes: units for which all given conditions hold, each by any of its values; or parents."""

    models: tuple[str, ...] = ()
    """Patterns of the name as pci.ids has it, or of the part in its brackets; case does not matter."""
    ids: tuple[PciId, ...] = ()
    """Vendor and device of the unit's first function."""
    addresses: tuple[str, ...] = ()
    """Patterns of a function's whole address (``0000:3b:00.*``): any function of the unit, or its PF."""
    groups: tuple[int, ...] = ()
    """IOMMU groups."""
    parents: tuple[ParentName, ...] = ()
    """Parents of mediated devices that are no PCI functions: no unit is meant then."""


COMPANIONS = {"audio": 0x0403, "usb": 0x0C03, "serial": 0x0C80}
"""Functions beside a card's first, by class and subclass (PCI Code and ID Assignment, 1.11)."""


def companion_alias(alias: str, kind: str) -> str:
    """What flavors ask for to get the function of that kind beside what the alias gives."""
    return f"{alias}-{kind}"


@dataclass(frozen=True, slots=True)
class NovaSettings:
    """How OpenStack offers what the pool holds; the words are nova's (``device_spec``, ``alias``)."""

    alias: str | None = None
    device_type: str | None = None
    """``type-PCI``, ``type-PF`` or ``type-VF``; None: from what the host shows."""
    resource_class: str | None = None
    traits: tuple[str, ...] = ()
    numa_policy: str | None = None
    """``required``, ``legacy``, ``preferred`` or ``socket``."""
    managed: bool | None = None
    live_migratable: bool | None = None
    one_time_use: bool | None = None
    companions: tuple[str, ...] = ()
    """Kinds of a card's other functions (``COMPANIONS``) that guests get by aliases of their own."""


@dataclass(frozen=True, slots=True)
class VgpuChoice:
    """A vGPU type that cards of the pool are cut into."""

    type: str
    """Its id (``nvidia-558``, ``1145``) or its name (``NVIDIA A40-8Q``)."""
    resource_class: str | None = None
    max_instances: int | None = None
    """At most so many on one card."""
    addresses: tuple[str, ...] = ()
    """Patterns of functions (cards or VFs) that get this type; empty: every one that no other type names."""


@dataclass(frozen=True, slots=True)
class MigChoice:
    """MIG instances that each card of the pool is cut into."""

    profile: str
    """As NVIDIA's driver calls it: ``3g.20gb``, ``1g.10gb+me``."""
    count: int = 1
    """On each card."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Units that are used and offered alike."""

    name: str
    use: Use
    matches: tuple[Match, ...]
    """A unit is in the pool where one of them holds; never empty."""
    hosts: tuple[str, ...] = ()
    """Names of groups or hosts, or patterns of hosts; empty: every host."""
    nova: NovaSettings = NovaSettings()
    vgpu_types: tuple[VgpuChoice, ...] = ()
    vfs: int | None = None
    """Virtual functions of each card; None: as many as its types need, or as it can have."""
    mig: tuple[MigChoice, ...] = ()


_UNWRITTEN = Catalogue(is_written=False)


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole ``gpucloud.yaml``."""

    openstack: OpenStack | None = None
    host_groups: tuple[HostGroup, ...] = ()
    pools: tuple[Pool, ...] = ()
    publish: Catalogue = _UNWRITTEN

    def pool(self, name: str) -> Pool | None:
        """The pool of that name."""
        return next((pool for pool in self.pools if pool.name == name), None)
