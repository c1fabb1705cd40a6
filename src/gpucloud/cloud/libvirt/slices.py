"""What a guest that is there can be given: a mediated device, or a virtual function."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Protocol

from gpucloud.cloud.definition.render import mediated_device, virtual_function
from gpucloud.cloud.libvirt.domain import Domain
from gpucloud.cloud.libvirt.machine.devices import Devices
from gpucloud.cloud.libvirt.machine.mdevs import Mdevs
from gpucloud.model.pci import PciAddress


class Slice(Protocol):
    """One of them."""

    @property
    def name(self) -> str:
        """Its UUID, or its address."""
        ...

    @property
    def xml(self) -> str:
        """As libvirt is told of it."""
        ...

    def is_in(self, domain: Domain) -> bool:
        """Claims that libvirt shows it with the guest."""
        ...

    def is_free(self) -> bool:
        """Claims that no process holds it."""
        ...


@dataclass(frozen=True, slots=True)
class MediatedSlice:
    """A mediated device."""

    name: str
    mdevs: Mdevs

    @property
    def xml(self) -> str:
        return ET.tostring(mediated_device(self.name), encoding="unicode")

    def is_in(self, domain: Domain) -> bool:
        return self.name in domain.vgpus

    def is_free(self) -> bool:
        return self.mdevs.is_free(self.name)


@dataclass(frozen=True, slots=True)
class FunctionSlice:
    """A virtual function, which has an IOMMU group of its own."""

    address: PciAddress
    devices: Devices

    @property
    def name(self) -> str:
        return str(self.address)

    @property
    def xml(self) -> str:
        return ET.tostring(virtual_function(self.address), encoding="unicode")

    def is_in(self, domain: Domain) -> bool:
        return self.address in domain.functions

    def is_free(self) -> bool:
        return self.devices.is_free(self.address)
