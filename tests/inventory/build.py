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
