"""Every host in this folder is read as its golden facts say; ``REGEN=1`` writes them anew."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path

import pytest
from tests.hosts.catalogue import HOSTS, NAMES, capture_of

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.pci.names import NewestNames
from gpucloud.model.host import Host
from gpucloud.model.plain import Plain, to_plain

_LEFT_OUT = {"source", "functions", "units", "kernel"}
"""The path of the test, and lists that are tested elsewhere and would drown the rest."""


def facts_of(host: Host) -> Plain:
    facts: dict[str, object] = {
        field.name: getattr(host, field.name) for field in fields(host) if field.name not in _LEFT_OUT
    }
    facts["kernel"] = {"release": host.kernel.release, "arguments": host.kernel.arguments}
    return to_plain({"host": facts, "units": host.units})


@pytest.mark.parametrize("name", NAMES)
def test_a_host_is_read_as_its_golden_facts_say(name: str, tmp_path: Path) -> None:
    host = read_host(open_capture(capture_of(name, tmp_path)), NewestNames(system=()))
    facts = facts_of(host)
    golden = HOSTS / name / "facts.json"
    if os.environ.get("REGEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(json.dumps(facts, indent=1) + "\n")
    assert facts == json.loads(golden.read_text())


@pytest.mark.parametrize("name", NAMES)
def test_a_host_says_where_it_comes_from(name: str) -> None:
    assert len((HOSTS / name / "README.md").read_text().splitlines()) >= 3
