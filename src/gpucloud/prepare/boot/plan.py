"""The plan that makes a host start as its spec wants it.

The order, and why: the tools come twice, first for undo (see ``RunTool``), last for apply, each once; between
them the files. The initramfs is made before the boot menu, which may refer to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gpucloud.model.boot import BootFiles
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciId
from gpucloud.model.plan import (
    Change,
    Content,
    Fact,
    FileState,
    Plan,
    RemoveFile,
    RunTool,
    Step,
    Wanted,
    WriteFile,
)
from gpucloud.model.spec import Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare import sysfs
from gpucloud.prepare.boot import owned
from gpucloud.prepare.boot.arguments import missing, needed_arguments
from gpucloud.prepare.boot.claim import Claim
from gpucloud.prepare.boot.families import initramfs_of, loader_of
from gpucloud.prepare.boot.guards import boot_refusals
from gpucloud.prepare.boot.initramfs import Initramfs
from gpucloud.prepare.boot.loaders import Loader
from gpucloud.prepare.boot.modules import WANTED, render_modprobe, render_modules_load
from gpucloud.spec import pool_of, render_spec


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


def plan_boot(
    host: Host, files: BootFiles, spec: Spec, host_name: str | Unknown, *, force: bool = False
) -> Plan:
    """Steps after which the host's next start gives each unit to what its pool is for, or why that cannot be.

    Args:
        host: the host.
        files: its boot files.
        spec: what is wanted.
        host_name: needed where pools are on some hosts only.
        force: the user accepts to lose the last console.

    Raises:
        Failure: a unit is in two pools, or the host's name is needed and not known.
    """
    ask = Ask(host, files, spec, host_name, force, _pools(host, spec, host_name))
    loader, tool = loader_of(host.distribution), initramfs_of(host.distribution)
    refusals = tuple(boot_refusals(host, files, ask.units(Use.PASSTHROUGH), loader, tool, force=force))
    steps: tuple[Step, ...] = ()
    if not refusals and not isinstance(loader, Unknown) and not isinstance(tool, Unknown):
        steps = tuple(_steps(ask, loader, tool))
    return Plan(
        host=host.source,
        units=tuple(unit.address for unit in ask.units(Use.PASSTHROUGH, Use.VGPU, Use.SRIOV)),
        is_forced=force,
        facts=tuple(_facts(ask)),
        steps=steps,
        refusals=refusals,
        wanted=Wanted(Content(render_spec(spec)), host_name if isinstance(host_name, str) else None),
        needs_reboot=bool(steps),
    )


def _pools(host: Host, spec: Spec, host_name: str | Unknown) -> Mapping[str, tuple[GpuUnit, ...]]:
    found: dict[str, tuple[GpuUnit, ...]] = {}
    for unit in host.units:
        pool = pool_of(spec, host_name, unit)
        if pool is not None:
            found[pool.name] = (*found.get(pool.name, ()), unit)
    return found


def _steps(ask: Ask, loader: Loader, tool: Initramfs) -> Iterator[Step]:
    changes = [
        Step(change, new.because, None, new.risk)
        for path, new in _wanted(ask, loader, tool).items()
        if (change := _change(ask.files, path, new)) is not None
    ]
    paths = {step.change.path for step in changes if isinstance(step.change, WriteFile | RemoveFile)}
    runs = list(_runs(paths, loader, tool))
    for argv, makes, _ in reversed(runs):
        change = RunTool(argv=argv, when="undo", makes=makes)
        yield Step(change, "undo restores the files first, then what is made of them", None)
    yield from changes
    for argv, makes, because in runs:
        yield Step(RunTool(argv=argv, when="apply", makes=makes), because, None)


def _runs(paths: set[str], loader: Loader, tool: Initramfs) -> Iterator[tuple[tuple[str, ...], str, str]]:
    if paths & owned.IN_INITRAMFS:
        yield tool.command, "the initramfs of every kernel", "the initramfs holds copies of the files above"
    if paths - owned.IN_INITRAMFS - {owned.MODULES_LOAD}:
        for argv in loader.tools:
            yield argv, "the boot menu", "the boot menu is made of the files above"


def _wanted(ask: Ask, loader: Loader, tool: Initramfs) -> dict[str, New]:
    """What every file is to be that gpucloud writes; its own that are not wanted are to go."""
    new = {path: New(None, 0, "no pool needs it any more") for path in owned.OWNED}
    given, cut = ask.units(Use.PASSTHROUGH), ask.units(Use.VGPU, Use.SRIOV)
    if given or cut:
        new |= _arguments(ask, loader)
    text = render_modprobe(ask.host, given, cut)
    if text is not None:
        new[owned.MODPROBE] = New(
            text, 0o644, "vfio-pci comes before the host's own drivers, and none is idle"
        )
    if given:
        because = f"{_count(given)} for guests: VFIO is loaded at every start"
        new[owned.MODULES_LOAD] = New(render_modules_load(), 0o644, because)
        for path, (script, mode) in tool.render(tuple(_claims(given)), WANTED).items():
            new[path] = New(
                script,
                mode,
                "each card is given away by its address before the host's drivers are loaded",
                "the host starts without these cards; gpucloud=off at the boot menu leaves them with it",
            )
    return new


def _arguments(ask: Ask, loader: Loader) -> dict[str, New]:
    needed, there = needed_arguments(ask.host), loader.arguments(ask.files)
    if isinstance(needed, Unknown) or isinstance(there, Unknown):
        return {}
    words = missing(needed, there)
    because = f"the kernel has to be told {' '.join(words)}: the IOMMU keeps guests apart"
    risk = "a firmware with a faulty IOMMU table may not start: take the words out at the boot menu"
    return {path: New(text, 0o644, because, risk) for path, text in loader.add(ask.files, words).items()}


def _claims(given: Sequence[GpuUnit]) -> Iterator[Claim]:
    for unit in given:
        for function in unit.functions:
            if isinstance(function.id, PciId):
                yield Claim(function.address, function.id)


def _change(files: BootFiles, path: str, new: New) -> Change | None:
    """What has to happen to one file; None: nothing. A file that is there keeps its owner and label."""
    before = files.state(path)
    if isinstance(before, Unknown):
        return None
    if new.text is None:
        return RemoveFile(path=path, before=before) if before is not None else None
    if before is None:
        after = FileState(Content(new.text), new.mode)
        return WriteFile(path=path, before=None, after=after, folders=files.missing_folders(path))
    mode = new.mode if path in owned.OWNED else before.mode
    after = FileState(Content(new.text), mode, before.uid, before.gid, before.label)
    return WriteFile(path=path, before=before, after=after) if after != before else None


def _facts(ask: Ask) -> Iterator[Fact]:
    """The files and units that the plan rests on."""
    for path in sorted(ask.files.files):
        yield Fact(path, _digest(ask.files.files[path]))
    for unit in ask.units(*Use):
        for function in unit.functions:
            yield Fact(sysfs.function(function.address, "id"), str(function.id))


def _digest(state: FileState | None | Unknown) -> str:
    if isinstance(state, FileState):
        return f"sha256 {hashlib.sha256(repr(state).encode()).hexdigest()}"
    return "(none)" if state is None else f"unknown: {state.why}"


def _count(units: Sequence[GpuUnit]) -> str:
    return f"{len(units)} card" + ("s are" if len(units) > 1 else " is")
