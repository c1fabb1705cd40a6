"""The plan that makes a host start as its spec wants it.

The order, and why: the old start is kept before anything else and the new one tried after everything else,
so that a cut at any moment, of apply or undo, leaves a host that starts. Between these the tools come twice,
first for undo (see ``RunTool``), last for apply, each once; between them the files. The initramfs is made
before the boot menu, which may refer to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from gpucloud.inventory.system.boot import UNIT_LINK
from gpucloud.inventory.system.network import OF_TABLE
from gpucloud.model.boot import BootFiles, Hands
from gpucloud.model.change import (
    Change,
    Content,
    EnableUnit,
    FileState,
    RemoveFile,
    RunTool,
    SetGrubVariable,
    TryNewStart,
    WriteFile,
)
from gpucloud.model.file import ACCESS_LIST
from gpucloud.model.host import Host
from gpucloud.model.pci import Place
from gpucloud.model.plan import Fact, Plan, Step, Taken, Wanted
from gpucloud.model.spec import Spec, Use
from gpucloud.model.spec.catalogue import Catalogue
from gpucloud.model.unknown import Unknown
from gpucloud.prepare import sysfs
from gpucloud.prepare.boot.cleared import NOTHING, Cleared
from gpucloud.prepare.boot.fallback import TRIES, keep_old_start, risk_of_trying, risk_without, tries_left
from gpucloud.prepare.boot.families import Row, initramfs_of, row_of
from gpucloud.prepare.boot.guards import boot_refusals
from gpucloud.prepare.boot.loaders import KernelInstall, Loader
from gpucloud.prepare.boot.loaders.bls import KERNELOPTS
from gpucloud.prepare.boot.own import paths as owned
from gpucloud.prepare.boot.own.initramfs import Initramfs
from gpucloud.prepare.boot.paths import CUSTOM_FILES, ENTRIES, GRUB_ENVIRONMENT
from gpucloud.prepare.boot.state import foreseen, hands_beside, impossible, steps_at_start
from gpucloud.prepare.boot.wanted import (
    ELSEWHERE,
    NETWORK,
    ROUTE,
    Ask,
    New,
    parents_of,
    pools_of,
    wanted_files,
)
from gpucloud.prepare.plan.facts import say_fact
from gpucloud.prepare.plan.guards import split_unseen
from gpucloud.prepare.steps.fallback.environment import read_variable
from gpucloud.prepare.steps.replaced import refusals_of_files
from gpucloud.spec import render_spec, strangers, unmatched
from gpucloud.spec.choose import is_on

_ALL_MADE = "all is made: until a start is found right, GRUB counts, and takes the old entry then"


def plan_boot(
    host: Host,
    files: BootFiles,
    spec: Spec,
    host_name: str | Unknown,
    *,
    force: bool = False,
    cleared: Cleared = NOTHING,
    is_captured: bool = False,
) -> Plan:
    """Steps after which the host's next start gives each unit to what its pool is for, or why that cannot be.

    Args:
        host: the host.
        files: its boot files.
        spec: what is wanted.
        host_name: needed where pools are on some hosts only.
        force: the user accepts to lose the last console.
        cleared: what is taken out of files at the same time.
        is_captured: the host is a capture; what it lacks and no step depends on is left to the host itself.

    Raises:
        Failure: a unit is in two pools, or the host's name is needed and not known.
    """
    row, tool = row_of(host), initramfs_of(host.distribution)
    loader = row if isinstance(row, Unknown) else row.loader
    cleared = cleared.without(ENTRIES) if isinstance(loader, KernelInstall) else cleared
    pools, parents = pools_of(host, spec, host_name), parents_of(host, spec, host_name)
    ask = Ask(host, files, spec, host_name, force, pools, cleared, parents)
    reasons = boot_refusals(ask, loader, tool)
    reasons = iter(()) if _asks_nothing(ask) else chain(reasons, impossible(host, spec, host_name))
    refusals, unseen = split_unseen(reasons, is_captured=is_captured)
    steps: tuple[Step, ...] = ()
    if not refusals and not isinstance(row, Unknown) and not isinstance(tool, Unknown):
        steps = tuple(_steps(ask, row, tool))
        refusals = tuple(refusals_of_files(steps))
        steps = () if refusals else steps
    emptied = tuple(_emptied(ask)) if any(isinstance(step.change, RemoveFile) for step in steps) else ()
    return Plan(
        host=host.source,
        units=tuple(unit.address for unit in ask.units(Use.PASSTHROUGH, Use.VGPU, Use.SRIOV)),
        is_forced=force,
        facts=tuple(_facts(ask)),
        steps=steps,
        refusals=refusals,
        wanted=_wanted(ask),
        needs_reboot=bool(steps),
        unseen=unseen,
        at_start=() if refusals else steps_at_start(host, spec, host_name),
        notes=(
            *strangers(spec, host_name),
            *emptied,
            *unmatched(spec, host_name, host.units, emptied=bool(emptied)),
            *(_brought_late(host) if steps else ()),
            *foreseen(host, spec, host_name),
            *hands_beside(host, spec, host_name, _told(files.hands) if is_captured else files.hands),
        ),
    )


def _told(hands: Hands) -> Hands:
    """What a capture tells of them: the host itself is asked for the rest before anything is applied."""
    has_manager, defined = hands.has_mig_manager, hands.defined
    return Hands(
        False if isinstance(has_manager, Unknown) else has_manager,
        None if isinstance(defined, Unknown) else defined,
    )


def _emptied(ask: Ask) -> Iterator[str]:
    """Pools whose last card is gone: no rule can tell whether for repair or for good."""
    for pool in ask.spec.pools:
        is_here = pool.use is not Use.HOST and is_on(ask.spec, pool, ask.host_name)
        if is_here and not any(_places(ask, pool.name)):
            yield (
                f"pool {pool.name} has no card on this host now, so this takes away what starts do for it; "
                "where a card is only out for repair, leave it: it harms no start without that card"
            )


def _brought_late(host: Host) -> Iterator[str]:
    """A network that may come after the look at the start: the unit runs before containers do."""
    carried = () if isinstance(host.vital, Unknown) else tuple(each.carries for each in host.vital)
    if any(ROUTE in each and OF_TABLE not in each for each in carried) and ROUTE not in carried:
        yield (
            "its default route goes through an interface that no card is below (Open vSwitch, a tunnel); "
            "where a container brings that up, it is not there when the start is looked at, and the change "
            "is taken back: have the host bring it up before docker and podman"
        )


def _asks_nothing(ask: Ask) -> bool:
    """Nothing is to be written and nothing of gpucloud's is there: how the host starts does not matter."""
    is_bare = all(ask.files.state(path) is None for path in owned.OWNED)
    return is_bare and not _is_wanted(ask) and ask.cleared == NOTHING


def _wanted(ask: Ask) -> Wanted:
    """What the host keeps of the spec: all but what a cloud is told, which concerns no host."""
    name = ask.host_name if isinstance(ask.host_name, str) else None
    taken = tuple(Taken(pool.name, pool.use.value, tuple(_places(ask, pool.name))) for pool in ask.spec.pools)
    return Wanted(Content(render_spec(replace(ask.spec, publish=Catalogue()))), name, taken)


def _places(ask: Ask, pool: str) -> Iterator[Place]:
    yield from (unit.address for unit in ask.pools.get(pool, ()))
    yield from (parent.name for parent in ask.parents.get(pool, ()))


def _steps(ask: Ask, row: Row, tool: Initramfs) -> Iterator[Step]:
    made = list(_made(ask, row.loader, tool))
    if not any(_acts_at_start(step.change) for step in made) or not _is_wanted(ask):
        yield from made
        return
    kept = keep_old_start(ask.host, ask.files, row.grub)
    if kept is None:
        yield from _beside_another(ask, row, made)
        return
    if isinstance(kept, Unknown):
        risks = filter(None, (made[-1].risk, risk_without(kept, ask.files, row.grub)))
        yield from (*made[:-1], replace(made[-1], risk="; ".join(risks)))
        return
    yield Step(kept, "a start that does not come up is followed by this one, with the files of now", None)
    yield from made
    trial = TryNewStart(environment=kept.environment, tries=TRIES)
    yield Step(trial, _ALL_MADE, None, risk_of_trying(ask.files, kept.environment.rpartition("/")[0]))


def _beside_another(ask: Ask, row: Row, made: Sequence[Step]) -> Iterator[Step]:
    """Another change is on trial, whose old start is kept: it is taken while this one is made, too."""
    left = tries_left(ask.files, row.grub)
    if not left:
        yield from made
        return
    environment = f"{row.grub}/grubenv"
    because = "another change is on trial: while this one is made, the old start is taken"
    yield Step(TryNewStart(environment=environment, tries=0, before=left), because, None)
    yield from made
    yield Step(TryNewStart(environment=environment, tries=TRIES), _ALL_MADE, None)


def _acts_at_start(change: Change) -> bool:
    """Claims a change of what the boot loader starts, and not only of what the running system does later."""
    if isinstance(change, WriteFile | RemoveFile):
        return change.path not in (owned.MODULES_LOAD, owned.UNIT, *CUSTOM_FILES)
    return isinstance(change, RunTool | SetGrubVariable)


def _is_wanted(ask: Ask) -> bool:
    """Whether the unit is there at the next start: without it nobody would stop the count of tries."""
    return ask.has_cards or bool(ask.parents)


def _made(ask: Ask, loader: Loader, tool: Initramfs) -> Iterator[Step]:
    changes = [
        Step(change, new.because, None, new.risk)
        for path, new in wanted_files(ask, loader, tool).items()
        if (change := _change(ask.files, path, new)) is not None
    ]
    paths = {step.change.path for step in changes if isinstance(step.change, WriteFile | RemoveFile)}
    unit = list(_unit(ask, paths))
    runs = list(_runs(paths, ask.cleared, loader, tool))
    for argv, makes, _ in reversed(runs):
        change = RunTool(argv=argv, when="undo", makes=makes)
        yield Step(change, "undo restores the files first, then what is made of them", None)
    yield from ask.cleared.steps
    yield from changes
    yield from unit
    for argv, makes, because in runs:
        yield Step(RunTool(argv=argv, when="apply", makes=makes), because, None)


def _unit(ask: Ask, paths: set[str]) -> Iterator[Step]:
    """The unit is enabled where it is wanted, and not left enabled where its file goes."""
    folder, _, name = UNIT_LINK.rpartition("/")
    names = ask.files.folders.get(folder)
    is_enabled = isinstance(names, tuple) and name in names
    if _is_wanted(ask) and not is_enabled:
        change = EnableUnit(path=UNIT_LINK, unit=owned.UNIT, folders=ask.files.missing_folders(UNIT_LINK))
        yield Step(change, "it looks at every start before guests are started", None)
    elif is_enabled and not _is_wanted(ask) and owned.UNIT in paths:
        yield Step(EnableUnit(path=UNIT_LINK, unit=owned.UNIT, is_on=False), "its file goes", None)


def _runs(
    paths: set[str], cleared: Cleared, loader: Loader, tool: Initramfs
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    is_made = bool(paths & (owned.IN_INITRAMFS | cleared.in_initramfs))
    if is_made:
        yield tool.command, "the initramfs of every kernel", "the initramfs holds copies of the files above"
    if paths - owned.IN_INITRAMFS - {owned.MODULES_LOAD, owned.UNIT, *CUSTOM_FILES} - cleared.apart:
        for argv in loader.tools:
            if is_made and argv == tool.command:
                continue
            yield argv, "the boot menu", "the boot menu is made of the files above"


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
    if path == GRUB_ENVIRONMENT:
        return _variable(path, before.text, new.text)
    mode, kept = new.mode if path in owned.OWNED else before.mode, before.attributes
    if mode != before.mode:  # an access list has bits of the mode (acl(5))
        kept = tuple(each for each in kept if each.name != ACCESS_LIST)
    after = replace(before, text=Content(new.text), mode=mode, attributes=kept)
    return WriteFile(path=path, before=before, after=after) if after != before else None


def _variable(path: str, before: str, after: str) -> SetGrubVariable | None:
    """Of GRUB's environment block the kernel's arguments alone: the rest of it changes at every start."""
    old, new = (read_variable(block, KERNELOPTS) for block in (before, after))
    return SetGrubVariable(path=path, variable=KERNELOPTS, before=old, after=new) if old != new else None


def _facts(ask: Ask) -> Iterator[Fact]:
    """The files and units that the plan rests on."""
    for path in sorted(ask.files.files):
        yield say_fact(path, _digest(ask.files.files[path]))
    route = _route(ask.host)
    yield say_fact(ROUTE, route)
    yield from _networks(ask.files.networks) if route is None else ()
    for unit in ask.units(*Use):
        for function in unit.functions:
            yield say_fact(sysfs.function(function.address, "id"), function.id)


def _networks(networks: tuple[str, ...] | Unknown) -> Iterator[Fact]:
    """Where there is no default route, these are how the host is reached."""
    if isinstance(networks, Unknown):
        yield say_fact(f"{NETWORK}of its own", networks)
        return
    for network in networks:
        yield say_fact(f"{NETWORK}{network}", "there")


def _digest(state: FileState | None | Unknown) -> str | None | Unknown:
    if isinstance(state, FileState):
        return f"sha256 {hashlib.sha256(repr(state).encode()).hexdigest()}"
    return state


def _route(host: Host) -> str | None | Unknown:
    """Whether the host reaches others now: only then can it be missed after the next start."""
    if isinstance(host.vital, Unknown):
        return host.vital
    routes = [each.carries for each in host.vital if ROUTE in each.carries]
    if routes and all(OF_TABLE in route for route in routes):
        return ELSEWHERE
    return "there" if routes else None
