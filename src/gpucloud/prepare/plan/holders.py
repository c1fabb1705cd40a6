"""Who holds a function, and how to make them let go.

Unbinding a GPU that a process has open can wait for ever: nvidia's ``nv_pci_remove`` waits until nobody
has the device open (kernel-open/nvidia/nv-pci.c; OpenNebula/one-deploy#251), ``snd_card_free`` for open sound
devices (sound/core/init.c), ``vfio_unregister_group_dev`` for the guest. So holders are named first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.holders import keeps_driver, release_command
from gpucloud.model.pci import Holder, PciFunction
from gpucloud.model.plan import Refusal
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.plan.wording import AS_ROOT, call_unit, join


def holder_refusals(unit: GpuUnit, functions: Sequence[PciFunction]) -> Iterator[Refusal]:
    """Who keeps these functions of the unit from being taken, or that this could not be seen."""
    held: dict[Holder, None] = {}
    unseen: list[PciFunction] = []
    for function in functions:
        if function.driver is None:
            continue
        if isinstance(function.holders, Unknown):
            unseen.append(function)
        else:
            held.update(dict.fromkeys(filter(keeps_driver, function.holders)))
    if unseen:
        yield _unreadable(unit, unseen)
    if held:
        yield Refusal(
            unit.address,
            "gpu-in-use",
            f"{call_unit(unit)} is in use by {name_holders(tuple(held))}; "
            "its driver may never let go while it is open",
            f"first: {how_to_release(tuple(held))}",
        )


def _unreadable(unit: GpuUnit, unseen: Sequence[PciFunction]) -> Refusal:
    names = join([function.address.short for function in unseen])
    reasons = [function.holders.why for function in unseen if isinstance(function.holders, Unknown)]
    return Refusal(
        unit.address,
        "holders-unknown",
        f"{call_unit(unit)}: who has {names} open could not be seen ({reasons[0]}); "
        "taking it from a process can hang for ever",
        AS_ROOT,
    )


def name_holders(holders: Sequence[Holder]) -> str:
    """``guest web1 (qemu-system-x86, process 812, /dev/vfio/19) and Xorg (process 7, /dev/dri/card0)``."""
    nodes: dict[Holder, dict[str, None]] = {}
    for holder in holders:
        nodes.setdefault(replace(holder, node=""), {})[holder.node] = None
    return join([_name(holder, ", ".join(opened)) for holder, opened in nodes.items()])


def _name(holder: Holder, nodes: str) -> str:
    where = f"process {holder.pid}, {nodes}"
    return (
        f"guest {holder.guest} ({holder.process}, {where})" if holder.guest else f"{holder.process} ({where})"
    )


def how_to_release(holders: Sequence[Holder]) -> str:
    """The commands that make the holders let go, each once, in order."""
    return join(list(dict.fromkeys(_release(holder) for holder in holders)))


def _release(holder: Holder) -> str:
    command = release_command(holder)
    if holder.guest:
        return f"end the guest: {command} (or virsh shutdown {holder.guest})"
    return f"end {holder.process}: {command}" if command.startswith("kill ") else command
