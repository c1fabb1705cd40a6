"""Releases as people name them, and facts with their back-ports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.model.failure import Exit, Failure
from gpucloud.nova.releases.fact import Since, fact, names_fact
from gpucloud.nova.releases.release import SERIES, Release, parse_release


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("31", "31.3.1"),
        ("31.0", "31.0.0"),
        ("31.3.1", "31.3.1"),
        ("2025.1", "31.3.1"),
        ("epoxy", "31.3.1"),
        ("Epoxy", "31.3.1"),
        ("2025.1 Epoxy", "31.3.1"),
        (" mitaka ", "13.1.4"),
        ("34.0.0", "34.0.0"),
        ("15.9.9", "15.9.9"),
    ],
)
def test_a_release_is_known_by_number_version_cycle_and_name(typed: str, meant: str) -> None:
    assert str(parse_release(typed)) == meant


@pytest.mark.parametrize("typed", ["", "12", "35", "liberty", "2022.2", "31.3.1.2", "31.", "三十一", "-31"])
def test_what_is_no_release_is_refused_with_those_that_are(typed: str) -> None:
    with pytest.raises(Failure, match=r"from 13 \(Mitaka\) to 34") as refused:
        parse_release(typed)
    assert refused.value.code is Exit.USAGE


@given(st.sampled_from(SERIES), st.integers(0, 99), st.integers(0, 99))
def test_a_release_is_read_as_it_prints(series: Release, minor: int, patch: int) -> None:
    release = Release(series.number, minor, patch)
    assert parse_release(str(release)) == release


def test_a_change_holds_from_its_back_port_on_but_not_between() -> None:
    since = Since.parse("32.0.0 31.3.1")
    held = [since.holds_for(parse_release(version)) for version in ("30.9.9", "31.3.0", "31.3.1", "32.0.0")]
    assert held == [False, False, True, True]
    assert str(since) == "32.0.0 (and 31.3.1)"


def test_the_newest_change_that_holds_gives_the_value() -> None:
    known = fact("a thing", "old", ("20.0.0", "middle"), ("32.0.0 31.3.1", "new"), source="here")
    values = [known.at(parse_release(version)) for version in ("19", "20.0.0", "31.3.0", "31.3.1", "34")]
    assert values == ["old", "middle", "middle", "new", "new"]


def test_names_come_with_their_versions_and_back_ports() -> None:
    known = names_fact("names", {"13.0.0": ("a",), "32.0.0 30.3.0": ("b",)}, source="here")
    values = [known.at(parse_release(version)) for version in ("13", "30.2.9", "30.3.0", "31.9.9", "32.0.0")]
    assert values == [("a",), ("a",), ("a", "b"), ("a",), ("a", "b")]
