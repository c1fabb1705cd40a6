"""The doctor on whole hosts: nothing is wrong on them but where the list says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.host_tree import HostTree
from tests.hosts.catalogue import NAMES, capture_of

from gpucloud.doctor import Case, diagnose
from gpucloud.inventory import open_host
from gpucloud.model.finding import Level

ALARMS = {"board-am5-rtx4070mobile-regrouped": ["acs-missing"]}


@pytest.mark.parametrize("name", NAMES)
def test_a_host_raises_the_alarms_that_it_should(name: str, tmp_path: Path) -> None:
    found = diagnose(Case(open_host(capture=capture_of(name, tmp_path)))).findings
    assert [f.cause for f in found if f.level is not Level.INFO] == ALARMS.get(name, [])


@pytest.mark.parametrize(
    ("vendor_id", "vendor"), [("GenuineIntel", "intel"), ("AuthenticAMD", "amd"), ("HygonGenuine", "amd")]
)
def test_the_rules_know_the_processor_that_a_host_names(vendor_id: str, vendor: str, tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.function("0000:3b:00.0", "10de:1db4", "0302", group=1)
    tree.write("proc/cpuinfo", f"vendor_id : {vendor_id}\nflags : fpu\n")
    tree.write("proc/interrupts", " 24: 0 PCI-MSI 32768-edge nvme0q0\n")
    (tmp_path / "dev").mkdir()
    host = open_host(capture=tmp_path)
    causes = {finding.cause for finding in diagnose(Case(host)).findings}
    assert host.cpu.vendor == vendor
    assert {"interrupt-remapping-missing", "kvm-unavailable"} <= causes
