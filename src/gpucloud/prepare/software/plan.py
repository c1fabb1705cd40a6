"""A package of NVIDIA's vGPU manager as a plan: installed, and its services enabled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from gpucloud.model.change import Change, EnableService, Installed, InstallPackage
from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.packages import install_command
from gpucloud.model.plan import Fact, Plan, Software, Step
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.steps import StepError
from gpucloud.prepare.steps.package import HALF, RUN_NAME, By, read_installed
from gpucloud.prepare.steps.service import is_enabled
from gpucloud.prepare.system import System
from gpucloud.slices.driver.package import Kind, Package
from gpucloud.slices.driver.plan import MODULE, RESTART, SERVICES, plan_manager

_NOTHING_DONE = "nothing was changed"
_PATTERNS = {"deb": "nvidia-vgpu*", "rpm": "NVIDIA-vGPU*", "run": RUN_NAME}
_NEEDED = "/usr/bin/apt-get"


def plan_software(host: Host, system: System, software: Software) -> Plan:
    """Plan to install a package; a host on which it is already needs nothing.

    Raises:
        Failure: it is not for this host, or it could not be taken back exactly.
    """
    try:
        there = read_installed(software.by, _PATTERNS[software.by], system)
    except StepError as error:
        raise Failure(str(error), _NOTHING_DONE) from error
    wanted = software.package
    before = None if there == ((wanted.name, wanted.version),) else _before(software, there)
    changes: list[Change] = []
    notes: tuple[str, ...] = ()
    if there != ((wanted.name, wanted.version),):
        notes = _check(host, software, system)
        after, digest = software.package, software.sha256
        changes.append(InstallPackage(by=software.by, before=before, after=after, sha256=digest))
    on = {name: is_enabled(name, system) for name in SERVICES}
    changes += [EnableService(name=name, was_on=False) for name in SERVICES if not on[name]]
    if changes:
        restart = f"the kernel has the new modules, and no nouveau, from the next start on: {RESTART[0]}"
        check = f"then look at module, bus and cards: gpucloud vgpu manager {wanted.file} --check"
        notes = (*notes, restart, check, "after undo, too: until a start the kernel has what it has loaded")
    facts = (
        Fact("vGPU manager", ", ".join(f"{name} {version}" for name, version in there) or "none"),
        *(Fact(name, "enabled" if is_on else "not enabled") for name, is_on in on.items()),
    )
    because = f"{PurePosixPath(wanted.file).name} is NVIDIA's vGPU manager {wanted.version}"
    steps = tuple(Step(change, because, None) for change in changes)
    return Plan(host.source, (), False, facts, steps, notes=notes, software=software)


def _before(software: Software, there: tuple[tuple[str, str], ...]) -> Installed | None:
    """What the new one takes the place of, with the package that brings it back."""
    earlier = software.earlier
    if not there:
        return None
    if len(there) > 1 or there[0][1] == HALF:
        said = ", ".join(f"{name} {version}" for name, version in there)
        raise Failure(f"there is more than one manager, or half of one: {said}", "remove it first")
    name, version = there[0]
    if earlier is None or (earlier.name, earlier.version) != there[0]:
        raise Failure(
            f"{name} {version} is installed, and without its package undo could not install it again",
            "give it: --earlier FILE",
        )
    return earlier


def _check(host: Host, software: Software, system: System) -> tuple[str, ...]:
    """Refuse what does not go; gives what may go wrong."""
    package = Package(
        Kind(software.by),
        PurePosixPath(software.package.file).name,
        software.package.name,
        software.package.version,
        Unknown("it was not kept"),
        True,
        software.release,
    )
    made = plan_manager(package, host, software.guest_driver)
    for why in (*made.refusals, *_in_the_way(host, software.by, system)):
        raise Failure(f"{software.package.file} cannot be installed here: {why}", _NOTHING_DONE)
    _refuse_lacks(host, software, system)
    return made.warnings


def _in_the_way(host: Host, by: By, system: System) -> Iterator[str]:
    loaded, there = host.kernel.loaded_modules, host.kernel.available_modules
    if isinstance(loaded, Unknown):
        yield f"which drivers are loaded is not known: {loaded.why}"
    elif "nouveau" in loaded:
        yield (
            "nouveau is loaded: keep it away first, with a spec whose pool says use: vgpu (gpucloud plan "
            "--spec gpucloud.yaml, then gpucloud apply), and start the host again"
        )
    elif "nvidia" in loaded and MODULE not in loaded:
        yield "another driver of NVIDIA is loaded, the one for computing: take its packages off first"
    if isinstance(there, frozenset) and MODULE in there and not _is_listed(by, system):
        yield f"a vGPU manager is there that was not installed from a .{by}: remove it first"


def _is_listed(by: By, system: System) -> bool:
    return bool(read_installed(by, _PATTERNS[by], system))


def _refuse_lacks(host: Host, software: Software, system: System) -> None:
    """What else the package needs is the operator's to install: undo would not know whose it is."""
    if software.by != "deb" or system.read_bytes(_NEEDED) is None:
        return
    try:
        said = system.ask_tool(("apt-get", "-s", "install", "--allow-downgrades", software.package.file))
    except OSError as error:
        raise Failure(f"what {software.package.file} needs cannot be had: {error}", _NOTHING_DONE) from error
    words = [line.split() for line in said.splitlines()]
    removed = [each[1] for each in words if each[:1] in (["Remv"], ["Purg"]) and len(each) > 1]
    if removed:
        raise Failure(
            f"{software.package.file} would take away {', '.join(removed)}, which undo could not bring back",
            f"remove what is not needed first: apt-get remove {' '.join(removed)}",
        )
    lacks = [each[1] for each in words if each[:1] == ["Inst"] and each[1] != software.package.name]
    if lacks:
        family = host.distribution.family
        command = install_command(family if isinstance(family, str) else "", *lacks)
        raise Failure(f"{software.package.file} needs {', '.join(lacks)}", f"first: {command}")
