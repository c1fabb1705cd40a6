"""All rules, in the order in which their findings are told, and all that they can say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gpucloud.nova.check.finding import Kind
from gpucloud.nova.check.rules import (
    alias,
    deployment,
    devices,
    filters,
    guests,
    names,
    order,
    parents,
    placement,
    spec,
    text,
    traps,
    vgpu,
)
from gpucloud.nova.check.rules.rule import Rule

_SUBJECTS = {
    "Files and values": text,
    "Names and sections": names,
    "Devices that a host offers": spec,
    "The order of entries": order,
    "Entries, aliases and cards together": traps,
    "Aliases": alias,
    "Filters of the scheduler": filters,
    "PCI devices in Placement": placement,
    "vGPUs and live migration": vgpu,
    "Parents of vGPUs that are no PCI functions": parents,
    "Around the devices": guests,
    "With the devices of a host": devices,
    "Deployment tools": deployment,
}

RULES: tuple[Rule, ...] = tuple(rule for subject in _SUBJECTS.values() for rule in subject.RULES)

HEADINGS: Mapping[str, tuple[Kind, ...]] = MappingProxyType(
    {
        title: tuple(value for value in vars(subject).values() if isinstance(value, Kind))
        for title, subject in _SUBJECTS.items()
    }
)
"""Heading to the kinds of findings under it."""

KINDS: Mapping[str, Kind] = MappingProxyType({kind.id: kind for kinds in HEADINGS.values() for kind in kinds})
"""Kinds by id."""
