"""Right files of every release are passed in silence."""

from __future__ import annotations

import pytest

from gpucloud.nova.check import Case, Service, check
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases import options, pci, scheduler, vgpu
from gpucloud.nova.releases.release import SERIES, Release

CARD = '"vendor_id": "10de", "product_id": "1eb8"'

FIRST_WITH_POST_COPY = 14
OF_THE_HOST = ("nova-mdev-names", "nova-mdev-not-persistent")
"""What old releases want of a host with vGPUs; no file can mend it."""


def right(release: Release) -> str:
    """What an operator of this release would write who knows all of it."""
    spec, alias, filters = (
        options.DEVICE_SPEC.at(release),
        options.ALIAS.at(release),
        options.ENABLED_FILTERS.at(release),
    )
    on = ",".join([*scheduler.DEFAULT_FILTERS.at(release), "PciPassthroughFilter", "NUMATopologyFilter"])
    policy = ', "numa_policy": "preferred"' if pci.NUMA_POLICIES.at(release) else ""
    place = "0000:3b:00.0" if pci.PF_MATCHES_ITSELF.at(release) else "0000:3b:00.*"
    other = f'{spec.name} = {{"address": "{place}", "product_id": "20f1"}}'
    lines = [
        f"[{spec.section}]\n{spec.name} = {{{CARD}}}\n{other}",
        f'[{alias.section}]\n{alias.name} = {{"name": "t4", {CARD}, "device_type": "type-PF"{policy}}}',
        f"[{filters.section}]\n{filters.name} = {on}",
        "[libvirt]\nlive_migration_downtime = 500000",
    ]
    if release.number >= FIRST_WITH_POST_COPY:
        lines.append("live_migration_permit_post_copy = false")
    types = vgpu.MDEV_TYPES.at(release)
    if types is not None:
        lines.append(f"[{types.section}]\n{types.name} = nvidia-35")
    if vgpu.SINGLE_TYPE_READS_GROUP.at(release):
        lines.append(
            "[mdev_nvidia-35]\ndevice_addresses = 0000:84:00.0\n"
            "mdev_class = CUSTOM_NVIDIA_35\nmax_instances = 4"
        )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("service", Service)
@pytest.mark.parametrize("release", SERIES, ids=str)
def test_a_right_file_is_passed_in_silence(release: Release, service: Service) -> None:
    found = check(Case(Configuration((read_config_file("nova.conf", right(release)),)), release, service))
    said = [(finding.kind.id, finding.what) for finding in found.findings]
    assert [each for each in said if each[0] not in OF_THE_HOST] == []
    assert found.error is None


@pytest.mark.parametrize("service", Service)
@pytest.mark.parametrize("release", [each for each in SERIES if each.number >= 27], ids=str)
def test_placement_everywhere_is_passed_in_silence(release: Release, service: Service) -> None:
    text = (
        f"[pci]\nreport_in_placement = true\n"
        f'device_spec = {{{CARD}, "resource_class": "CUSTOM_T4", '
        f'"traits": "CUSTOM_A,CUSTOM_B"}}\n'
        f'alias = {{"name": "t4", {CARD}, "device_type": "type-PF", "resource_class": "CUSTOM_T4"}}\n'
        f"[filter_scheduler]\npci_in_placement = true\n"
        f"enabled_filters = {','.join([*scheduler.DEFAULT_FILTERS.at(release), 'PciPassthroughFilter'])}\n"
    )
    files = Configuration((read_config_file("nova.conf", text),))
    found = check(Case(files, release, service))
    assert [(finding.kind.id, finding.what) for finding in found.findings] == []
    assert found.error is None


@pytest.mark.parametrize("service", Service)
def test_an_empty_file_is_nothing_to_speak_of(service: Service) -> None:
    found = check(Case(Configuration((read_config_file("nova.conf", ""),)), SERIES[-1], service))
    assert [finding.kind.id for finding in found.findings if finding.level.weight] == []
