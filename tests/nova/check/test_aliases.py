"""Aliases beside other files, and several definitions of one name."""

from __future__ import annotations

import pytest

from gpucloud.model.finding import Level
from gpucloud.nova.check import Case, Finding, Service, check
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases.release import parse_release

IDS = '"vendor_id": "10de", "product_id": "1eb8", "device_type": "type-PF"'
OTHER_IDS = IDS.replace("1eb8", "20b5")


def findings(text: str, against: str | None = None, release: str = "34") -> dict[str, Finding]:
    files = Configuration((read_config_file("api.conf", text),))
    other = None if against is None else Configuration((read_config_file("compute.conf", against),))
    case = Case(files, parse_release(release), Service.API, against=other)
    return {one.kind.id: one for one in check(case).findings}


@pytest.mark.parametrize(
    ("against", "says", "line"),
    [
        ("[pci]\nalias = {'name': 't4'}\n", "the aliases there are refused: Invalid PCI alias definition", 2),
        ("alias = {}\n", "no service starts with the other files: Failed to parse compute.conf", None),
    ],
)
def test_other_files_that_nova_refuses_are_told(against: str, says: str, line: int | None) -> None:
    found = findings(f'[pci]\nalias = {{"name": "t4", {IDS}}}\n', against)["nova-alias-differs"]
    assert found.what.startswith(says)
    assert found.line == line


def test_several_definitions_weigh_more_with_placement() -> None:
    twice = f'alias = {{"name": "t4", {IDS}}}\n' * 2
    assert findings(f"[pci]\n{twice}", release="30")["nova-alias-repeated"].level is Level.INFO
    placed = f"[filter_scheduler]\npci_in_placement = true\n[pci]\n{twice}"
    assert findings(placed, release="30")["nova-alias-repeated"].level is Level.WARNING


@pytest.mark.parametrize(("vendor", "fixed"), [("0x10DE", '"vendor_id": "10de"'), ("10dex", None)])
def test_a_refused_alias_is_mended_only_where_nova_then_takes_it(vendor: str, fixed: str | None) -> None:
    found = findings(f'[pci]\nalias = {{"name": "t4", "vendor_id": "{vendor}", "product_id": "1eb8"}}\n')
    fix = found["nova-alias-refused"].fix
    assert any(fixed in line for line in fix) if fixed else fix == found["nova-alias-refused"].kind.fix


@pytest.mark.parametrize(
    ("first", "placement", "fixed"),
    [
        (IDS.replace("PF", "PCI"), "", []),  # what then is the same twice is said once
        (OTHER_IDS.replace("PF", "PCI"), "", [OTHER_IDS]),
        (IDS + ', "numa_policy": "required"', "", []),
        (OTHER_IDS, "[filter_scheduler]\npci_in_placement = true\n", [OTHER_IDS]),
    ],
)
def test_definitions_that_cannot_stand_together_are_shown_as_they_could(
    first: str, placement: str, fixed: list[str]
) -> None:
    lines = "".join(f'alias = {{"name": "t4", {each}}}\n' for each in (first, IDS))
    fix = findings(f"{placement}[pci]\n{lines}")["nova-alias-refused"].fix
    name = "t4-2" if placement else "t4"
    assert fix == (
        "[pci]",
        *(f'alias = {{"name": "t4", {each}}}' for each in fixed),
        f'alias = {{"name": "{name}", {IDS}}}',
    )
    again = findings(f"{placement}[pci]\n" + "\n".join(fix[1:]) + "\n")
    assert "nova-alias-refused" not in again
