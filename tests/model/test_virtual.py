"""A virtual function is a unit for who names it, where a guest can have it by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.doctor.build import card, function, host

from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.pci import IommuGroup, PciAddress, PciFunction, VgpuType
from gpucloud.model.units.named import units_named, units_to_give
from gpucloud.model.units.virtual import unit_to_give

CARD = PciAddress.parse("0000:3b:00.0")
AMDS = "1002:74b5"
VF = "3b:02.0"


def host_with(*virtual: PciFunction) -> Host:
    made = host(card("3b:00", "amdgpu"), others=virtual)
    own = {str(each.address): each.address for each in virtual}
    groups = {7: IommuGroup(7, "DMA", tuple(own.values()))}
    return replace(made, iommu=replace(made.iommu, groups=groups))


def virtual(address: str = VF, ident: str = AMDS, **changes: object) -> PciFunction:
    return replace(function(address, ident=ident, group=7, physical_function=CARD), **changes)  # type: ignore[arg-type]  # tests name the field they change


def test_it_is_a_unit_of_one_function_with_its_own_group() -> None:
    (unit,) = units_to_give(host_with(virtual(), virtual("3b:02.1")), [VF])
    assert [str(each) for each in unit.addresses] == ["0000:3b:02.0"]
    assert unit.groups == (7,)
    assert [str(each) for each in unit.group_peers] == ["0000:3b:02.1"]
    assert unit.uses == ("passthrough",)


def test_a_card_is_named_as_before() -> None:
    (unit,) = units_to_give(host_with(virtual()), ["3b:00.0"])
    assert unit.address == CARD


def test_who_asks_for_cards_is_told_what_it_is() -> None:
    with pytest.raises(Failure, match=r"0000:3b:02\.0 is a virtual function of 0000:3b:00\.0, and no card"):
        units_named(host_with(virtual()), [VF])


@pytest.mark.parametrize(
    "slice_",
    [
        virtual(ident="10de:20b5"),
        virtual(mdev_types=(VgpuType("i915-GVTg_V5_4", None, 1, None),)),
        virtual(physical_function=None, pci_class=function("00:01.0", kind="ethernet").pci_class),
    ],
    ids=["NVIDIA's", "with mediated devices", "of no card"],
)
def test_what_a_guest_cannot_have_by_itself_is_none(slice_: PciFunction) -> None:
    assert unit_to_give(host_with(slice_), slice_.address) is None
