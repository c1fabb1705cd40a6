"""Which virtual functions hold vGPUs of a type, where NVIDIA's own VFIO interface cuts the card.

To nova each is a device, and it starts guests with any: one that has no type, or for which the card has no
room, would be sold and could not be had.
"""

from __future__ import annotations

from collections.abc import Sequence

from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciFunction, VgpuType
from gpucloud.model.spec import Pool, VgpuChoice
from gpucloud.model.unknown import Unknown
from gpucloud.slices import offers_of
from gpucloud.slices.name import parse_type_name


def holding(
    vfs: Sequence[PciFunction], choice: VgpuChoice, card: PciAddress, host: Host
) -> tuple[list[PciFunction], list[PciFunction]]:
    """Virtual functions for guests that want the type, and those that are cut into another one.

    The first are those with the type, and of those without any so many as the card says that it has room for,
    in the order in which ``gpucloud boot`` cuts them. What could not be read is taken as it is wanted.
    """
    right: list[PciFunction] = []
    wrong: list[PciFunction] = []
    free: list[PciFunction] = []
    names = {kind.id: kind.name for each in vfs for kind in _kinds(each)}
    for each in vfs:
        current = each.current_vgpu_type
        if not isinstance(current, int) or (current == 0 and _takes(each, choice)):
            free.append(each)
        elif current:
            (right if _is(str(current), choice.type, names.get(str(current))) else wrong).append(each)
    room = _room(choice, card, host)
    taken = [*right, *free[:room]]
    return [each for each in vfs if each in taken], wrong


def _takes(function: PciFunction, choice: VgpuChoice) -> bool:
    kinds = function.vendor_vfio_types
    return not isinstance(kinds, tuple) or any(choice.type in (each.id, each.name) for each in kinds)


def _is(kind: str, wanted: str, name: str | None | Unknown) -> bool:
    """Claims that a type is the wanted one; a card that is full does not tell its types' names any more."""
    return kind == wanted or name == wanted or (not isinstance(name, str) and not wanted.isdigit())


def _kinds(function: PciFunction) -> tuple[VgpuType, ...]:
    return function.vendor_vfio_types if isinstance(function.vendor_vfio_types, tuple) else ()


def _room(choice: VgpuChoice, card: PciAddress, host: Host) -> int | None:
    """How many of the type the card takes; None where that is not known."""
    offer = next((each for each in offers_of(host) if each.unit == card), None)
    kinds = () if offer is None else offer.profiles
    kind = next((each for each in kinds if choice.type in (each.id, each.name)), None)
    return kind.fits if kind is not None and isinstance(kind.fits, int) else None


def unnamed(vfs: Sequence[PciFunction], wanted: str) -> tuple[str, ...]:
    """Numbers of types that functions hold and a full card does not name: taken for the wanted one."""
    names = {kind.id: kind.name for each in vfs for kind in _kinds(each)}
    held = dict.fromkeys(
        str(each.current_vgpu_type) for each in vfs if isinstance(each.current_vgpu_type, int)
    )
    held.pop("0", None)
    return tuple(kind for kind in held if kind != wanted and not isinstance(names.get(kind), str))


def takes_nothing(function: PciFunction) -> bool:
    """Claims a virtual function that has no vGPU, and of which none can be made now."""
    return function.vendor_vfio_types == () and function.current_vgpu_type == 0


def no_types_yet(pool: Pool, vfs: Sequence[PciFunction]) -> str:
    """Why a card offers no types, by what comes next: virtual functions, MIG instances, then types."""
    said = "offers no vGPU types yet"
    if not vfs:
        return (
            f"{said}: its manager does not run, or its VFs are off, which gpucloud boot makes at each start"
        )
    if pool.mig:
        what = ", ".join(f"{each.count} x {each.profile}" for each in pool.mig)
        return f"{said}: its VFs are on, its MIG instances ({what}) are not made yet: run gpucloud boot there"
    if backed := next((each.type for each in pool.vgpu_types if _is_mig_backed(each.type)), None):
        return (
            f"{said}: its VFs are on, and {backed} is cut from a MIG instance, of which the pool names none: "
            "write mig: {profile: ...} into it, then gpucloud apply --spec FILE there"
        )
    return f"{said}: its VFs are on, so its manager does not run, or the card is in MIG mode: nvidia-smi -q"


def _is_mig_backed(name: str) -> bool:
    parsed = parse_type_name(name)
    return parsed is not None and parsed.mig_slices is not None
