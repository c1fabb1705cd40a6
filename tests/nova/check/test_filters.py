"""Lists of filters that are proposed keep what works."""

from __future__ import annotations

import pytest

from gpucloud.nova.check import Case, Report, Service, check
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases.release import parse_release

OWN = "available_filters = nova.scheduler.filters.all_filters\navailable_filters = my.pkg.MyFilter\n"
PATH = "nova.scheduler.filters.pci_passthrough_filter.PciPassthroughFilter"


def looked(text: str) -> Report:
    files = Configuration((read_config_file("nova.conf", f"[filter_scheduler]\n{text}"),))
    return check(Case(files, parse_release("34"), Service.SCHEDULER))


@pytest.mark.parametrize("on", ["ComputeFilter,MyFilter,PciPassthroughFilter", "ComputeFilter,MyFilter"])
def test_a_filter_of_the_operators_own_stays_on(on: str) -> None:
    found = looked(f"{OWN}enabled_filters = {on}\n").findings
    assert found
    assert all("MyFilter" in one.fix[1] for one in found)


def test_a_class_by_its_path_becomes_its_name() -> None:
    found = looked(f"enabled_filters = ComputeFilter,{PATH}\n").findings
    (gone,) = (one for one in found if one.kind.id == "nova-filter-gone")
    assert gone.fix[1] == "enabled_filters = ComputeFilter, PciPassthroughFilter"
    assert all("PciPassthroughFilter" in one.fix[1] for one in found)
    assert not [one for one in found if one.kind.id == "nova-filter-pci-missing"]
