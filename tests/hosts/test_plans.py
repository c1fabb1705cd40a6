"""What is planned for every host here, now and for its next start; ``REGEN=1`` writes the plans anew."""

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
from gpucloud.prepare.plan import plan_passthrough, render_plan


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
def test_a_host_is_planned_for_as_its_golden_plans_say(name: str, tmp_path: Path) -> None:
    reader = open_capture(capture_of(name, tmp_path))
    host = read_host(reader, NewestNames(system=()))
    now = [plan_passthrough(host, [unit], is_captured=True) for unit in host.units]
    start = plan_boot(host, read_boot_files(reader), everything(host), "gpu01", is_captured=True)
    compare("\n\n".join(map(render_plan, now)), host, HOSTS / name / "plan-now.txt")
    compare(render_plan(start), host, HOSTS / name / "plan.txt")


def compare(shown: str, host: Host, golden: Path) -> None:
    shown = shown.replace(host.source, "CAPTURE") + "\n"
    if os.environ.get("REGEN") == "1":
        golden.write_text(shown)
    assert shown == golden.read_text()
