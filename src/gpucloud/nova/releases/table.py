"""All facts, by subject, in the order of the reference pages."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.nova.releases import guest, options, pci, platform, scheduler, vgpu
from gpucloud.nova.releases.fact import Fact


def _facts(module: object) -> Mapping[str, Fact[object]]:
    return {name: value for name, value in vars(module).items() if isinstance(value, Fact)}


TABLE: Mapping[str, Mapping[str, Fact[object]]] = {
    "Option names": _facts(options),
    "PCI passthrough": _facts(pci),
    "Scheduler": _facts(scheduler),
    "vGPU": _facts(vgpu),
    "Guests": _facts(guest),
    "Underneath": _facts(platform),
}
"""Subject to facts by name."""
