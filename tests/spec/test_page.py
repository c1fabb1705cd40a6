"""The page of the schema says what the schema says."""

from __future__ import annotations

import os
from pathlib import Path

from gpucloud.spec.page import render_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "spec.md"


def test_the_page_is_made_of_the_schema() -> None:
    if os.environ.get("REGEN"):
        PAGE.write_text(render_page())
    assert PAGE.read_text() == render_page()
