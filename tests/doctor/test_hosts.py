"""The doctor on hosts of every maker of processors."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.host_tree import HostTree

from gpucloud.doctor import Case, diagnose
from gpucloud.inventory import open_host


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
