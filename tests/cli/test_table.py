"""Tables keep the width of a terminal, lose nothing, and are plain for programs."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cli.output import table
from gpucloud.cli.output.table import fit

COLUMNS = ("UNIT", "NAME", "FUNCTIONS")
ROW = ("3b:00.0", "NVIDIA GA102GL [RTX A6000]", "3b:00.0 VGA\n3b:00.1 audio")


def drawn(
    width: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    row: tuple[str, ...] = ROW,
) -> list[str]:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "dumb")
    table(COLUMNS, [row])
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_what_fits_is_not_broken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn(60, monkeypatch, capsys) == [
        "UNIT     NAME                        FUNCTIONS",
        "3b:00.0  NVIDIA GA102GL [RTX A6000]  3b:00.0 VGA",
        "                                     3b:00.1 audio",
    ]


def test_names_give_way_before_addresses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drawn(42, monkeypatch, capsys) == [
        "UNIT     NAME                FUNCTIONS",
        "3b:00.0  NVIDIA GA102GL      3b:00.0 VGA",
        "         [RTX A6000]         3b:00.1 audio",
    ]


def test_where_nothing_can_give_way_rows_stand_below_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drawn(42, monkeypatch, capsys, (*ROW[:2], f"{'f' * 30}\ng")) == [
        "UNIT       3b:00.0",
        "NAME       NVIDIA GA102GL [RTX A6000]",
        f"FUNCTIONS  {'f' * 30}",
        "           g",
    ]


def test_a_pipe_has_every_cell_whole(capsys: pytest.CaptureFixture[str]) -> None:
    table(("A", "B"), [("x" * 200, "y z" * 50)])
    assert capsys.readouterr().out.splitlines()[1] == f"{'x' * 200}  {'y z' * 50}"


CELLS = st.text(st.sampled_from("ab \n"), max_size=60)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[CELLS] * n), min_size=1, max_size=4)))
def test_a_table_is_as_wide_as_it_may_be_or_is_none(lines: list[tuple[str, ...]]) -> None:
    widths = fit(lines, 60)
    if widths is not None:
        assert sum(widths) + 2 * (len(widths) - 1) <= 60
        for width, column in zip(widths, zip(*lines, strict=True), strict=True):
            assert all(len(word) <= max(width, 24) for cell in column for word in cell.split())


def one_by_one(lines: list[tuple[str, ...]], width: int) -> list[int] | None:
    """How a table is fitted, in words: the widest that can gives way by one, the first of several."""
    columns = list(zip(*lines, strict=True))
    widths = [max(len(part) for cell in column for part in cell.split("\n")) for column in columns]
    least = [
        now
        if any("\n" in cell for cell in column)
        else max(min(len(word), 24) for cell in column for word in cell.split() or [""])
        for now, column in zip(widths, columns, strict=True)
    ]
    while sum(widths) + 2 * (len(widths) - 1) > width:
        slack = [now if now > low else 0 for now, low in zip(widths, least, strict=True)]
        if not any(slack):
            return None
        widths[slack.index(max(slack))] -= 1
    return widths


@given(
    st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[CELLS] * n), min_size=1, max_size=4)),
    st.integers(5, 80),
)
def test_the_widest_columns_give_way_together(lines: list[tuple[str, ...]], width: int) -> None:
    assert fit(lines, width) == one_by_one(lines, width)


def test_a_hostile_cell_is_fitted_at_once() -> None:
    """Column by column of the terminal it would be two million steps."""
    assert fit([COLUMNS, ("3b:00.0", "x " * 450_000, "y " * 450_000)], 100) == [7, 44, 45]
