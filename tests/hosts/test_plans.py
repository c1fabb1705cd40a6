"""What a plan makes of the next start of every host in this folder; ``REGEN=1`` writes the plans anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.hosts.catalogue import HOSTS, NAMES, capture_of

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.pci.names import NewestNames
from gpucloud.model.host import Host
from gpucloud.model.spec import Match, Pool, Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot import plan_boot, read_boot_files
from gpucloud.prepare.plan import render_plan


def everything(host: Host) -> Spec:
    """Every card that could go whole to a guest goes."""
    cards = tuple(
        str(unit.address)
        for unit in host.units
        if not isinstance(unit.uses, Unknown) and "passthrough" in unit.uses
    )
    pool = Pool("all", Use.PASSTHROUGH, (Match(addresses=cards or ("0000:ff:1f.7",)),))
    return Spec(pools=(pool,))


@pytest.mark.parametrize("name", NAMES)
def test_a_host_is_planned_for_as_its_golden_plan_says(name: str, tmp_path: Path) -> None:
    reader = open_capture(capture_of(name, tmp_path))
    host = read_host(reader, NewestNames(system=()))
    plan = plan_boot(host, read_boot_files(reader), everything(host), "gpu01")
    shown = render_plan(plan).replace(host.source, "CAPTURE") + "\n"
    golden = HOSTS / name / "plan.txt"
    if os.environ.get("REGEN") == "1":
        golden.write_text(shown)
    assert shown == golden.read_text()
