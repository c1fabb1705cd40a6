"""The schema of ``gpucloud.yaml``: one table for reading, writing and the reference page."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from gpucloud.model.spec import (
    COMPANIONS,
    HostGroup,
    Match,
    MigChoice,
    NovaSettings,
    OpenStack,
    Placement,
    Pool,
    Spec,
    Use,
    VgpuChoice,
)
from gpucloud.spec.catalogue import CATALOGUE
from gpucloud.spec.kinds import (
    Address,
    Choice,
    Flag,
    Ids,
    Key,
    Many,
    Member,
    Named,
    Number,
    Parent,
    Record,
    Word,
)
from gpucloud.spec.words import HOST, TRAIT

_NAME = Word(
    "a name of letters, digits, `.`, `_` and `-`", re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
)
_TEXT = Word("text", re.compile(r".{1,200}"))
_RELEASE = Word("a release: `2025.1`, `epoxy` or `31.0.0`", re.compile(r"[A-Za-z0-9.]{1,20}", re.ASCII))
_CLASS = Word(
    "`VGPU` or `CUSTOM_` with capitals, digits and `_`", re.compile(r"VGPU|CUSTOM_[A-Z0-9_]{1,248}", re.ASCII)
)
_PROFILE = Word(
    "a MIG profile: `1g.5gb`, `3g.20gb`, `1g.10gb+me`",
    re.compile(r"[1-9]g\.[1-9][0-9]{0,2}gb(?:\+me|\+me\.all|\+gfx|-me)?", re.ASCII),
)
_ALIAS = Word(
    "a name without `:` and `,`, which flavors could not write", re.compile(r"[^:,\s\"'][^:,\"']{0,254}")
)

MATCH = Record(
    "Match",
    (
        Key(
            "model",
            Many(_TEXT),
            "Patterns of the name that `gpucloud scan` prints, or of the part in its brackets: `A100*`, "
            "`*L40S*`. Case does not matter.",
            "models",
        ),
        Key("ids", Many(Ids()), "Vendor and device of the card's first function."),
        Key("address", Many(Address()), "Where the card is: any of its functions.", "addresses"),
        Key("group", Many(Number(range(100_000))), "IOMMU groups. They can change with a kernel.", "groups"),
        Key(
            "parent",
            Many(Parent()),
            "In place of a card, what mediated devices are made of and is no PCI function: a name of "
            "`/sys/class/mdev_bus`, as the kernel's sample driver `mtty` has one. It stands alone, with "
            "`use: vgpu`.",
            "parents",
        ),
    ),
    Match,
)

NOVA = Record(
    "Nova settings",
    (
        Key(
            "alias", _ALIAS, "What flavors ask for: `pci_passthrough:alias=NAME:1`. Without: the pool's name."
        ),
        Key("device_type", Choice(("type-PCI", "type-PF", "type-VF")), "Without: what the host shows."),
        Key("resource_class", _CLASS, "What Placement counts the devices as."),
        Key("traits", Many(TRAIT), "What Placement says of each device."),
        Key(
            "numa_policy",
            Choice(("required", "legacy", "preferred", "socket")),
            "How near to its CPUs a guest gets it.",
        ),
        Key("managed", Flag(), "libvirt binds the device itself. A VF with the vendor's VFIO needs `false`."),
        Key("live_migratable", Flag(), "The VF's driver can move a running guest (nova 31 and later)."),
        Key(
            "one_time_use",
            Flag(),
            "After a guest the device waits until somebody cleaned it (nova 32 and later).",
        ),
        Key(
            "companions",
            Many(Choice(tuple(COMPANIONS))),
            "Functions of the card that guests get, too, each by an alias of its own (`NAME-audio`), for "
            "which the flavors of `publish` ask. nova gives functions one by one: a host may have one "
            "such card in the pool.",
        ),
    ),
    NovaSettings,
)

VGPU_TYPE = Record(
    "vGPU type",
    (
        Key("type", _TEXT, "Its id (`nvidia-558`, `1145`) or name (`NVIDIA A40-8Q`).", is_required=True),
        Key("resource_class", _CLASS, "What Placement counts slices of this type as. Without: `VGPU`."),
        Key("max_instances", Number(range(1, 1025)), "At most so many on one card. Without: as many as fit."),
        Key(
            "address",
            Many(Address()),
            "Cards or VFs that get this type. Without: all that no other type names.",
            "addresses",
        ),
    ),
    VgpuChoice,
)

MIG = Record(
    "MIG instances",
    (
        Key("profile", _PROFILE, "As NVIDIA's driver calls it.", is_required=True),
        Key("count", Number(range(1, 17)), "On each card. Without: one."),
    ),
    MigChoice,
)

POOL = Record(
    "Pool",
    (
        Key("use", Member(Use), "What the cards are for.", is_required=True),
        Key(
            "match",
            Many(MATCH, is_required=True),
            "Which cards: all conditions of one entry must hold, and one entry must.",
            "matches",
            is_required=True,
        ),
        Key("hosts", Many(HOST), "Groups or hosts that the pool is on. Without: every host."),
        Key(
            "vfs",
            Number(range(1, 257)),
            "Virtual functions of each card, with `use: sriov` or `use: vgpu`. Without: as many as it can "
            "have, as NVIDIA's always do: its tool makes all of a card, whatever stands here.",
        ),
        Key(
            "mig",
            Many(MIG),
            "MIG instances of each card, with `use: vgpu`: MIG mode is switched on, and they are made before "
            "vGPUs, which types like `A100-1-5C` are cut from them.",
        ),
        Key("vgpu_types", Many(VGPU_TYPE), "What each card is cut into, with `use: vgpu`."),
        Key("nova", NOVA, "How OpenStack offers it."),
    ),
    partial(Pool, ""),
)

OPENSTACK = Record(
    "OpenStack",
    (
        Key("release", _RELEASE, "The release of nova: year, codename or version.", is_required=True),
        Key(
            "layout",
            _NAME,
            "How it is deployed: `packages`, `kolla-ansible`, ... (`gpucloud nova render --help`).",
        ),
        Key(
            "placement", Member(Placement), "How far Placement tracks PCI devices. Go up one step at a time."
        ),
    ),
    OpenStack,
)

SPEC = Record(
    "gpucloud.yaml",
    (
        Key(
            "openstack",
            OPENSTACK,
            "The cloud that the hosts belong to. Without: guests through libvirt only.",
        ),
        Key(
            "host_groups",
            Named(Many(HOST, is_required=True), _NAME, HostGroup, "hosts"),
            "Hosts under one name.",
        ),
        Key(
            "pools",
            Named(POOL, _NAME, lambda name, pool: replace(pool, name=name)),
            "Cards that are used alike.",
        ),
        Key("publish", CATALOGUE, "What OpenStack is to offer: `gpucloud publish`."),
    ),
    Spec,
)
