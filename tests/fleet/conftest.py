"""Two fake hosts in one inventory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.fleet.fleet import Fleet
from tests.prepare.site import folder_in_memory


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with folder_in_memory() as folder:
        fleet = Fleet(folder)
        fleet.add("gpu01")
        fleet.add("gpu02")
        yield fleet
