"""Short ways to a host for tests of the inventory."""

from __future__ import annotations

from pathlib import Path

from tests.host_tree import HostTree

from gpucloud.inventory import read_host
from gpucloud.inventory.live import LiveReader
from gpucloud.inventory.pci.names import PciNames
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciFunction
from gpucloud.model.unknown import Unknown

NAMES = PciNames(b"10de  NVIDIA Corporation\n\t1db4  GV100GL [Tesla V100 PCIe 16GB]\n1002  AMD\n")


def read(tree: HostTree | Path) -> Host:
    """Read a tree as a running host is read."""
    root = tree.root if isinstance(tree, HostTree) else tree
    return read_host(LiveReader(root), NAMES)


def function(host: Host, address: str) -> PciFunction:
    """One function of a host whose functions are known."""
    assert not isinstance(host.functions, Unknown)
    return host.functions[PciAddress.parse(address)]


def addresses(*texts: str) -> tuple[PciAddress, ...]:
    return tuple(PciAddress.parse(text) for text in texts)


def add_many_processors(tree: HostTree, *, count: int = 1024, interrupts: int = 1700) -> None:
    """Let a host have so many processors and interrupts that /proc/interrupts is longer than any file read.

    As show_interrupts() of kernel/irq/proc.c prints it; the IO-APIC's interrupts come first.
    """
    zeros = "         0 " * count
    chips = [f"IR-IO-APIC    {number}-edge" for number in range(16)]
    chips += [
        f"IR-PCI-MSIX-0000:c1:00.0   {number}-edge      mlx5_comp{number}" for number in range(interrupts)
    ]
    lines = [f"{number:5}: {zeros} {chip}" for number, chip in enumerate(chips)]
    tree.write("proc/interrupts", "\n".join(["CPU" * count, *lines]))
    flags = " ".join(["svm", *(f"flag{number}" for number in range(150))])
    processor = f"vendor_id\t: AuthenticAMD\nflags\t\t: {flags}\naddress sizes\t: 52 bits physical\n"
    tree.write("proc/cpuinfo", "\n".join(f"processor\t: {number}\n{processor}" for number in range(count)))
