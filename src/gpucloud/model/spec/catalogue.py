"""What an OpenStack cloud is to offer: the section ``publish`` of ``gpucloud.yaml`` as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """A key with its text: of a flavor (extra spec), an image (property), or an aggregate (metadata)."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Amount:
    """So many GPUs of a pool; ``name`` is ``POOL``, or ``POOL/TYPE`` where it is cut into several types."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class FlavorWish:
    """A size of guests."""

    name: str
    vcpus: int
    ram_mib: int
    disk_gib: int
    """0: as large as the image; nova lets admins alone boot from an image so."""
    gpus: tuple[Amount, ...] = ()
    traits: tuple[str, ...] = ()
    """Placement must know them of the host."""
    projects: tuple[str, ...] = ()
    """Names or ids; empty: every project may use it."""
    is_hypervisor_hidden: bool = False
    extra_specs: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class QuotaWish:
    """Most that a project may use; None leaves it as the cloud has it, -1 is no limit."""

    servers: int | None = None
    vcpus: int | None = None
    ram_mib: int | None = None
    gpus: tuple[Amount, ...] = ()
    resources: tuple[Amount, ...] = ()
    """Other resource classes by name."""


@dataclass(frozen=True, slots=True)
class ProjectQuota:
    """What one project may use; ``name`` is its name or id."""

    name: str
    quota: QuotaWish


@dataclass(frozen=True, slots=True)
class Quotas:
    """What projects may use.

    Args:
        is_unified: keystone keeps the limits (``[quota]driver = nova.quota.UnifiedLimitsDriver``), not nova.
        default: for every project without its own.
        projects: with their own.
    """

    is_unified: bool = False
    default: QuotaWish = QuotaWish()
    projects: tuple[ProjectQuota, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageWish:
    """Properties of an image that is there; ``name`` is its name or id."""

    name: str
    is_for_gpus: bool = False
    is_hypervisor_hidden: bool = False
    properties: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class AggregateWish:
    """Hosts that nova's scheduler sees as one set."""

    name: str
    hosts: tuple[str, ...] = ()
    """Groups, hosts, or patterns of hosts; each as nova-compute is called."""
    metadata: tuple[Setting, ...] = ()
    traits: tuple[str, ...] = ()
    """Of each host's own provider in Placement."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The whole section; ``is_written`` where the file has it, though it may say nothing."""

    flavors: tuple[FlavorWish, ...] = ()
    quotas: Quotas = Quotas()
    images: tuple[ImageWish, ...] = ()
    aggregates: tuple[AggregateWish, ...] = ()
    is_written: bool = True
