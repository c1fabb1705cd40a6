"""Amounts are read strictly and printed as they are read."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cloud.amounts import format_duration, format_memory, parse_duration_s, parse_memory_mib
from gpucloud.model.guest import GuestSpec, check_guest_name


@pytest.mark.parametrize(
    ("text", "mib"), [("512M", 512), ("4G", 4096), ("4GiB", 4096), ("1T", 1 << 20), ("1536M", 1536)]
)
def test_memory_has_a_unit(text: str, mib: int) -> None:
    assert parse_memory_mib(text) == mib


@pytest.mark.parametrize(
    "text", ["", "4", "4g", "4 G", "4GB", "-4G", "0G", "1.5G", "٤G", "4G\n", "9" * 99 + "G"]
)
def test_other_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount of memory"):
        parse_memory_mib(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("20m", 1200), ("2h", 7200), ("1d12h", 129_600), ("1h30m5s", 5405)]
)
def test_times_add_up(text: str, seconds: int) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "10", "2h1d", "1h1h", "1.5h", "2 h", "-1h", "h", "2H", "2h\n"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        parse_duration_s(text)


@given(st.integers(1, 999_999_999))
def test_what_is_printed_is_read_back(amount: int) -> None:
    assert parse_memory_mib(format_memory(amount)) == amount
    assert parse_duration_s(format_duration(amount)) == amount


@given(st.text())
def test_no_text_breaks_a_parser(text: str) -> None:
    for parse in (parse_memory_mib, parse_duration_s, check_guest_name):
        with suppress(ValueError):
            assert parse(text)


@pytest.mark.parametrize("name", ["a", "train-1", "0", "a" * 63])
def test_a_label_is_a_name(name: str) -> None:
    assert check_guest_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a.b", "a" * 64, "../etc", "a/b", "a\n", "ä"])
def test_nothing_else_is_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="no name for a guest"):
        check_guest_name(name)


@pytest.mark.parametrize(
    "wrong", [{"gpus": -1}, {"cpus": 0}, {"memory_mib": 0}, {"lifetime_s": 0}, {"name": "No"}]
)
def test_a_spec_that_no_cloud_can_make_is_refused(wrong: dict[str, object]) -> None:
    asked: dict[str, object] = {"name": "one", "gpus": 1, **wrong}
    with pytest.raises(ValueError, match="guest"):
        GuestSpec(**asked)  # type: ignore[arg-type]
