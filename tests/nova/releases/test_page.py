"""The reference pages of the releases say what the code reads."""

from __future__ import annotations

import os
from pathlib import Path

from gpucloud.nova.releases.page import render_pages
from gpucloud.nova.releases.table import TABLE

FOLDER = Path(__file__).parents[3] / "docs" / "reference" / "nova"


def test_the_reference_pages_are_those_that_the_table_gives() -> None:
    pages = render_pages()
    if os.environ.get("REGEN"):
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (FOLDER / name).write_text(text)
    there = [FOLDER / "README.md", *FOLDER.glob("[0-9]*.md")]
    assert {page.name: page.read_text() for page in there} == pages


def test_a_change_inside_a_series_is_shown_with_its_version() -> None:
    assert "no; from 31.3.1: yes" in render_pages()["31-epoxy.md"]


def test_every_fact_says_where_it_is_written() -> None:
    assert all(known.source and known.says for facts in TABLE.values() for known in facts.values())
