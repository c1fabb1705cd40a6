"""PCI functions in the paths of sysfs."""

from __future__ import annotations

from gpucloud.model.pci import PciAddress


def functions_in(target: str) -> tuple[PciAddress, ...]:
    """The functions that a device hangs on, from the path it has below /sys/devices.

    ``../../devices/pci0000:00/0000:00:1f.2/ata1/host0/.../block/sda``: the last address. A controller
    that makes a PCI domain of its own (Intel VMD) is followed by ``pciDDDDD:BB`` and counts too; the
    bridges on the way do not.
    """
    parts = target.split("/")
    found: list[PciAddress] = []
    last: PciAddress | None = None
    for part in parts:
        if part.startswith("pci") and last is not None:
            found.append(last)
        try:
            last = PciAddress.parse(part)
        except ValueError:  # no part of the PCI tree
            continue
    return (*found, last) if last is not None else ()
