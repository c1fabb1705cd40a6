"""Lists of filters that are proposed keep what works."""

from __future__ import annotations

import pytest

from gpucloud.nova.check import Case, Report, Service, check
from gpucloud.nova.check.report import render_object, render_text
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
    assert gone.fix[1].startswith("enabled_filters = ComputeFilter, ")
    assert gone.fix[1].endswith(", PciPassthroughFilter")
    assert all("PciPassthroughFilter" in one.fix[1] for one in found)
    assert not [one for one in found if one.kind.id == "nova-filter-pci-missing"]


@pytest.mark.parametrize("service", [Service.COMPUTE, Service.SCHEDULER])
def test_all_findings_about_the_list_show_one_line_and_the_service_that_reads_it(service: Service) -> None:
    text = (
        '[pci]\nalias = {"name": "a", "vendor_id": "10de", "product_id": "20b5", "device_type": "type-PF", '
        '"numa_policy": "required"}\n[filter_scheduler]\n'
        "enabled_filters = ComputeFilter,ImagePropertiesFiltre\n"
    )
    files = Configuration((read_config_file("nova.conf", text),))
    report = check(Case(files, parse_release("2025.1"), service))
    found = [one for one in report.findings if one.kind.id.startswith("nova-filter")]
    assert {one.kind.id for one in found} == {
        "nova-filter-gone",
        "nova-filter-pci-missing",
        "nova-filter-defaults-lost",
        "nova-filter-numa-missing",
    }
    whole = (
        "enabled_filters = ComputeFilter, ComputeCapabilitiesFilter, ImagePropertiesFilter, "
        "ServerGroupAntiAffinityFilter, ServerGroupAffinityFilter, PciPassthroughFilter, NUMATopologyFilter"
    )
    assert {one.fix[1] for one in found} == {whole}
    assert render_text(report).count("then restart nova-scheduler") >= len(found)
    shown = render_object(report)["findings"]
    assert isinstance(shown, list)
    assert all(one["restart"] == "nova-scheduler" for one in shown if one["id"].startswith("nova-filter"))
