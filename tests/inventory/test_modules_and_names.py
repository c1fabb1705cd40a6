"""Which modules would claim a device, and what vendors and devices are called."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.inventory.pci.names import NewestNames, PciNames
from gpucloud.inventory.system.modules import Aliases, module_names, parse_aliases, parse_builtin_aliases
from gpucloud.model.pci import PciId

_H100 = "pci:v000010DEd00002330sv000010DEsd000016C1bc03sc02i00"


def test_modules_come_in_the_order_of_the_file_each_once() -> None:
    text = (
        "# Aliases extracted from modules themselves.\n"
        "alias pci:v000010DEd*sv*sd*bc03sc02i00* nvidia\n"
        "alias pci:v000010DEd*sv*sd*bc03sc*i* nouveau\n"
        "alias pci:v000010DEd00002330sv*sd*bc*sc*i* nvidia\n"
        "alias pci:v00001002d00002330sv*sd*bc*sc*i* amdgpu\n"
        "alias pci:v*d*sv*sd*bc03sc00i* vgastate\n"
        "alias usb:v046DpC52B* hid\n"
    )
    assert Aliases(parse_aliases(text, [_H100])).modules_for(_H100) == ("nvidia", "nouveau")


def test_built_in_drivers_count() -> None:
    text = "vfio_pci.license=GPL v2\0xhci_pci.alias=pci:v*d*sv*sd*bc0Csc03i30*\0ext4.alias=fs-ext4\0"
    assert parse_builtin_aliases(text) == [("pci:v*d*sv*sd*bc0Csc03i30*", "xhci_pci")]


_FIELD = st.sampled_from(["*", "000010DE", "00008086", "00002330"])
_BYTE = st.sampled_from(["*", "03", "02", "00"])
_PATTERN = st.builds(
    "pci:v{}d{}sv{}sd{}bc{}sc{}i{}{}".format,
    _FIELD,
    _FIELD,
    _FIELD,
    _FIELD,
    _BYTE,
    _BYTE,
    _BYTE,
    st.sampled_from(["", "*"]),
)
_MODALIAS = st.builds(
    "pci:v{}d{}sv{}sd{}bc{}sc{}i{}".format,
    *[st.sampled_from(["000010DE", "00008086", "00002330"])] * 4,
    *[st.sampled_from(["03", "02", "00"])] * 3,
)


@given(st.lists(st.tuples(_PATTERN, st.sampled_from("abcd"))), _MODALIAS)
def test_the_fast_way_finds_what_fnmatch_finds(pairs: list[tuple[str, str]], modalias: str) -> None:
    text = "\n".join(f"alias {pattern} {module}" for pattern, module in pairs)
    expected = dict.fromkeys(module for pattern, module in pairs if fnmatchcase(modalias, pattern))
    assert set(Aliases(parse_aliases(text, [modalias])).modules_for(modalias)) == set(expected)


def test_module_names_are_those_of_the_files_with_underscores() -> None:
    text = "kernel/drivers/vfio/pci/vfio-pci.ko.zst: kernel/x/vfio.ko.zst\nkernel/fs/ext4.ko:\n"
    assert module_names(text) == {"vfio_pci", "ext4"}


_IDS = (
    "# Date:    2020-01-01 03:15:02\n10de  NVIDIA Corporation\n\t2330  GH100\n\t\t10de 16c1  a board\n"
    "1102  Creative\n\t2330  No GPU\n"
)


def test_names_of_vendors_and_devices() -> None:
    names = PciNames(_IDS.encode())
    assert names.vendor(0x10DE) == "NVIDIA Corporation"
    assert names.device(PciId(0x10DE, 0x2330)) == "GH100"
    assert names.device(PciId(0x1102, 0x2330)) == "No GPU"
    assert names.device(PciId(0x10DE, 0x16C1)) is None
    assert (names.vendor(0x2330), names.device(PciId(0x2330, 1))) == (None, None)


def test_the_snapshot_knows_the_cards_of_the_field() -> None:
    names = NewestNames(system=())
    assert names.vendor(0x1002) == "Advanced Micro Devices, Inc. [AMD/ATI]"
    known = [names.device(PciId(0x10DE, device)) for device in (0x1DB4, 0x2330, 0x22A3, 0x2BB5, 0x25B6)]
    assert all(known)


@pytest.mark.parametrize(
    ("date", "is_chosen"), [("2099-01-01 00:00:00", True), ("2015-01-01 00:00:00", False)]
)
def test_the_systems_file_serves_when_it_is_newer(tmp_path: Path, date: str, is_chosen: bool) -> None:
    path = tmp_path / "pci.ids"
    path.write_text(_IDS.replace("2020-01-01 03:15:02", date))
    name = NewestNames(system=(tmp_path / "none", path)).device(PciId(0x10DE, 0x2330))
    assert (name == "GH100") is is_chosen


def test_the_snapshot_says_where_it_is_from_and_is_small() -> None:
    data = Path(__file__).parents[2] / "src/gpucloud/inventory/data"
    snapshot = (data / "pci.ids").read_bytes()
    header = snapshot[:1200].decode()
    assert len(snapshot) < 1_000_000
    assert "3-clause BSD License" in header
    version = next(line.split()[-1] for line in header.splitlines() if "Version:" in line)
    assert version in (data / "ORIGIN.md").read_text()
