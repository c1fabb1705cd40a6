"""A host's functions, or a list in JSON, as the devices that nova would be told of."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.doctor.build import function, host

from gpucloud.model.failure import Failure
from gpucloud.model.pci import PciAddress, PciId, Sriov, VgpuType
from gpucloud.model.unknown import Unknown
from gpucloud.nova.machine import DeviceType, Machine, machine_of, parse_devices

UNREAD = Unknown("permission denied")


def test_the_kernels_facts_say_what_nova_calls_a_function() -> None:
    pf = replace(function("3b:00.0"), sriov=Sriov(16, 0, ()), numa_node=1)
    vf = replace(function("3b:00.4"), physical_function=PciAddress(0, 0x3B, 0, 0), numa_node=-1)
    plain = replace(function("5e:00.0"), id=PciId(0x1002, 0x740F))
    machine = machine_of(host(others=[pf, vf, plain]))
    assert {address: device.type for address, device in machine.devices.items()} == {
        "0000:3b:00.0": DeviceType.PF,
        "0000:3b:00.4": DeviceType.VF,
        "0000:5e:00.0": DeviceType.PCI,
    }
    assert machine.devices["0000:3b:00.4"].parent == "0000:3b:00.0"
    assert [machine.devices[f"0000:3b:00.{n}"].numa_node for n in (0, 4)] == [1, None]
    assert machine.devices["0000:5e:00.0"].vendor_id == "1002"


def test_mdev_types_are_those_of_the_function_or_not_known() -> None:
    gpu = replace(function("3b:00.0"), mdev_types=(VgpuType("nvidia-222", "GRID T4-1B", 16),))
    machine = machine_of(host(others=[gpu, replace(function("5e:00.0"), mdev_types=UNREAD)]))
    assert [each.mdev_types for each in machine.devices.values()] == [("nvidia-222",), UNREAD]
    listed = {"address": "0000:3b:00.0", "vendor_id": "10de", "product_id": "1eb8"}
    (card,) = parse_devices(json.dumps([{**listed, "mdev_types": ["nvidia-222"]}])).devices.values()
    assert card.mdev_types == ("nvidia-222",)
    with pytest.raises(Failure, match="mdev_types is no list of names"):
        parse_devices(json.dumps([{**listed, "mdev_types": [1]}]))


def test_a_card_whose_vfs_cannot_be_on_is_a_plain_device() -> None:
    machine = machine_of(host(others=[replace(function("3b:00.0"), sriov=Sriov(0, 0, ()))]))
    assert machine.devices["0000:3b:00.0"].type is DeviceType.PCI


def test_what_was_not_read_is_named_and_left_out() -> None:
    functions = [
        replace(function("01:00.0"), id=UNREAD),
        replace(function("02:00.0"), sriov=UNREAD),
        replace(function("03:00.0"), physical_function=UNREAD),
        replace(function("04:00.0"), sriov=Sriov(UNREAD, UNREAD, ())),
        replace(function("05:00.0"), numa_node=UNREAD),
    ]
    machine = machine_of(host(others=functions))
    assert list(machine.devices) == ["0000:05:00.0"]
    assert [line.partition(": ")[0] for line in machine.unread] == [f"0000:0{n}:00.0" for n in range(1, 6)]


def test_a_list_in_novas_own_words_is_read() -> None:
    vf = {"address": "0000:3B:00.4", "vendor_id": "0x10DE", "product_id": "25b6", "dev_type": "type-VF"}
    machine = parse_devices(json.dumps([{**vf, "parent_addr": "0000:3b:00.0", "numa_node": -1}]))
    device = machine.devices["0000:3b:00.4"]
    assert (device.vendor_id, device.type, device.parent, device.numa_node) == (
        "10de",
        DeviceType.VF,
        "0000:3b:00.0",
        None,
    )


_GOOD = {"address": "0000:3b:00.0", "vendor_id": "10de", "product_id": "1eb8"}


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (1, "device 1 is not an object"),
        ({**_GOOD, "address": "3b:00.0"}, "device 1: address"),
        ({**_GOOD, "vendor_id": "10d"}, "device 1: vendor_id"),
        ({**_GOOD, "dev_type": "PF"}, "device 1: dev_type"),
        ({**_GOOD, "dev_type": "type-VF"}, "has no parent_addr"),
        ({**_GOOD, "numa_node": True}, "device 1: numa_node"),
        ({**_GOOD, "card_serial_number": 5}, "device 1: card_serial_number"),
    ],
)
def test_a_device_that_says_too_little_is_named(device: object, said: str) -> None:
    with pytest.raises(Failure, match=said):
        parse_devices(json.dumps([device]))


@given(st.text(max_size=40))
def test_whatever_text_it_is_the_answer_is_a_machine_or_a_failure(text: str) -> None:
    with contextlib.suppress(Failure):
        assert isinstance(parse_devices(text), Machine)
