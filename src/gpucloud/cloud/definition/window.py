"""Room for large BARs in the guest's address space: how much, and whether it fits.

Sources, read in their code:

* QEMU ``hw/pci-host/q35.c``: the 64-bit PCI window is 32 GiB unless ``pci-hole64-size`` says otherwise;
  it starts at the next GiB above memory.
* QEMU ``hw/i386/pc.c`` (7.1 and newer): a guest whose memory and window do not fit below
  ``2**phys-bits`` is refused ("phys-bits too low"). On AMD processors, memory above 4 GiB moves to
  1 TiB where memory and window would reach the HyperTransport range at 0xfd00000000.
* QEMU ``target/i386/cpu.h``: without KVM the guest has 40 bits (``TCG_PHYS_ADDR_BITS``).
* edk2 ``OvmfPkg/Library/PlatformInitLib/MemDetect.c``: the window of OVMF is 32 GiB, or since
  edk2-stable202211 an eighth of the address space where the number of bits is believed, or what
  ``opt/ovmf/X-PciMmio64Mb`` says (at most 16 TiB; since edk2-stable202505 unconditionally). It is
  aligned to the largest power of two in its size. OVMF uses at most 46 bits without 5-level paging.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpucloud.model.pci import Bar, PciFunction

GIB = 1 << 30
DEFAULT_WINDOW_BYTES = 32 * GIB
OVMF_LARGEST_WINDOW_BYTES = 16 << 40
OWN_DEVICES_BYTES = GIB
"""Room for the 64-bit BARs of the guest's own devices: some kilobytes each."""
TCG_ADDRESS_BITS = 40
OVMF_ADDRESS_BITS = 46
AMD_HYPERTRANSPORT_START = 0xFD_0000_0000
AMD_ABOVE_HYPERTRANSPORT = 1 << 40


@dataclass(frozen=True, slots=True)
class Window:
    """The guest's 64-bit PCI window, where functions with 64-bit BARs live."""

    wanted_bytes: int
    """What the BARs need; 0: there are none, and it does not matter where the window is."""
    size_bytes: int
    end: int
    """The first address above it: everything must be below ``2**address_bits``."""

    @property
    def is_default(self) -> bool:
        """Claims that firmware and QEMU give a window of that size without being asked."""
        return self.size_bytes == DEFAULT_WINDOW_BYTES

    def fits(self, address_bits: int) -> bool:
        """Claims that a processor with that many physical address bits reaches all that is wanted."""
        return not self.wanted_bytes or self.end <= 1 << address_bits


def round_up_to_power_of_two(number: int) -> int:
    """The smallest power of two that is not below the number (1 for nothing)."""
    return 1 << max(number - 1, 0).bit_length()


def slot_bytes(functions: Sequence[PciFunction]) -> int:
    """What one root port needs above 4 GiB: its 64-bit BARs, as one naturally aligned power of two.

    BARs are powers of two, so the largest first fill any aligned power of two that holds their sum.
    """
    total = sum(bar.size_bytes for function in functions for bar in _wide_bars(function))
    return round_up_to_power_of_two(total) if total else 0


def _wide_bars(function: PciFunction) -> Sequence[Bar]:
    if not isinstance(function.bars, tuple):
        return ()
    return [bar for bar in function.bars if bar.is_64bit and not bar.is_io]


def fit_window(slots: Sequence[Sequence[PciFunction]], memory_mib: int, *, is_amd: bool) -> Window:
    """Size the window for functions by slot, and place it above memory.

    Memory counts whole above 4 GiB: some of it lies below, but never more than it needs above.
    """
    wanted = sum(slot_bytes(functions) for functions in slots)
    size = max(round_up_to_power_of_two(wanted + OWN_DEVICES_BYTES), DEFAULT_WINDOW_BYTES)
    end = _end(4 * GIB, memory_mib, size)
    if is_amd and end > AMD_HYPERTRANSPORT_START:
        end = _end(AMD_ABOVE_HYPERTRANSPORT, memory_mib, size)
    return Window(wanted, size, end)


def _end(memory_start: int, memory_mib: int, size: int) -> int:
    """Where a window of that size ends that starts above memory, aligned to its own size."""
    top = memory_start + (memory_mib << 20)
    return -(-top // size) * size + size
