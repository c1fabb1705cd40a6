"""Which virtual function a guest gets that asks for a vGPU over NVIDIA's own VFIO by its type. Pure."""

from __future__ import annotations

from gpucloud.cloud.claims import Claims
from gpucloud.cloud.eligible import NotFree, refuse
from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress
from gpucloud.model.units.virtual import slice_to_give
from gpucloud.model.unknown import Unknown

_LOOK = "gpucloud vgpu list shows those there are"


def is_typed(wish: str) -> bool:
    """Claims that it is a type's number: ids of mediated types begin with their driver's name.

    Sources: NVIDIA vGPU software documentation, ``current_vgpu_type``; drivers/vfio/mdev/mdev_sysfs.c,
    ``mdev_type_add``.
    """
    return wish.isdecimal() and wish.isascii()


def typed_functions(host: Host, type_: str) -> tuple[PciAddress, ...]:
    """The virtual functions that are vGPUs of a type, by address.

    Raises:
        Failure: the functions of the host, or the type of one, could not be read.
    """
    if isinstance(host.functions, Unknown):
        raise Failure(f"which vGPUs are there is not known: {host.functions.why}", "run as root")
    for address, function in sorted(host.functions.items()):
        if isinstance(now := function.current_vgpu_type, Unknown):
            raise Failure(
                f"which vGPU {address} is could not be read ({now.why})", "run as root, or name one"
            )
    found = (at for at, each in host.functions.items() if each.current_vgpu_type == int(type_) > 0)
    return tuple(sorted(found))


def choose_typed(host: Host, claims: Claims, type_: str) -> PciAddress:
    """The lowest virtual function of a type that no guest has or is defined with.

    Raises:
        Failure: none is of the type, or none of these is free, or that could not be read.
    """
    refusals: list[NotFree] = []
    for address in typed_functions(host, type_):
        unit = slice_to_give(host, address)
        refusal = None if unit is None else refuse(host, unit, claims)
        if unit is not None and refusal is None:
            return address
        refusals += [refusal] if refusal is not None else []
    if refusals:
        first = refusals[0]
        what = f"no vGPU of type {type_} is free: of {len(refusals)} the first, {first.unit}: {first.why}"
        raise Failure(what, _LOOK)
    what = f"no virtual function here is a vGPU of type {type_}"
    raise Failure(what, f"make one where it fits: gpucloud vgpu create {type_} --on ADDRESS")
