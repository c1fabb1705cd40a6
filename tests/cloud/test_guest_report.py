"""A guest's report is taken only whole, only from this launch, and compared function by function."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cloud.builders import AUDIO, CARD, SOUND, VGA, at, card, function, memory_bar, unit

from gpucloud.cloud.definition.slots import guest_slots
from gpucloud.cloud.report import REPORT_SCRIPT, find_missing, parse_report
from gpucloud.model.guest import SeenFunction
from gpucloud.model.pci import PciClass, PciId
from gpucloud.model.unknown import Unknown

NONCE, OTHER = "0123456789abcdef" * 2, "f" * 32
FUNCTIONS = [
    SeenFunction(at("00:00.0"), PciId(0x8086, 0x29C0), PciClass(0x060000), (0,) * 6),
    SeenFunction(at("01:00.0"), CARD, VGA, (16 << 20, 0, 0, 0, 0, 0)),
    SeenFunction(at("01:00.1"), SOUND, AUDIO, (16384, 0, 0, 0, 0, 0)),
]


def _line(seen: SeenFunction, nonce: str = NONCE) -> str:
    bars = "".join(f" {index}={size}" for index, size in enumerate(seen.bar_bytes) if size)
    return f"gpucloud-report {nonce} function {seen.address} {seen.id} {seen.pci_class.code:06x}{bars}"


def _frame(seen: list[SeenFunction], nonce: str = NONCE) -> list[str]:
    lines = [_line(one, nonce) for one in seen]
    return [f"gpucloud-report {nonce} begin", *lines, f"gpucloud-report {nonce} end {len(lines)}"]


def test_a_whole_report_is_read() -> None:
    assert parse_report("\r\n".join(_frame(FUNCTIONS)), NONCE) == tuple(FUNCTIONS)


def test_kernel_messages_around_it_do_no_harm() -> None:
    noise = ["[    1.0] Booting", "login: "]
    text = "\n".join([*noise, *_frame(FUNCTIONS), *noise])
    assert parse_report(text, NONCE) == tuple(FUNCTIONS)


def test_text_of_another_launch_is_not_taken() -> None:
    assert parse_report("\n".join(_frame(FUNCTIONS, OTHER)), NONCE) is None


@pytest.mark.parametrize("lost", range(5))
def test_a_report_that_lacks_a_line_is_no_report(lost: int) -> None:
    lines = _frame(FUNCTIONS)
    del lines[lost]
    if lost != 0:  # without its first line all functions are still there and counted
        assert parse_report("\n".join(lines), NONCE) is None


def test_a_broken_frame_is_made_good_by_the_next() -> None:
    broken = _frame(FUNCTIONS)
    broken[2] = broken[2][:40] + "[    2.1] pci 0000:01:00.0: a kernel message in between"
    assert parse_report("\n".join([*broken, *_frame(FUNCTIONS)]), NONCE) == tuple(FUNCTIONS)


@given(st.text(max_size=400))
def test_no_console_text_breaks_the_parser(text: str) -> None:
    assert parse_report(text, NONCE) is None


@given(
    st.lists(st.sampled_from([*_frame(FUNCTIONS), "", "\x1b[2J", "gpucloud-report " + NONCE + " end 9999"]))
)
def test_lines_in_any_order_give_a_whole_report_or_none(lines: list[str]) -> None:
    seen = parse_report("\n".join(lines), NONCE)
    assert seen is None or set(seen) <= set(FUNCTIONS)


def _run_script(root: Path, shell: str) -> str:
    script = REPORT_SCRIPT.replace("/sys/bus/pci/devices", str(root)) + f"\ngpucloud_report {NONCE}\n"
    return subprocess.run([*shell.split(), "-c", script], capture_output=True, check=True, text=True).stdout


@pytest.mark.parametrize("shell", ["sh", "bash", "busybox sh"])
def test_the_guests_script_prints_what_the_parser_reads(tmp_path: Path, shell: str) -> None:
    device = tmp_path / "0000:01:00.0"
    device.mkdir()
    for name, text in {"vendor": "0x10de", "device": "0x1db4", "class": "0x030000"}.items():
        (device / name).write_text(text + "\n")
    unplaced = "0x0000000000000000 0x00000000000fffff 0x0000000020040200"
    none = "0x0000000000000000 0x0000000000000000 0x0000000000000000"
    placed = "0x0000380000000000 0x0000381fffffffff 0x000000000014220c"
    rest = "\n".join([none] * 5)
    (device / "resource").write_text(f"{unplaced}\n{placed}\n{rest}\n")
    seen = parse_report(_run_script(tmp_path, shell), NONCE)
    assert seen == (SeenFunction(at("01:00.0"), CARD, VGA, (0, 128 << 30, 0, 0, 0, 0)),)


def test_a_guest_that_sees_all_lacks_nothing() -> None:
    assert find_missing(guest_slots([card("3b:00")]), FUNCTIONS) == ()


def test_a_missing_companion_is_named() -> None:
    assert find_missing(guest_slots([card("3b:00")]), FUNCTIONS[:2]) == (
        "0000:3b:00.1 (10de:10f2) is not in its PCI list",
    )


def test_two_identical_cards_must_be_seen_twice() -> None:
    given_away = guest_slots([card("3b:00"), card("5e:00")])
    assert len(find_missing(given_away, FUNCTIONS)) == 2
    second = [replace(one, address=replace(one.address, bus=2)) for one in FUNCTIONS[1:]]
    assert find_missing(given_away, [*FUNCTIONS, *second]) == ()


def test_functions_spread_over_two_guest_slots_are_not_the_card() -> None:
    spread = [FUNCTIONS[1], replace(FUNCTIONS[2], address=at("02:00.1"))]
    assert find_missing(guest_slots([card("3b:00")]), spread) == (
        "0000:3b:00.1 (10de:10f2) is not in its PCI list",
    )


def test_a_bar_without_room_is_named_with_its_size() -> None:
    large = unit(function("3b:00.0", bars=(memory_bar(0, 16 << 20), memory_bar(1, 128 << 30))))
    assert find_missing(guest_slots([large]), FUNCTIONS) == (
        "0000:3b:00.0 (10de:1db4) has no room for its BAR 1 of 131072 MiB",
    )


def test_bars_that_the_host_could_not_read_are_not_compared() -> None:
    unread = unit(function("3b:00.0", bars=Unknown("permission denied")))
    assert find_missing(guest_slots([unread]), FUNCTIONS) == ()
