"""Every reason why a host cannot be made to start otherwise; an unknown fact is one, never a permission."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpucloud.model.boot import BootFiles
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host, Kernel
from gpucloud.model.plan import Refusal
from gpucloud.model.spec import Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.arguments import (
    Argument,
    contrary,
    is_off_in_firmware,
    missing,
    needed_to_give,
    remapping_off,
)
from gpucloud.prepare.boot.fallback import TRIAL
from gpucloud.prepare.boot.loaders import Loader
from gpucloud.prepare.boot.own import paths as owned
from gpucloud.prepare.boot.own.initramfs import Initramfs
from gpucloud.prepare.boot.unfit import edited_entries, unfit, without_hook, without_kernel, without_line
from gpucloud.prepare.boot.wanted import Ask
from gpucloud.prepare.plan.console import refuse_loss
from gpucloud.prepare.plan.guards import blocked_modules, refusals_for
from gpucloud.prepare.plan.vfio import kept_away
from gpucloud.prepare.plan.wording import AS_ROOT, call_unit

_OF_FRAMEBUFFER = "boot-framebuffer-holds-gpu"
_OF_NOW = frozenset(
    (
        _OF_FRAMEBUFFER,
        "no-iommu-group",
        "groups-unknown",
        "driver-unknown",
        "gpu-in-use",
        "holders-unknown",
        "vfio-blocked",
    )
)
"""Reasons that concern the running kernel alone: the next start has other groups, no holders yet, and no boot
framebuffer where one would stay."""


def boot_refusals(ask: Ask, loader: Loader | Unknown, tool: Initramfs | Unknown) -> Iterator[Refusal]:
    """Why not; nothing where all can be done."""
    host, files, given = ask.host, ask.files, ask.units(Use.PASSTHROUGH)
    yield from unfit(host, files, tool)
    if isinstance(loader, Unknown):
        do = _next(host.distribution.family, host.distribution.boot_loaders)
        yield Refusal(None, "boot-loader-unknown", f"how this host starts: {loader.why}", do)
    else:
        yield from without_kernel(files)
        yield from edited_entries(files, loader)
        yield from without_hook(files, loader)
        yield from without_line(host, files, loader)
        yield from _arguments(ask, loader) if ask.has_cards else ()
    if isinstance(tool, Unknown):
        do = _next(host.distribution.family, host.distribution.initramfs_tools)
        yield Refusal(None, "initramfs-unknown", f"how its initramfs is made: {tool.why}", do)
    yield from _unreadable(files, loader, tool)
    yield from blocked_modules(host) if given else ()
    for unit in given:
        yield from _unit(host, unit, given, force=ask.force)


_RIGHT = f"put that right, or {AS_ROOT}"
_LONGEST = 2047
"""COMMAND_LINE_SIZE of x86 and arm64, without its last byte: what is beyond is cut off."""
_NO_TABLE = "the firmware has neither Intel's table (DMAR) nor AMD's (IVRS): the IOMMU is off in its setup"
_IN_SETUP = "switch VT-d, AMD-Vi or IOMMU on in the firmware's setup, then plan again: gpucloud plan"
_BY_HAND = (
    "until the next start a card can be given away without this: gpucloud plan --unit ADDRESS; "
    "which hosts can be made ready for every start: docs/reference/boot.md"
)


def _next(*facts: object) -> str:
    """What was not read can be read on the host; what was read and is not known has to be done otherwise."""
    return AS_ROOT if any(isinstance(fact, Unknown) for fact in facts) else _BY_HAND


def _arguments(ask: Ask, loader: Loader) -> Iterator[Refusal]:
    host, there = ask.host, loader.arguments(ask.files)
    needed = needed_to_give(host, ask.units(Use.PASSTHROUGH))
    if is_off_in_firmware(host):
        yield Refusal(None, "iommu-disabled-firmware", _NO_TABLE, _IN_SETUP)
    elif isinstance(needed, Unknown):
        yield Refusal(
            None, "processor-unknown", f"which arguments the kernel needs is not known: {needed.why}", AS_ROOT
        )
    elif isinstance(there, Unknown):
        yield Refusal(
            None, "arguments-unknown", f"which arguments the kernel gets is not known: {there.why}", _RIGHT
        )
    else:
        yield from _too_long(host, there, missing(needed.words, there))
        yield from _kept_away(host.kernel, there)
        yield from _not_remapped(host, there)
        for argument in contrary(needed.words, there):
            yield Refusal(
                None,
                "iommu-switched-off",
                f"{argument.path} says {argument.text}: the administrator has switched the IOMMU off",
                f"take {argument.text} out of {argument.path}, then plan again",
            )


def _not_remapped(host: Host, there: Sequence[Argument]) -> Iterator[Refusal]:
    if (argument := remapping_off(host, there)) is not None:
        why = (
            f"{argument.path} says {argument.text}: without interrupt remapping VFIO gives no card to a guest"
        )
        do = f"take {argument.text} out of {argument.path}, then plan again"
        yield Refusal(None, "interrupt-remapping-off", why, do)


def _kept_away(kernel: Kernel, there: Sequence[Argument]) -> Iterator[Refusal]:
    word = kept_away([argument.text for argument in there], kernel)
    for argument in (each for each in there if each.text == word):
        why = f"{argument.path} says {word}: the kernel never loads a module that takes cards for guests"
        yield Refusal(None, "vfio-blocked", why, f"take it out of {argument.path}, then plan again")


def _too_long(host: Host, there: Sequence[Argument], words: Sequence[str]) -> Iterator[Refusal]:
    """What the files say may lack what the boot loader adds, as the root: the running kernel's is as good."""
    running = () if isinstance(host.kernel.arguments, Unknown) else host.kernel.arguments
    now = max(len(" ".join(running)), len(" ".join(argument.text for argument in there)))
    length = now + len(" ".join(("", *words, *TRIAL)))
    if words and length > _LONGEST:
        why = (
            f"the kernel's arguments would be {length} characters with {' '.join(words)}: it takes {_LONGEST}"
        )
        yield Refusal(None, "arguments-too-long", why, "take out what is not needed, then plan again")


def _unreadable(files: BootFiles, loader: Loader | Unknown, tool: Initramfs | Unknown) -> Iterator[Refusal]:
    """Own files that this host's tools read; those of other families cannot matter here."""
    own = [owned.MODPROBE, owned.MODULES_LOAD, owned.UNIT]
    own += [] if isinstance(loader, Unknown) else loader.own
    own += [] if isinstance(tool, Unknown) else tool.paths
    for path in own:
        state = files.state(path)
        if isinstance(state, Unknown):
            why = f"what is in {path} is not known: {state.why}"
            yield Refusal(None, "boot-files-unknown", why, AS_ROOT)
            return


def _unit(host: Host, unit: GpuUnit, given: Sequence[GpuUnit], *, force: bool) -> Iterator[Refusal]:
    for refusal in refusals_for(host, unit, given, force=force):
        if refusal.cause == _OF_FRAMEBUFFER and not force:
            yield refuse_loss(host, unit, given)
        elif refusal.cause not in _OF_NOW:
            yield refusal
    if unknown := [function for function in unit.functions if isinstance(function.id, Unknown)]:
        yield Refusal(
            unit.address,
            "id-unknown",
            f"{call_unit(unit)}: what {unknown[0].address} is could not be read, so it cannot be known again",
            AS_ROOT,
        )
