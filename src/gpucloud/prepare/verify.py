"""The host looked at again: is each file as the plan left it, and could a guest have the groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gpucloud.inventory.reader import Reader
from gpucloud.model.change import (
    BindDriver,
    EnableService,
    EnableUnit,
    InstallPackage,
    KeepOldStart,
    LoadModule,
    OnDisk,
    RemoveFile,
    SetGrubVariable,
    WriteFile,
)
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Plan
from gpucloud.model.unknown import Unknown
from gpucloud.prepare import sysfs
from gpucloud.prepare.plan.vfio import leaves_group_viable
from gpucloud.prepare.steps import StepError, preview
from gpucloud.prepare.steps.fallback.environment import read_variable
from gpucloud.prepare.steps.package import read_version
from gpucloud.prepare.steps.service import is_enabled
from gpucloud.prepare.steps.slices.told import TOLD, tell
from gpucloud.prepare.system import System

THIS_START = "this start"
"""Where a mismatch is of how the host has started, in place of a path."""

_NOTHING = ("", "(null)")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as planned."""

    path: str
    expected: str
    seen: str


def verify(plan: Plan, system: System) -> tuple[Mismatch, ...]:
    """What is not as the plan left it; empty where all is."""
    return (*_written(plan, system), *_files(plan, system), *_told(plan, system), *_groups(plan, system))


def spoken_for(plan: Plan) -> frozenset[str]:
    """What the plan has decided, by path: of an older plan it is not asked any more."""
    steps = {preview(step.change).path for step in plan.steps}
    return frozenset(steps | ({THIS_START} if plan.outlives_boot else set()))


def _written(plan: Plan, system: System) -> Iterator[Mismatch]:
    for step in plan.steps:
        change = step.change
        if isinstance(change, EnableUnit):
            target, wanted = system.read_link(change.path), change.unit if change.is_on else None
            if target != wanted:
                yield Mismatch(
                    change.path, wanted or "no link", target if isinstance(target, str) else "no link"
                )
        elif isinstance(change, InstallPackage | EnableService):
            yield from _software(change, system)
        elif isinstance(change, SetGrubVariable):
            block = system.read_text(change.path)
            said = read_variable(block, change.variable) if isinstance(block, str) else None
            if said != change.after:
                yield Mismatch(change.path, f"{change.variable}={change.after}", f"{change.variable}={said}")
        elif isinstance(change, WriteFile | RemoveFile | KeepOldStart):
            path = change.config if isinstance(change, KeepOldStart) else change.path
            wanted = None if isinstance(change, RemoveFile) else change.after.text
            seen = system.read_text(path)
            if isinstance(seen, Unknown):
                yield Mismatch(path, "readable", f"unknown: {seen.why}")
            elif seen != wanted:
                yield Mismatch(path, *_kinds(wanted, seen))


def _software(change: InstallPackage | EnableService, system: System) -> Iterator[Mismatch]:
    if isinstance(change, EnableService):
        if not is_enabled(change.name, system):
            yield Mismatch(change.name, "enabled", "not enabled")
        return
    after = change.after
    try:
        seen = read_version(change.by, after.name, system) or "not installed"
    except StepError as error:
        seen = f"unknown: {error}"
    if seen != after.version:
        yield Mismatch(after.name, after.version, seen)


def _kinds(wanted: str | None, seen: str | None) -> tuple[str, str]:
    """What is expected and seen, in words: whole files would bury it."""
    other = "with other content" if wanted is not None else "there again"
    return ("gone" if wanted is None else "as it was written", "not there" if seen is None else other)


def _files(plan: Plan, reader: Reader) -> Iterator[Mismatch]:
    expected = {}
    for step in plan.steps:
        if isinstance(step.change, OnDisk | TOLD):
            continue
        change = preview(step.change)
        expected[change.path] = (change.after, isinstance(step.change, LoadModule))
    for path, (after, is_folder) in expected.items():
        seen = _module(path, reader) if is_folder else _attribute(path, reader)
        if isinstance(seen, Unknown):
            yield Mismatch(path, after or "(none)", f"unknown: {seen.why}")
        elif seen != after:
            yield Mismatch(path, after or "(none)", seen or "(none)")


def _told(plan: Plan, system: System) -> Iterator[Mismatch]:
    """What only a vendor's program tells: the last word on each counts."""
    expected = {}
    for step in plan.steps:
        if isinstance(step.change, TOLD):
            change = preview(step.change)
            expected[change.path] = (change.after or "(none)", step.change)
    for path, (after, asked) in expected.items():
        seen = tell(asked, system)
        said = f"unknown: {seen.why}" if isinstance(seen, Unknown) else seen or "(none)"
        if said != after:
            yield Mismatch(path, after, said)


def _module(path: str, reader: Reader) -> str | None | Unknown:
    listed = reader.list_dir(path)
    return listed if isinstance(listed, Unknown) else None if listed is None else "loaded"


def _attribute(path: str, reader: Reader) -> str | None | Unknown:
    if path.endswith(("/driver", "/mdev_type")):
        target = reader.read_link(path)
        return target.rpartition("/")[2] if isinstance(target, str) else target
    text = reader.read_text(path)
    if text is None and path.startswith(sysfs.CONSOLES):
        return "0"  # with its last framebuffer the console driver goes, too, and shows nothing
    if not isinstance(text, str):
        return text
    return None if text.strip() in _NOTHING else text.strip()


def _groups(plan: Plan, reader: Reader) -> Iterator[Mismatch]:
    bound = [step.change.address for step in plan.steps if isinstance(step.change, BindDriver)]
    links = dict.fromkeys(reader.read_link(sysfs.function(address, "iommu_group")) for address in bound)
    for link in links:
        if isinstance(link, str):
            yield from _peers(link.rpartition("/")[2], frozenset(map(str, bound)), reader)


def _peers(group: str, bound: frozenset[str], reader: Reader) -> Iterator[Mismatch]:
    """Members of a group that no step bound, and whose driver keeps the group from guests."""
    members = reader.list_dir(f"{sysfs.GROUPS}/{group}/devices")
    for name in members if isinstance(members, tuple) else ():
        if name in bound:
            continue
        seen = _attribute(sysfs.function(PciAddress.parse(name), "driver"), reader)
        if isinstance(seen, str) and not leaves_group_viable(seen):
            yield Mismatch(
                f"{sysfs.GROUPS}/{group}/devices/{name}", "a driver that leaves the group to a guest", seen
            )
