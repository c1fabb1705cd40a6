"""One card that is to be cut, with its pool and what is known of it; and what has to be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpucloud.model.change import Cut
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import PciAddress, PciFunction, PciId, Sriov
from gpucloud.model.plan import Step
from gpucloud.model.spec import Pool
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.state.now import Now
from gpucloud.prepare.plan.wording import call_unit

_NVIDIA = 0x10DE


@dataclass(frozen=True, slots=True)
class Card:
    """One card."""

    unit: GpuUnit
    pool: Pool
    functions: Mapping[PciAddress, PciFunction]
    """All of the host."""
    now: Now
    is_anew: bool
    """It is seen as after a start: without virtual functions, though they may be there now."""
    host_name: str | None = None
    """What the spec calls its host; None: it is not known."""

    @property
    def is_nvidias(self) -> bool:
        id_ = self.unit.primary.id
        return isinstance(id_, PciId) and id_.vendor == _NVIDIA

    @property
    def vfs(self) -> tuple[PciFunction, ...]:
        """Its virtual functions that are seen; ``unseen`` says why there may be more."""
        sriov = self.unit.primary.sriov
        found = sriov.vfs if isinstance(sriov, Sriov) and not isinstance(sriov.vfs, Unknown) else ()
        return tuple(self.functions[each] for each in found if each in self.functions)

    @property
    def unseen(self) -> str | None:
        """Why its virtual functions are not known, though it may have some."""
        sriov = self.unit.primary.sriov
        facts = (sriov.enabled, sriov.vfs) if isinstance(sriov, Sriov) else (sriov,)
        unknown = next((fact for fact in facts if isinstance(fact, Unknown)), None)
        return f"its virtual functions are not known ({unknown.why})" if unknown is not None else None

    def step(self, change: Cut, because: str, more: str = "") -> Step:
        """One step for it; ``more`` is said after the card's name."""
        said = f"pool {self.pool.name} {because} {call_unit(self.unit)}{more}"
        return Step(change, said, self.unit.address)


@dataclass(slots=True)
class Todo:
    """What is to be done now, and why not more."""

    steps: list[Step] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Why it cannot be as wanted; it may become possible by itself: a driver, a card, types."""
    never: list[str] = field(default_factory=list)
    """Why it cannot be as wanted, and no wait changes that."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """All that it cannot be."""
        return (*self.missing, *self.never)
