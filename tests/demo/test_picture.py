"""The README's picture shows what the program prints of a story that was played, and nothing else."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from docs.picture import PICTURE, REPORT, draw, read_story

from gpucloud.demo.acts import ACTS
from gpucloud.demo.report import render_json, render_lines

TOLD = json.loads(REPORT.read_text())


def _lines(svg: str) -> str:
    """The text of a picture, without its places and colours."""
    return unescape(re.sub(r"<[^>]*>", "", svg)).replace("\N{NO-BREAK SPACE}", " ")


def test_the_picture_is_drawn_from_the_kept_report() -> None:
    """`python docs/picture.py gpucloud-demo.json` draws it anew from another one."""
    assert PICTURE.read_text() == draw(TOLD)


def test_the_kept_report_is_of_a_whole_story_that_the_program_would_tell_the_same() -> None:
    story = read_story(TOLD)
    assert story.is_ok
    assert [act.name for act in story.acts] == ["image", "boot", *(name for name, _ in ACTS)]
    assert json.loads(render_json(story)) == TOLD


def test_every_last_line_of_the_program_stands_in_the_picture() -> None:
    shown = _lines(PICTURE.read_text())
    assert all(line in shown for line in render_lines(read_story(TOLD)))
    assert "reports        gpucloud-demo.html gpucloud-demo.json" in shown


def test_no_picture_is_drawn_of_a_story_without_a_card() -> None:
    with pytest.raises(ValueError, match="no card"):
        draw(TOLD | {"steps": TOLD["steps"][:2]})
