"""Files as kolla-ansible merges them, provider.yaml, and files of two services."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpucloud.cli.nova.files import read_files
from gpucloud.model.finding import Level
from gpucloud.nova.check import Case, Report, Service, check
from gpucloud.nova.check.case import ProviderFile
from gpucloud.nova.check.report import report_lines
from gpucloud.nova.config import Configuration, read_config_file, replaced_by_kolla
from gpucloud.nova.releases.release import parse_release

T4 = '{"vendor_id": "10de", "product_id": "1eb8"}'
A100 = '{"vendor_id": "10de", "product_id": "20f1"}'
EPOXY = parse_release("31")
SENTINEL = """meta:
  schema_version: '1.0'
providers:
  - identification:
      {kind}: $COMPUTE_NODE
    inventories: {{additional: []}}
"""


def files(*texts: str) -> Configuration:
    return Configuration(tuple(read_config_file(f"f{n}", text) for n, text in enumerate(texts)))


def ids(found: Report) -> list[str]:
    return [finding.kind.id for finding in found.findings]


def test_a_host_file_of_kolla_drops_the_lines_of_the_global_file() -> None:
    both = files(f"[pci]\ndevice_spec = {T4}\n[libvirt]\nvirt_type = kvm\n", f"[pci]\ndevice_spec = {A100}\n")
    merged, lost = replaced_by_kolla(both)
    found = check(Case(merged, EPOXY, Service.COMPUTE, lost=lost, is_templated=True))
    assert ids(found) == ["nova-kolla-replaced"]
    assert (found.findings[0].file, found.findings[0].line) == ("f0", 2)
    assert [one.value for one in found.case.spec_settings] == [A100]


def test_repeats_inside_one_file_of_kolla_stay() -> None:
    merged, lost = replaced_by_kolla(files("", f"[pci]\ndevice_spec = {T4}\ndevice_spec = {A100}\n"))
    assert lost == ()
    assert ids(check(Case(merged, EPOXY, Service.COMPUTE, lost=lost, is_templated=True))) == []


def test_signs_of_jinja_are_told_only_where_files_go_through_it() -> None:
    nested = files('[pci]\ndevice_spec = [{{"vendor_id": "10de"}}]\n')
    assert "nova-kolla-template" in ids(check(Case(nested, EPOXY, Service.COMPUTE, is_templated=True)))
    assert "nova-kolla-template" not in ids(check(Case(nested, EPOXY, Service.COMPUTE)))


def test_mdevs_that_libvirt_defines_need_more_of_kolla() -> None:
    types = files("[devices]\nenabled_mdev_types = nvidia-35\n")
    for release, is_templated, expected in (("30", True, True), ("29", True, False), ("30", False, False)):
        found = ids(check(Case(types, parse_release(release), Service.COMPUTE, is_templated=is_templated)))
        assert ("nova-kolla-mdevctl" in found) is expected


REPORTS = "report_in_placement = true\n"


@pytest.mark.parametrize(
    ("release", "text", "level"),
    [
        ("31", f"[pci]\n{REPORTS}device_spec = {T4}\n", Level.WARNING),
        ("31", f"[pci]\ndevice_spec = {T4}\n", None),
        ("31", f"[pci]\n{REPORTS}device_spec = {T4}\npassthrough_whitelist = {A100}\n", None),
        ("25", f"[pci]\npassthrough_whitelist = {T4}\n", Level.INFO),
        ("21", f"[pci]\npassthrough_whitelist = {T4}\n", None),
    ],
)
def test_kollas_own_list_for_neutron_is_named_where_it_harms(
    release: str, text: str, level: Level | None
) -> None:
    for is_templated in (True, False):
        case = Case(files(text), parse_release(release), Service.COMPUTE, is_templated=is_templated)
        found = [one.level for one in check(case).findings if one.kind.id == "nova-kolla-sriov"]
        assert found == ([level] if level is not None and is_templated else [])


def test_the_sentinel_is_for_uuid_alone() -> None:
    for kind, expected in (("name", ["nova-provider-sentinel"]), ("uuid", [])):
        file = ProviderFile("provider.yaml", SENTINEL.format(kind=kind))
        found = check(Case(files(""), EPOXY, Service.COMPUTE, providers=(file,)))
        assert ids(found) == expected
        assert not expected or found.findings[0].line == 5


def test_an_old_nova_does_not_read_provider_files() -> None:
    file = ProviderFile("provider.yaml", "][")
    assert ids(check(Case(files(""), parse_release("21"), Service.COMPUTE, providers=(file,)))) == [
        "nova-provider-too-old"
    ]
    assert ids(check(Case(files(""), EPOXY, Service.COMPUTE, providers=(file,)))) == []


def alias(name: str, product: str = "1eb8", kind: str = "type-PF") -> str:
    ids = f'"vendor_id": "10de", "product_id": "{product}"'
    return f'[pci]\nalias = {{"name": "{name}", {ids}, "device_type": "{kind}"}}\n'


def test_aliases_must_be_those_of_the_other_service() -> None:
    compute = files(alias("t4"))
    for other, what in (
        (alias("t4"), []),
        (alias("t4", kind="type-VF"), ["nova-alias-differs"]),
        (alias("a100"), ["nova-alias-differs", "nova-alias-differs"]),
    ):
        found = check(Case(compute, EPOXY, Service.COMPUTE, against=files(other)))
        assert ids(found) == what


def test_placement_must_be_on_for_both_services() -> None:
    switches = "[pci]\nreport_in_placement = true\n[filter_scheduler]\npci_in_placement = true\n"
    whole = check(Case(files(switches), EPOXY, Service.COMPUTE, against=files(switches)))
    assert ids(whole) == []
    half = check(Case(files(switches), EPOXY, Service.COMPUTE, against=files("")))
    assert ids(half) == ["nova-placement-half"]


def test_a_service_that_reads_no_aliases_needs_none() -> None:
    found = check(Case(files(""), EPOXY, Service.SCHEDULER, against=files(alias("t4"))))
    assert "nova-alias-differs" not in ids(found)


def test_a_file_that_is_not_there_has_no_line(tmp_path: Path) -> None:
    report = check(Case(read_files([tmp_path / "none.conf"]), EPOXY, Service.API))
    shown = "\n".join(map(str, report_lines(report)))
    assert "none.conf:None" not in shown
    assert "Give a file that is there" in shown
