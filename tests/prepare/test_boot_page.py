"""The page of how hosts start says what the tables say."""

from __future__ import annotations

import os
from pathlib import Path

from gpucloud.prepare.boot.page import render_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "boot.md"


def test_the_page_is_made_of_the_tables() -> None:
    if os.environ.get("REGEN"):
        PAGE.write_text(render_page())
    assert PAGE.read_text() == render_page()
