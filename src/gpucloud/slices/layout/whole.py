"""A card that is to be whole again: no MIG instance, no virtual function, no MIG mode.

Order: instances, virtual functions, mode: with virtual functions on the driver keeps the mode, and undo has
them back before instances, which NVIDIA's tool for them would remove.
"""

from __future__ import annotations

from gpucloud.model.change import SetMigMode, SwitchVfs
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown
from gpucloud.slices.layout.draft import Draft
from gpucloud.slices.layout.instances import plan_instances, refuse_open
from gpucloud.slices.mig.card import MigCard


def plan_whole(draft: Draft) -> None:
    """Plan a card of NVIDIA's whose line says so. vGPUs want a line of their own before."""
    offer = draft.offer
    if not isinstance(offer.unit, PciAddress):
        draft.refuse("it is no PCI device, and has nothing to be whole of: write none")
    elif isinstance(offer.slices, Unknown):
        draft.refuse(f"what it is cut into cannot be told: {offer.slices.why}")
    elif others := [each.name for each in offer.slices if not each.is_gpu_instance]:
        draft.refuse(
            f"slices are cut of it ({', '.join(others)}): take them first, with a line that says none"
        )
    elif isinstance(offer.vfs, Unknown):
        draft.refuse(f"whether its virtual functions are on cannot be told: {offer.vfs.why}")
    elif isinstance(offer.mig, Unknown):
        draft.refuse(f"whether it has MIG cannot be told: {offer.mig.why}")
    elif isinstance(offer.mig, MigCard) and isinstance(offer.mig.is_on, Unknown):
        why = offer.mig.is_on.why
        draft.refuse(f"whether it is in MIG mode cannot be told ({why}): nvidia-smi -q -x, with --smi")
    else:
        _take(draft, offer.vfs, offer.mig)


def _take(draft: Draft, vfs: tuple[PciAddress, ...], mig: MigCard | None) -> None:
    is_on = mig is not None and mig.is_on is True
    if is_on:
        plan_instances(draft)
    if vfs:
        draft.changes.append(SwitchVfs(address=draft.card, before=len(vfs), after=0))
    if mig is not None and isinstance(mig.pending, bool) and mig.pending is not is_on:
        draft.refuse("its MIG mode waits for a reset: end what has it open, then: nvidia-smi --gpu-reset")
    elif is_on:
        refuse_open(draft)
        draft.changes.append(SetMigMode(address=draft.card, before=True, after=False))
