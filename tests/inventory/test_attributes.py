"""Single attributes: what the kernel prints becomes a value, and anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.inventory.pci.attributes import (
    parent_in,
    parse_flag,
    parse_linked,
    parse_modalias,
    parse_numa,
    parse_override,
    parse_resize,
    parse_resource,
    parse_speed,
    parse_width,
    vf_number,
)
from gpucloud.inventory.pci.slices import parse_creatable_types
from gpucloud.model.pci import Bar, PciAddress, PciClass, PciId, VgpuType
from gpucloud.model.unknown import Unknown

_MEBIBYTE = 1 << 20


def test_a_modalias_tells_id_subsystem_and_class() -> None:
    assert parse_modalias("pci:v000010DEd00002330sv000010DEsd000016C1bc03sc02i00") == (
        PciId(0x10DE, 0x2330),
        PciId(0x10DE, 0x16C1),
        PciClass(0x030200),
    )


@pytest.mark.parametrize(
    "text", ["", "usb:v046DpC52B", "pci:v000010DEd00002330sv000010DEsd000016C1bc03sc02i0Z"]
)
def test_what_is_no_modalias_tells_nothing(text: str) -> None:
    assert parse_modalias(text) is None


def test_bars_have_size_place_and_kind_and_empty_lines_are_none() -> None:
    text = (
        "0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200\n"
        "0x0000004000000000 0x000000400fffffff 0x000000000014220c\n"
        "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
        "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
        "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
        "0x000000000000e000 0x000000000000e07f 0x0000000000040101\n"
        "0x00000000f7000000 0x00000000f707ffff 0x0000000000046200\n"
    )
    assert parse_resource(text) == (
        Bar(0, 0xF6000000, 16 * _MEBIBYTE, is_io=False, is_64bit=False, is_prefetchable=False),
        Bar(1, 0x4000000000, 256 * _MEBIBYTE, is_io=False, is_64bit=True, is_prefetchable=True),
        Bar(5, 0xE000, 128, is_io=True, is_64bit=False, is_prefetchable=False),
    )


def test_a_bar_without_room_keeps_its_size() -> None:
    bar = parse_resource("0x0000000000000000 0x0000003fffffffff 0x000000002014220c\n")[0]
    assert (bar.start, bar.size_bytes) == (0, 256 << 30)


@pytest.mark.parametrize("text", ["0x0 0x1", "start end flags", "1 2 3 4"])
def test_lines_that_are_no_resources_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the promise is the type
        parse_resource(text)


def test_the_kernels_own_example_of_resizable_sizes() -> None:
    assert parse_resize("00000000000001c0") == (64 * _MEBIBYTE, 128 * _MEBIBYTE, 256 * _MEBIBYTE)


@given(st.sets(st.integers(0, 43)))
def test_each_bit_of_the_bitmap_is_one_size(bits: set[int]) -> None:
    bitmap = sum(1 << bit for bit in bits)
    assert parse_resize(f"{bitmap:016x}") == tuple(sorted(1 << (bit + 20) for bit in bits))


@pytest.mark.parametrize("text", ["-1", "1" * 17, "", "zz"])
def test_what_is_no_bitmap_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the promise is the type
        parse_resize(text)


@pytest.mark.parametrize(
    ("text", "speed"),
    [("16.0 GT/s PCIe", 16.0), ("8 GT/s", 8.0), ("2.5 GT/s PCIe", 2.5), ("64.0 GT/s PCIe", 64.0)],
)
def test_link_speeds_of_old_and_new_kernels(text: str, speed: float) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["Unknown", "Unknown speed"])
def test_a_speed_that_the_kernel_does_not_know_is_unknown(text: str) -> None:
    assert isinstance(parse_speed(text), Unknown)


def test_a_width_of_255_is_a_card_that_does_not_answer() -> None:
    assert (parse_width("16"), isinstance(parse_width("255"), Unknown)) == (16, True)


def test_numa_node_minus_one_is_unknown_and_not_node_zero() -> None:
    assert parse_numa("-1") == Unknown("the firmware does not say (-1)")
    assert parse_numa("0") == 0


@pytest.mark.parametrize(("text", "driver"), [("(null)", None), ("", None), ("vfio-pci", "vfio-pci")])
def test_no_driver_override_is_printed_as_null(text: str, driver: str | None) -> None:
    assert parse_override(text) == driver


def test_flags_are_zero_or_one() -> None:
    assert (parse_flag("0"), parse_flag("1")) == (False, True)
    with pytest.raises(ValueError):  # noqa: PT011 - the promise is the type
        parse_flag("2")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("consumer:pci:0000:01:00.1", "0000:01:00.1"),
        ("supplier:pci:10000:e1:00.0", "10000:e1:00.0"),
        ("consumer:platform:USBC000:00", None),
        ("driver", None),
    ],
)
def test_device_links_to_pci_functions_are_read_and_others_are_not(name: str, address: str | None) -> None:
    assert parse_linked(name) == (address and PciAddress.parse(address))


def test_virtual_functions_are_numbered() -> None:
    assert [vf_number(name) for name in ("virtfn0", "virtfn15", "virtfn", "physfn")] == [0, 15, None, None]


@pytest.mark.parametrize(
    ("target", "parent"),
    [
        ("../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0", "0000:00:01.0"),
        ("../../../devices/pci0000:00/0000:00:02.0", None),
        ("../../../devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0", None),
    ],
)
def test_the_bridge_above_is_the_part_before_the_last(target: str, parent: str | None) -> None:
    assert parent_in(target) == (parent and PciAddress.parse(parent))


@pytest.mark.parametrize("target", ["", "x", "../../etc/passwd", "a/0000:00:02.0"])
def test_a_link_that_leads_elsewhere_has_no_bridge_above(target: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the promise is the type
        parent_in(target)


@pytest.mark.parametrize("heading", ["ID    : vGPU Name\n", ""])
def test_creatable_types_with_and_without_heading(heading: str) -> None:
    text = heading + "1145  : NVIDIA L40S-1B\n1155  : NVIDIA RTX Pro 6000 Blackwell DC-1-24Q\n"
    assert parse_creatable_types(text) == (
        VgpuType("1145", "NVIDIA L40S-1B", 1),
        VgpuType("1155", "NVIDIA RTX Pro 6000 Blackwell DC-1-24Q", 1),
    )


@given(st.text())
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (parse_resource, parse_resize, parse_speed, parse_width, parse_numa, parse_flag, parent_in):
        try:
            parse(text)
        except ValueError:
            continue
    parse_linked(text)
    parse_modalias(text)
    parse_creatable_types(text)
