"""Which GPU units a guest gets: as asked, near each other, and leaving as many as can be for others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from gpucloud.cloud.claims import Claims
from gpucloud.cloud.eligible import NotFree, refuse
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.guest import GuestSpec
from gpucloud.model.host import Host
from gpucloud.model.pci import PciClass, PciId
from gpucloud.model.units.virtual import slice_to_give

_PROCESSING_ACCELERATOR = 0x1200
_GPU_MAKERS = (0x1002, 0x10DE)
"""AMD and NVIDIA: their class 1200 is a GPU without a display (AMD Instinct). Of others it is an FPGA
(Xilinx 10ee, Intel 8086:0b30), a neural processor (Intel 8086:7d1d, Habana 1da3); Intel's GPUs are class
03xx (pci.ids)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Too few units can be given: what is there, and why it is not enough."""

    wanted: int
    free: int
    present: int
    """Units that are what was asked for, free or not."""
    refusals: tuple[NotFree, ...]
    model: str | None = None

    @property
    def what(self) -> str:
        """All of it as one line: what is there, and what is missing."""
        kind = f" that match {self.model!r}" if self.model else ""
        shown = [f"{refusal.unit}: {refusal.why}" for refusal in self.refusals[:4]]
        if len(self.refusals) > len(shown):
            shown.append(f"and {len(self.refusals) - len(shown)} more")
        because = f" ({'; '.join(shown)})" if shown else ""
        return f"{self.wanted} wanted, {self.free} free of {self.present} GPU units here{kind}{because}"

    @property
    def then(self) -> str:
        """What to do about the first of them, where that can help."""
        if self.present and self.wanted > self.free + len(self.refusals):
            return (
                f"there are {self.present}: ask for no more than that" if self.present > 1 else "there is one"
            )
        if self.refusals:
            return self.refusals[0].instead
        return "gpucloud scan shows every GPU of this host"


def choose(host: Host, claims: Claims, spec: GuestSpec) -> tuple[GpuUnit, ...] | Refused:
    """Choose the units for a guest.

    Units of one IOMMU group can go only to one guest: taking some of them strands the rest, so the
    choice that strands fewest wins. Among those the units of one NUMA node win, then lower addresses.
    """
    # What is shown on the host's own screen is offered, and advised to prepare, last.
    units = sorted(_asked_for(host, spec), key=lambda unit: unit.primary.is_boot_vga is True)
    strangers = [address for address in spec.units if slice_to_give(host, address) is None]
    refusals = [NotFree(address, "no GPU of this host", "gpucloud scan") for address in strangers]
    free: list[GpuUnit] = []
    for unit in units:
        refusal = refuse(host, unit, claims, is_named=bool(spec.units))
        if refusal is None:
            free.append(unit)
        else:
            refusals.append(refusal)
    if len(free) < spec.gpus:
        refusals += _left_out(host, spec)
        return Refused(spec.gpus, len(free), len(units), tuple(refusals), spec.model)
    return best_set(free, spec.gpus)


def _asked_for(host: Host, spec: GuestSpec) -> list[GpuUnit]:
    """The units and virtual functions that are named, each once, or units of the model, or all sure GPUs."""
    if spec.units:
        found = (slice_to_give(host, address) for address in spec.units)
        return list({unit.address: unit for unit in found if unit is not None}.values())
    if spec.model is not None:
        return [unit for unit in host.units if is_model(unit, spec.model)]
    return [unit for unit in host.units if is_surely_gpu(unit)]


def _left_out(host: Host, spec: GuestSpec) -> Iterable[NotFree]:
    """Units that are given only to those who name them."""
    if not spec.units and spec.model is None:
        for unit in host.units:
            if not is_surely_gpu(unit):
                why = f"{unit.primary.name} is an accelerator that may be no GPU"
                yield NotFree(unit.address, why, f"name it, if it is meant: --unit {unit.address}")


def is_surely_gpu(unit: GpuUnit) -> bool:
    """Claims a display controller, or a processing accelerator of a vendor whose accelerators are GPUs."""
    kind, id_ = unit.primary.pci_class, unit.primary.id
    is_accelerator = isinstance(kind, PciClass) and kind.kind == _PROCESSING_ACCELERATOR
    return not is_accelerator or (isinstance(id_, PciId) and id_.vendor in _GPU_MAKERS)


def is_model(unit: GpuUnit, model: str) -> bool:
    """Claims that the text, in any case, is part of the unit's name, or its ids."""
    card = unit.primary
    names = (card.name, f"{card.vendor_name or ''} {card.name}", str(card.id))
    return any(model.casefold() in name.casefold() for name in names)


def best_set(free: Sequence[GpuUnit], count: int) -> tuple[GpuUnit, ...]:
    """Pick a count of units from those that are free, at least that many."""
    nodes = sorted({_node(unit) for unit in free})
    pools = [[unit for unit in free if _node(unit) == node] for node in nodes]
    choices = [
        (stranded, is_split, units)
        for is_split, pool in [*((False, pool) for pool in pools), (True, list(free))]
        if len(pool) >= count
        for stranded, units in [_fewest_stranded(pool, free, count)]
    ]
    _, _, best = min(choices, key=lambda choice: (choice[0], choice[1], _addresses(choice[2])))
    return tuple(sorted(best, key=lambda unit: unit.address))


def _node(unit: GpuUnit) -> int:
    """The NUMA node; -1 stands for unknown, as the kernel prints it."""
    node = unit.primary.numa_node
    return node if isinstance(node, int) else -1


def _addresses(units: Iterable[GpuUnit]) -> list[str]:
    return [str(unit.address) for unit in units]


Choice = tuple[int, tuple[GpuUnit, ...]]


def _fewest_stranded(pool: Sequence[GpuUnit], free: Sequence[GpuUnit], count: int) -> Choice:
    """The best set of that size from the pool, with the number of free units that it strands.

    Units that share a group, through others too, are one bundle. Best sets of every size are built
    up bundle by bundle, so the work grows with units times count, not with their combinations.
    """
    best: dict[int, Choice] = {0: (0, ())}
    addresses = {unit.address for unit in pool}
    for bundle in _bundles(free):
        inside = [unit for unit in bundle if unit.address in addresses]
        grown = dict(best)
        for size, (stranded, units) in best.items():
            for taken in range(1, min(len(inside), count - size) + 1):
                new = (stranded + len(bundle) - taken, (*units, *inside[:taken]))
                old = grown.get(size + taken)
                if old is None or _rank(new) < _rank(old):
                    grown[size + taken] = new
        best = grown
    return best[count]


def _rank(choice: Choice) -> tuple[int, list[str]]:
    return choice[0], _addresses(choice[1])


def _bundles(units: Sequence[GpuUnit]) -> list[list[GpuUnit]]:
    """Units joined by shared IOMMU groups, each bundle and all of them by address."""
    bundles: list[list[GpuUnit]] = []
    for unit in units:
        groups = set(unit.groups)
        joined = [bundle for bundle in bundles if any(groups & set(each.groups) for each in bundle)]
        apart = [bundle for bundle in bundles if bundle not in joined]
        bundles = [*apart, [unit, *chain.from_iterable(joined)]]
    for bundle in bundles:
        bundle.sort(key=lambda unit: unit.address)
    return sorted(bundles, key=lambda bundle: bundle[0].address)
