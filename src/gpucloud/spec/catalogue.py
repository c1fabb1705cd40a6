"""The schema of the section ``publish``: what an OpenStack cloud is to offer."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial

from gpucloud.model.spec.catalogue import (
    AggregateWish,
    Amount,
    Catalogue,
    FlavorWish,
    ImageWish,
    ProjectQuota,
    Quotas,
    QuotaWish,
    Setting,
)
from gpucloud.spec.error import SpecError
from gpucloud.spec.kinds import Flag, Key, Many, Named, Number, Record, Word, text_of
from gpucloud.spec.nodes import Node
from gpucloud.spec.words import HOST, RESOURCE_CLASS, TRAIT

_TITLE = Word("a name of at most 255 characters", re.compile(r"\S|\S.{0,253}\S"))
_PROJECT = Word("a project's name or id", re.compile(r"\S|\S.{0,62}\S"))
_GPU = Word(
    "a pool, or `POOL/TYPE` for one of its vGPU types",
    re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}(/.{1,200})?"),
)
_KEY = Word(
    "a key as nova takes it: letters, digits, and of `-_:. `; not `.` or `..`",
    re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9_:. -]{1,255}", re.ASCII),
)
_VALUE = Word("text of at most 255 characters", re.compile(r".{1,255}"))


@dataclass(frozen=True, slots=True)
class Limit:
    """A number, or -1 for none."""

    wants: str = "a whole number; `-1` is no limit"

    def read(self, node: Node, name: str) -> int:
        text = text_of(node, name, self.wants)
        if not re.fullmatch("-1|[0-9]{1,9}", text, re.ASCII):
            raise SpecError(node.line, f"{name} is {text!r}", f"it must be {self.wants}")
        return int(text)


_SETTINGS = Named(_VALUE, _KEY, Setting, "value")

FLAVOR = Record(
    "Flavor",
    (
        Key("vcpus", Number(range(1, 4097)), "Virtual CPUs.", is_required=True),
        Key("ram_mib", Number(range(1, 100_000_000)), "Memory in MiB, as nova counts it.", is_required=True),
        Key(
            "disk_gib",
            Number(range(1_000_000)),
            "Root disk in GiB. With 0 it is as large as the image, and nova lets admins alone boot from the "
            "image so; others only from a volume (policy `zero_disk_flavor`).",
            is_required=True,
        ),
        Key(
            "gpus",
            Named(Number(range(1, 257)), _GPU, Amount, "count"),
            "How many GPUs of which pool. The alias or class that the flavor asks for is made of the pool, "
            "as `gpucloud nova render` writes it.",
        ),
        Key(
            "traits",
            Many(TRAIT),
            "What Placement must say of the host: `trait:NAME=required`. Of the GPU it is said in nova.conf.",
        ),
        Key("projects", Many(_PROJECT), "Names or ids of those who may use it. Without: everybody."),
        Key(
            "hide_hypervisor",
            Flag(),
            "The guest does not see that it is one, which older drivers of consumer cards need.",
            "is_hypervisor_hidden",
        ),
        Key("extra_specs", _SETTINGS, "Further keys, as nova reads them; judged for the release first."),
    ),
    partial(FlavorWish, ""),
)

_GPU_LIMITS = Named(Limit(), _GPU, Amount, "count")

QUOTA = Record(
    "Quota",
    (
        Key("servers", Limit(), "Guests (nova: `instances`)."),
        Key("vcpus", Limit(), "Virtual CPUs (nova: `cores`)."),
        Key("ram_mib", Limit(), "Memory in MiB."),
        Key(
            "gpus",
            _GPU_LIMITS,
            "GPUs of which pool. With `unified: true` alone: nova's own quotas do not count devices. Those "
            "of aliases are counted from nova 34.0.0 on, with `placement: schedule`.",
        ),
        Key(
            "resources",
            Named(Limit(), RESOURCE_CLASS, Amount, "count"),
            "Other resource classes as Placement counts them: `DISK_GB`, `PCPU`. With `unified: true` alone.",
        ),
    ),
    QuotaWish,
)

QUOTAS = Record(
    "Quotas",
    (
        Key(
            "unified",
            Flag(),
            "Keystone keeps the limits: nova has `[quota] driver = nova.quota.UnifiedLimitsDriver`.",
            "is_unified",
        ),
        Key("default", QUOTA, "For every project without its own."),
        Key("projects", Named(QUOTA, _PROJECT, ProjectQuota, "quota"), "Own quotas of projects."),
    ),
    Quotas,
)

IMAGE = Record(
    "Image",
    (
        Key(
            "gpu",
            Flag(),
            "What guests with GPUs need: `hw_machine_type=q35`, `hw_firmware_type=uefi`.",
            "is_for_gpus",
        ),
        Key(
            "hide_hypervisor",
            Flag(),
            "`img_hide_hypervisor_id=true`: older drivers of consumer cards need it.",
            "is_hypervisor_hidden",
        ),
        Key("properties", _SETTINGS, "Further properties; one that is made by `gpu` too is taken from here."),
    ),
    partial(ImageWish, ""),
)

AGGREGATE = Record(
    "Aggregate",
    (
        Key("hosts", Many(HOST), "Groups or hosts, as nova-compute is called there."),
        Key("metadata", _SETTINGS, "Read by nova's filters; `availability_zone` is the zone."),
        Key("traits", Many(TRAIT), "What Placement is to say of each of the hosts."),
    ),
    partial(AggregateWish, ""),
)

CATALOGUE = Record(
    "Publish",
    (
        Key(
            "flavors",
            Named(FLAVOR, _TITLE, lambda name, flavor: replace(flavor, name=name)),
            "Sizes of guests, with GPUs and without.",
        ),
        Key("quotas", QUOTAS, "What projects may use."),
        Key(
            "images",
            Named(IMAGE, _TITLE, lambda name, image: replace(image, name=name)),
            "Properties of images that are in the cloud, by name or id.",
        ),
        Key(
            "aggregates",
            Named(AGGREGATE, _TITLE, lambda name, aggregate: replace(aggregate, name=name)),
            "Hosts that nova's scheduler sees as one set.",
        ),
    ),
    Catalogue,
)
