"""Real listings of boards and servers; each file names its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_text
from gpucloud.model.finding import Finding, Level

LISTINGS = Path(__file__).parent / "listings"


def found_in(name: str) -> tuple[Finding, ...]:
    text = (LISTINGS / f"{name}.txt").read_text()
    return diagnose(gather(from_text(name, (text,)))).findings


@pytest.mark.parametrize("path", sorted(LISTINGS.glob("*.txt")), ids=lambda path: path.stem)
def test_nothing_is_said_at_warning_or_above_but_on_the_board_with_its_disk_in_the_group(path: Path) -> None:
    alarms = [f.cause for f in found_in(path.stem) if f.level is not Level.INFO]
    assert alarms == (["acs-missing"] if path.stem == "board-am5-rtx4070mobile-regrouped" else [])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("server-epyc-6x-v100-groups", "6 GPUs in 4 groups: at most 4 guests can have one"),
        ("server-hgx-h100-8gpu-ubuntu-groups", "8 GPUs in 6 groups: at most 6 guests can have one"),
    ],
)
def test_cards_that_share_groups_are_counted(name: str, said: str) -> None:
    assert found_in(name)[0].title.startswith(said)


def test_the_board_with_its_disk_in_the_group_names_the_disk() -> None:
    assert "08:00.0 Sandisk" in found_in("board-am5-rtx4070mobile-regrouped")[0].title
