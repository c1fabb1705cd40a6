"""The screen of the host: the last console GPU is not given away unless the user accepts to lose it.

How the kernel behaves (read in 6.1): a PCI framebuffer driver (aty128fb, radeonfb, every DRM driver with
fbdev emulation) may be unbound under the text console: ``unregister_framebuffer`` moves fbcon to another
framebuffer or off the screen (drivers/video/fbdev/core/fbcon.c, ``fbcon_fb_unbind``). Before 5.3 it could
refuse, and the driver freed the memory all the same ("fbdev: make unregister/unlink functions not fail"). So
the text consoles are taken off fbcon first, as a step of its own: safe everywhere, shown in the plan, checked
by undo. Who has ``/dev/fbN`` open is refused as a holder.

Boot framebuffers are platform devices that keep memory inside a BAR ("BAR 1: can't reserve"). efifb and
vesafb free it when their driver is unbound. simpledrm and simplefb do not: the device's own resource, BOOTFB,
stays (drivers/firmware/sysfb_simplefb.c), and only a native driver or the kernel's start can remove it.

At a start vfio-pci comes before any native driver. From 6.0 on it removes them itself from a VGA controller
(d17378062079 "vfio/pci: Remove console drivers": drivers/vfio/pci/vfio_pci_core.c, ``vfio_pci_vga_init``),
and from no display controller of another class. Where it does not, none may come about: all of them are made
of the device that ``sysfb_init`` makes (drivers/firmware/sysfb.c, before 5.15 arch/x86/kernel/sysfb.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from gpucloud.model.change import DetachConsole, ReleaseFramebuffer
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Framebuffer, Host
from gpucloud.model.pci import PciClass, PciFunction
from gpucloud.model.plan import Refusal
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.plan.vfio import leaves_group_viable
from gpucloud.prepare.plan.wording import AS_ROOT, call_unit, join

_DISPLAY_KINDS = (0x0300, 0x0380)
"""VGA and display controllers have outputs; 3D controllers (0302) and accelerators (1200) have none."""

_RELEASABLE = {"efifb": "efi-framebuffer", "vesafb": "vesa-framebuffer"}
"""Boot framebuffers whose memory is free once their driver is unbound, by the driver's name."""

NO_BOOT_FRAMEBUFFER = "initcall_blacklist=sysfb_init"
"""The argument with which the kernel makes no boot framebuffer at all
(Documentation/admin-guide/kernel-parameters.txt: ``initcall_blacklist``)."""

_VGA = 0x0300
_REMOVED_SINCE = (6, 0)
_RELEASE = re.compile(r"(\d+)\.(\d+)", re.ASCII)

_FBCON = "frame buffer device"
"""fbcon's description of itself (drivers/video/fbdev/core/fbcon.c, ``fbcon_startup``)."""


def console_refusals(
    host: Host, unit: GpuUnit, asked: Sequence[GpuUnit], *, force: bool
) -> Iterator[Refusal]:
    """Why the unit has to stay for the console's sake; nothing where it may go."""
    unknown = _unknown(host, unit)
    stuck = [name for name in _boot_framebuffers(host, unit) if name not in _RELEASABLE]
    if stuck:
        yield _firmware_keeps(unit, stuck)
    elif [each.name for each in _unplaced(host, unit) if each.name not in _RELEASABLE]:
        why = f"whether the boot framebuffer keeps memory of it is not known: {unknown}"
        yield Refusal(unit.address, "console-unknown", f"{call_unit(unit)}: {why}", AS_ROOT)
    elif unknown is not None and not force:
        yield _refuse(unit, "console-unknown", f"whether the console is on it is not known: {unknown}")
    elif not force and (reason := loss(host, unit, asked)) is not None:
        yield _refuse(unit, "last-console", reason)
    elif force and _loses(host, unit, asked) and isinstance(host.consoles, Unknown):
        yield Refusal(
            unit.address,
            "console-unknown",
            f"{call_unit(unit)}: {host.consoles.why}, so undo could not bring the console back",
            AS_ROOT,
        )


def console_changes(
    host: Host, unit: GpuUnit, asked: Sequence[GpuUnit]
) -> Iterator[DetachConsole | ReleaseFramebuffer]:
    """What has to happen before the unit's drivers are taken, where the console is on it."""
    if not _loses(host, unit, asked):
        return
    if not isinstance(host.consoles, Unknown):
        for console in host.consoles:
            if console.driver == _FBCON and console.is_bound:
                yield DetachConsole(console.name, console.driver)
    for name in dict.fromkeys(_boot_framebuffers(host, unit)):
        yield ReleaseFramebuffer(f"{_RELEASABLE[name]}.0", _RELEASABLE[name])


def keeps_at_start(host: Host, unit: GpuUnit) -> bool:
    """Claims that a boot framebuffer would keep memory of the unit at a start, whoever has the unit then.

    A kernel that runs without any shows none; it stays told so as long as the unit has outputs.
    """
    arguments = () if isinstance(host.kernel.arguments, Unknown) else host.kernel.arguments
    is_told = NO_BOOT_FRAMEBUFFER in arguments and _can_display(unit)
    return (is_told or bool(_boot_framebuffers(host, unit))) and not _is_removed_by_vfio(host, unit)


def _is_removed_by_vfio(host: Host, unit: GpuUnit) -> bool:
    kinds = {each.pci_class.kind for each in unit.functions if isinstance(each.pci_class, PciClass)}
    release = host.kernel.release
    match = _RELEASE.match(release) if isinstance(release, str) else None
    is_new = match is not None and (int(match[1]), int(match[2])) >= _REMOVED_SINCE
    return is_new and kinds.intersection(_DISPLAY_KINDS) == {_VGA}


def refuse_loss(host: Host, unit: GpuUnit, asked: Sequence[GpuUnit]) -> Refusal:
    """The refusal of a unit that has the boot framebuffer, where that alone is in the way."""
    return _refuse(unit, "last-console", loss(host, unit, asked) or "the boot framebuffer is on it")


def loss(host: Host, unit: GpuUnit, asked: Sequence[GpuUnit]) -> str | None:
    """What of the console would be lost with the unit, in words; None: nothing."""
    signs = _signs(unit)
    boot = _boot_framebuffers(host, unit)
    if boot:
        return f"the boot framebuffer ({join(list(dict.fromkeys(boot)))}) is on it"
    if not signs or _others(host, asked):
        return None
    return f"it is the last GPU that shows the console ({join(signs)})"


def _loses(host: Host, unit: GpuUnit, asked: Sequence[GpuUnit]) -> bool:
    return loss(host, unit, asked) is not None or (
        _unknown(host, unit) is not None and not _others(host, asked)
    )


def _refuse(unit: GpuUnit, cause: str, why: str) -> Refusal:
    return Refusal(
        unit.address,
        cause,
        f"{call_unit(unit)}: {why}; without it the host has no screen",
        "if the host is reached over the network or a serial line, accept that: --force",
    )


def _firmware_keeps(unit: GpuUnit, names: Sequence[str]) -> Refusal:
    return Refusal(
        unit.address,
        "boot-framebuffer-holds-gpu",
        f"{call_unit(unit)}: the boot framebuffer ({join(list(dict.fromkeys(names)))}) keeps memory of its "
        "BARs, and the running kernel cannot take that from it and give it back",
        "make another display the boot display in the firmware, or start the kernel with "
        "initcall_blacklist=sysfb_init: gpucloud explain boot-framebuffer-holds-gpu",
    )


def _signs(unit: GpuUnit) -> list[str]:
    """What shows that the console is on the unit."""
    signs = ["it is the boot VGA device"] if any(f.is_boot_vga is True for f in unit.functions) else []
    for function in unit.functions:
        nodes = () if isinstance(function.device_nodes, Unknown) else function.device_nodes
        signs += [f"{node} is on it" for node in nodes if node.startswith("/dev/fb")]
    return signs


def _unknown(host: Host, unit: GpuUnit) -> str | None:
    """Why it cannot be said whether the console is on the unit; None where it can."""
    if not _can_display(unit):
        return None
    facts: list[object] = [function.is_boot_vga for function in unit.functions]
    facts += [function.device_nodes for function in unit.functions]
    facts.append(host.framebuffers)
    if _unplaced(host, unit):
        facts += [function.bars for function in unit.functions]
    return next((fact.why for fact in facts if isinstance(fact, Unknown)), None)


def _can_display(unit: GpuUnit) -> bool:
    kinds = (function.pci_class for function in unit.functions)
    return any(isinstance(kind, PciClass) and kind.kind in _DISPLAY_KINDS for kind in kinds)


def _others(host: Host, asked: Sequence[GpuUnit]) -> list[GpuUnit]:
    """Units that stay and show the console, or could: they have outputs and a driver that uses them."""
    going = {unit.address for unit in asked}
    staying = (unit for unit in host.units if unit.address not in going)
    return [unit for unit in staying if _can_display(unit) and _is_used(host, unit)]


def _is_used(host: Host, unit: GpuUnit) -> bool:
    """Claims a host driver, or the console without one; what was given away shows nothing any more."""
    driver = unit.primary.driver
    if driver is None:
        return bool(_signs(unit) or _boot_framebuffers(host, unit))
    return isinstance(driver, str) and not leaves_group_viable(driver)


def _boot_framebuffers(host: Host, unit: GpuUnit) -> list[str]:
    """Names of boot framebuffers that have memory inside a BAR of the unit."""
    if isinstance(host.framebuffers, Unknown):
        return []
    return [each.name for each in host.framebuffers if _is_inside(each, unit.functions)]


def _unplaced(host: Host, unit: GpuUnit) -> list[Framebuffer]:
    """Boot framebuffers that may be inside an unknown BAR of the unit, as no known BAR has them."""
    is_known = not any(isinstance(function.bars, Unknown) for function in unit.functions)
    if is_known or isinstance(host.framebuffers, Unknown) or not _can_display(unit):
        return []
    functions = unit.functions if isinstance(host.functions, Unknown) else host.functions.values()
    return [each for each in host.framebuffers if not _is_inside(each, functions)]


def _is_inside(framebuffer: Framebuffer, functions: Iterable[PciFunction]) -> bool:
    for function in functions:
        bars = () if isinstance(function.bars, Unknown) else function.bars
        for bar in bars:
            if bar.start <= framebuffer.start < bar.start + bar.size_bytes and not bar.is_io:
                return True
    return False
