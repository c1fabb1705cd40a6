"""What the tables of ``nvidia-smi mig`` say of one card."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from gpucloud.model.unknown import Unknown
from gpucloud.slices.mig.card import GpuInstance, MigProfile


@dataclass(slots=True)
class Listed:
    """What the tables say of one card."""

    offered: dict[int, tuple[str, int, int, int]] = field(default_factory=dict)
    """By profile id: name, free, total, MiB."""
    places: dict[int, tuple[tuple[int, ...], int]] = field(default_factory=dict)
    """By profile id: starts and size."""
    instances: dict[int, GpuInstance] = field(default_factory=dict)
    """By id."""
    compute: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By id of the GPU instance."""
    compute_profiles: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """By id of the GPU instance: start and profile id of each."""

    def profiles(self, known: tuple[MigProfile, ...]) -> tuple[MigProfile, ...] | Unknown:
        """What the card offers; places that ``-lgipp`` was not asked for come from its model.

        Args:
            known: the model's; empty where it is not known.
        """
        models = {each.id: (each.starts, each.size) for each in known}
        found = []
        for id_, (name, free, total, mib) in self.offered.items():
            place = self.places.get(id_) or models.get(id_)
            if place is None:
                return Unknown(f"where {name} can be placed is not said: nvidia-smi mig -lgipp")
            found.append(MigProfile(id_, name, total, *place, mib, free))
        return tuple(found)
