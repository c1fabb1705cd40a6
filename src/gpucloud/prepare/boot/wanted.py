"""What every file is to be for what a spec wants: gpucloud's own whole, others with arguments added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gpucloud.model.boot import BootFiles
from gpucloud.model.change import FileState
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import MdevParent, PciId
from gpucloud.model.spec import Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.arguments import missing, needed_to_give
from gpucloud.prepare.boot.cleared import NOTHING, Cleared
from gpucloud.prepare.boot.fallback import has_entry, without_entry
from gpucloud.prepare.boot.loaders import Loader
from gpucloud.prepare.boot.own import paths as owned
from gpucloud.prepare.boot.own.claim import Claim
from gpucloud.prepare.boot.own.initramfs import Initramfs
from gpucloud.prepare.boot.own.modules import WANTED, render_modprobe, render_modules_load
from gpucloud.prepare.boot.own.unit import render_unit
from gpucloud.prepare.boot.paths import CUSTOM_FILES
from gpucloud.spec import pool_of, pool_of_parent

ROUTE = "default route"
"""What ``Vital`` calls it, and the fact of a plan that the host had a network when it was made."""
NETWORK = "network "
"""Begins the facts of a plan for a host without a default route: the networks that it was in."""
ELSEWHERE = "in a table beside the main one"
"""Where the only default route of a host is that had one: of a VRF."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Everything a plan is made from."""

    host: Host
    files: BootFiles
    spec: Spec
    host_name: str | Unknown
    force: bool
    pools: Mapping[str, tuple[GpuUnit, ...]]
    """Units by the name of their pool."""
    cleared: Cleared = NOTHING
    """What is taken out of the files at the same time."""
    parents: Mapping[str, tuple[MdevParent, ...]] = field(default_factory=dict)
    """Parents of mediated devices that are no PCI functions, by the name of their pool."""

    @property
    def has_cards(self) -> bool:
        """Claims that a pool has cards: they need the IOMMU, and may need more of the next start."""
        return bool(self.units(Use.PASSTHROUGH, Use.VGPU, Use.SRIOV))

    def units(self, *uses: Use) -> tuple[GpuUnit, ...]:
        """Units of all pools of these uses, by address."""
        found = [
            unit for pool in self.spec.pools if pool.use in uses for unit in self.pools.get(pool.name, ())
        ]
        return tuple(sorted(found, key=lambda unit: unit.address))


@dataclass(frozen=True, slots=True)
class New:
    """What a file is to be; None: it is not to be there."""

    text: str | None
    mode: int
    because: str
    risk: str = ""


def pools_of(host: Host, spec: Spec, host_name: str | Unknown) -> Mapping[str, tuple[GpuUnit, ...]]:
    """Units of the host by the name of their pool; errors as of ``pool_of``."""
    found: dict[str, tuple[GpuUnit, ...]] = {}
    for unit in host.units:
        pool = pool_of(spec, host_name, unit)
        if pool is not None:
            found[pool.name] = (*found.get(pool.name, ()), unit)
    return found


def parents_of(host: Host, spec: Spec, host_name: str | Unknown) -> Mapping[str, tuple[MdevParent, ...]]:
    """Parents of mediated devices that are no PCI functions, as ``pools_of`` has units."""
    found: dict[str, tuple[MdevParent, ...]] = {}
    for parent in () if isinstance(host.mdev_parents, Unknown) else host.mdev_parents:
        pool = pool_of_parent(spec, host_name, parent.name)
        if pool is not None:
            found[pool.name] = (*found.get(pool.name, ()), parent)
    return found


def wanted_files(ask: Ask, loader: Loader, tool: Initramfs) -> dict[str, New]:
    """What every file is to be that gpucloud writes; its own that are not wanted are to go."""
    new = {path: New(None, 0, "no pool needs it any more") for path in owned.OWNED}
    given, cut = ask.units(Use.PASSTHROUGH), ask.units(Use.VGPU, Use.SRIOV)
    new |= _arguments(ask, loader) if ask.has_cards else _without_entry(ask.files)
    if ask.has_cards:
        new[owned.UNIT] = New(render_unit(), 0o644, "a start that is not as planned is taken back by itself")
    elif ask.parents:
        new[owned.UNIT] = New(render_unit(), 0o644, "mediated devices end with a start: the next makes them")
    text = render_modprobe(ask.host, given, cut)
    if text is not None:
        new[owned.MODPROBE] = New(
            text, 0o644, "vfio-pci comes before the host's own drivers, and none is idle"
        )
    if given:
        because = f"{_count(given)} for guests: VFIO is loaded at every start"
        if (text := render_modules_load(ask.host)) is not None:
            new[owned.MODULES_LOAD] = New(text, 0o644, because)
        for path, (script, mode) in tool.render(tuple(_claims(given)), WANTED).items():
            new[path] = New(
                script,
                mode,
                "each card is given away by its address before the host's drivers are loaded",
                "the host starts without these cards; gpucloud=off at the boot menu leaves them with it",
            )
    return ask.cleared.joined(new)


def _without_entry(files: BootFiles) -> dict[str, New]:
    """GRUB's drop-in files without the entry of an old start that is long trusted to be over."""
    states = {path: files.state(path) for path in CUSTOM_FILES}
    mine = {
        path: state for path, state in states.items() if isinstance(state, FileState) and has_entry(state)
    }
    because = "no pool needs it any more"
    return {path: New(without_entry(state), state.mode, because) for path, state in mine.items()}


def _arguments(ask: Ask, loader: Loader) -> dict[str, New]:
    start = ask.cleared.start(ask.files)
    needed = needed_to_give(ask.host, ask.units(Use.PASSTHROUGH))
    there = loader.arguments(start)
    if isinstance(needed, Unknown) or isinstance(there, Unknown):
        return {}
    words = missing(needed.words, there)
    because = (
        f"{needed.because}, so the kernel has to be told {' '.join(words)}: the IOMMU keeps guests apart"
    )
    risk = "a firmware with a faulty IOMMU table may not start: take the words out at the boot menu"
    return {path: New(text, 0o644, because, risk) for path, text in loader.add(start, words).items()}


def _claims(given: Sequence[GpuUnit]) -> Iterator[Claim]:
    for unit in given:
        for function in unit.functions:
            if isinstance(function.id, PciId):
                yield Claim(function.address, function.id)


def _count(units: Sequence[GpuUnit]) -> str:
    return f"{len(units)} card" + ("s are" if len(units) > 1 else " is")
