"""The doctor on whole hosts: nothing is wrong on them but where the list says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.hosts.catalogue import NAMES, capture_of

from gpucloud.doctor import Case, diagnose
from gpucloud.inventory import open_host
from gpucloud.model.finding import Level

ALARMS = {"board-am5-rtx4070mobile-regrouped": ["acs-missing"]}


@pytest.mark.parametrize("name", NAMES)
def test_a_host_raises_the_alarms_that_it_should(name: str, tmp_path: Path) -> None:
    found = diagnose(Case(open_host(capture=capture_of(name, tmp_path)))).findings
    assert [f.cause for f in found if f.level is not Level.INFO] == ALARMS.get(name, [])
