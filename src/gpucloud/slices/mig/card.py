"""What is known of MIG on one card. Source of the words: NVIDIA Multi-Instance GPU User Guide, "Concepts"."""

from __future__ import annotations

from dataclasses import dataclass

from gpucloud.model.unknown import Unknown

KEEPER = "nvidia-persiste"
"""nvidia-persistenced(1), as the kernel names processes (TASK_COMM_LEN): it has every card open, so that the
driver keeps its state, and does nothing with them."""
COMPUTE_UNASKED = Unknown("nvidia-smi mig -lci was not asked")


@dataclass(frozen=True, slots=True)
class MigProfile:
    """A kind of GPU instance, with the places on the card's memory slices that it may have."""

    id: int
    """As ``nvidia-smi mig -cgi`` takes it: 19, 14, 9, 5, 0 on most cards."""
    name: str
    """``3g.20gb``."""
    total: int
    """Instances that an empty card takes."""
    starts: tuple[int, ...]
    """Memory slices at which it can begin."""
    size: int
    """Memory slices that it takes."""
    memory_mib: int | Unknown
    free: int | None = None
    """Instances that the card takes now, as the driver says; None: it was not asked."""

    @property
    def compute_slices(self) -> int:
        """The number before ``g``."""
        return int(self.name.partition("g.")[0])

    @property
    def suffix(self) -> str:
        """What the name ends with: ``+me``, ``+me.all``, ``-me``, ``+gfx``, or nothing."""
        return self.name.partition("gb")[2]

    @property
    def placements(self) -> str:
        """As ``nvidia-smi mig -lgipp`` prints them: ``{0,4}:4``."""
        return f"{{{','.join(map(str, self.starts))}}}:{self.size}"


@dataclass(frozen=True, slots=True)
class GpuInstance:
    """A GPU instance that is there."""

    id: int
    profile: int | Unknown
    name: str | Unknown
    start: int | Unknown
    size: int | Unknown
    compute_instances: tuple[int, ...] | Unknown
    """Their ids within it."""
    compute_profiles: tuple[int, ...] | Unknown = COMPUTE_UNASKED
    """Their profile ids, by their places."""


@dataclass(frozen=True, slots=True)
class MigCard:
    """One card."""

    is_on: bool | Unknown
    pending: bool | Unknown
    """The mode that it has after its next reset."""
    profiles: tuple[MigProfile, ...] | Unknown
    instances: tuple[GpuInstance, ...] | Unknown
