"""Fake hosts for every test of the room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.prepare.doom import Ends, dies, is_killed
from tests.prepare.fake_host import BMC, LAB_CARD, card
from tests.prepare.site import Site, folder_in_memory, site_in


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is such a place: the journal waits for the disk at every step."""
    with folder_in_memory() as folder:
        yield folder


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Two cards with audio in groups of their own, and the server's own screen."""
    return site_in(tmp_path, [*card(0x3B, 11), *card(0x3C, 12), BMC])


@pytest.fixture
def lab_site(tmp_path: Path) -> Site:
    """One card with audio that shows the console: the laboratory's host."""
    return site_in(tmp_path, LAB_CARD)


@pytest.fixture(params=[dies, pytest.param(is_killed, marks=[pytest.mark.proof, pytest.mark.slow])])
def ends(request: pytest.FixtureRequest) -> Ends:
    """An exception at every moment, and in the slow proofs SIGKILL to a process of its own."""
    how: Ends = request.param
    return how
