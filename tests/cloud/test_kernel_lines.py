"""What a kernel printed of its functions is read as kernels print it, and nothing else is taken for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cloud.builders import CARD, SOUND, at

from gpucloud.cloud.kernel_lines import KERNEL_LINES_SCRIPT, parse_kernel_lines
from gpucloud.model.pci import PciAddress, PciId

words = st.integers(0, 0xFFFF)
ids = st.builds(PciId, words, words)
addresses = st.builds(
    PciAddress, st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7)
)


def _line(address: PciAddress, id_: PciId) -> str:
    return f"[    0.486120] pci {address}: [{id_}] type 00 class 0x030000"


CARD_LINES = [_line(at("01:00.0"), CARD), _line(at("01:00.1"), SOUND)]
OTHERS = [
    "[    0.000000] Linux version 6.1.0",
    "[    0.486190] pci 0000:01:00.0: reg 0x10: [mem 0xfc000000-0xfdffffff pref]",
    "[    0.486190] pci 0000:00:01.0: PCI bridge to [bus 01]",
    "gpucloud-report 0123456789abcdef0123456789abcdef function 0000:01:00.0 1002:5046 030000",
    "0000:01:00.0 [1002:5046] type 00 class 0x030000",
]


@given(st.dictionaries(addresses, ids, max_size=20))
def test_what_a_kernel_printed_is_read_back(found: dict[PciAddress, PciId]) -> None:
    assert parse_kernel_lines("\r\n".join(_line(*one) for one in found.items())) == found


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert len(parse_kernel_lines(text)) <= text.count("pci")


@pytest.mark.parametrize("before", ["", "[    0.486120] ", "~ # [    0.486120] "])
@pytest.mark.parametrize("after", ["", " conventional PCI endpoint"])
def test_each_kernels_way_to_print_it_is_known(before: str, after: str) -> None:
    """Without times (printk.time=0), with the kind of device (from 6.10 on), behind a shell's prompt."""
    line = f"{before}pci 0000:01:00.0: [1002:5046] type 00 class 0x030000{after}"
    assert parse_kernel_lines(line) == {at("01:00.0"): PciId(0x1002, 0x5046)}


def test_no_other_line_of_a_console_is_taken_for_it() -> None:
    assert parse_kernel_lines("\n".join(OTHERS)) == {}


def test_the_script_takes_just_these_lines_out_of_the_kernels_log(tmp_path: Path) -> None:
    """The log is a file here; everything else is what the check guest runs."""
    log = tmp_path / "log"
    log.write_text("\n".join([*OTHERS, *CARD_LINES, ""]))
    script = f"dmesg() {{ cat '{log}'; }}\n{KERNEL_LINES_SCRIPT}\ngpucloud_kernel_lines"
    done = subprocess.run(["busybox", "sh", "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == CARD_LINES
