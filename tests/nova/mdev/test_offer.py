"""Types that nova is told, and what the GPUs of a host offer."""

from __future__ import annotations

from gpucloud.model.unknown import Unknown
from gpucloud.nova.machine import Device, DeviceType, Machine
from gpucloud.nova.mdev import MdevSection, MdevTypes, choose_types, parents_of
from gpucloud.nova.releases.release import parse_release

ONE, OTHER, SOUND = "0000:3b:00.0", "0000:5e:00.0", "0000:3b:00.1"


def device(address: str, *types: str) -> Device:
    return Device(address, "10de", "1eb8", DeviceType.PCI, mdev_types=types)


HOST = Machine(
    {ONE: device(ONE, "a", "b"), OTHER: device(OTHER, "b"), SOUND: device(SOUND)},
    unread=("0000:86:00.0: ids: permission denied",),
)


def told(*addresses: str, release: str = "34", names: tuple[str, ...] = ("a", "b")) -> MdevTypes:
    sections = {"a": MdevSection(addresses, "CUSTOM_A")}
    known = choose_types(names, sections, parse_release(release), virtual_parents=("mtty_mtty",))
    assert isinstance(known, MdevTypes)
    return known


def test_a_named_gpu_gets_its_type_and_all_others_the_one_without_addresses() -> None:
    found = {
        each.address: (each.type, each.resource_class, each.is_named) for each in parents_of(told(ONE), HOST)
    }
    assert found == {ONE: ("a", "CUSTOM_A", True), OTHER: ("b", "VGPU", False)}


def test_a_gpu_that_is_not_there_offers_nothing_and_one_that_was_not_read_is_not_known() -> None:
    named = told("0000:99:00.0", "0000:86:00.0", "mtty_mtty", names=("a",))
    offers = {each.address: each.offers for each in parents_of(named, HOST)}
    assert offers["0000:99:00.0"] is None
    assert isinstance(offers["0000:86:00.0"], Unknown)
    assert isinstance(offers["mtty_mtty"], Unknown)


def test_until_28_the_only_type_is_for_all_gpus() -> None:
    found = parents_of(told(ONE, release="28", names=("b",)), HOST)
    assert [(each.address, each.is_right) for each in found] == [(ONE, True), (OTHER, True)]
