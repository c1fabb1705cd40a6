"""Whether a guest fits this machine: its processor's addresses, and its memory. Pure."""

from __future__ import annotations

from gpucloud.cloud.amounts import format_memory
from gpucloud.cloud.definition.parts import Accelerator, Definition, DiskBoot, Firmware
from gpucloud.cloud.definition.window import OVMF_ADDRESS_BITS, TCG_ADDRESS_BITS
from gpucloud.model.failure import Failure
from gpucloud.model.host import Host


def refuse_narrow_address_space(host: Host, guest: Definition) -> None:
    """Refuse BARs that the guest's processor could not address together with its memory.

    Raises:
        Failure: they do not fit.
    """
    bits = host.cpu.physical_address_bits
    if guest.accelerator is Accelerator.EMULATION:
        bits = TCG_ADDRESS_BITS
    if not isinstance(bits, int):
        return  # QEMU refuses by itself what does not fit
    if isinstance(guest.boot, DiskBoot) and guest.boot.firmware is Firmware.UEFI:
        bits = min(bits, OVMF_ADDRESS_BITS)
    if not guest.window.fits(bits):
        gib = guest.window.wanted_bytes >> 30
        raise Failure(
            f"memory of {guest.memory_mib} MiB and the BARs of these GPUs ({gib} GiB) "
            f"need addresses up to {guest.window.end:#x}, and the guest's processor has {bits} bits",
            "give fewer GPUs or less memory to one guest",
        )


def refuse_scarce_memory(guest: Definition, free_mib: int | None) -> None:
    """Refuse a guest with functions that takes more memory than there is.

    vfio pins all of it at the start (drivers/vfio/vfio_iommu_type1.c): none can be swapped out or shared,
    and a host that runs out of it ends programs of its own.

    Raises:
        Failure: it is not there.
    """
    if free_mib is not None and guest.memory_mib > free_mib:
        wanted, free = format_memory(guest.memory_mib), format_memory(free_mib)
        raise Failure(
            f"the guest is to have {wanted} of memory, with its GPUs all of it at once, and {free} are free",
            "give it less --memory",
        )
