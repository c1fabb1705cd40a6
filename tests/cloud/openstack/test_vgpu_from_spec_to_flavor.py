"""One spec: what nova-compute is told to offer is what the published flavors ask for."""

from __future__ import annotations

import re

import pytest
from tests.hosts.catalogue import host_of

from gpucloud.cloud.openstack.publish.flavors import extra_specs_of
from gpucloud.model.failure import Failure
from gpucloud.nova.releases.release import parse_release
from gpucloud.nova.render import LAYOUTS, render
from gpucloud.spec import parse_spec

LATEST = parse_release("34")
SPEC = parse_spec(
    """
openstack: {release: '34', placement: report}
pools:
  desks:
    use: vgpu
    match: {ids: '10de:1eb8'}
    vgpu_types: [{type: GRID T4-1Q, resource_class: CUSTOM_T4_1Q}]
  shares:
    use: vgpu
    match: {ids: '10de:25b6'}
    vgpu_types: [{type: NVIDIA A2-1B}]
    nova: {managed: false}
publish:
  flavors:
    desk: {vcpus: 2, ram_mib: 4096, disk_gib: 20, gpus: {desks: 1}}
    share: {vcpus: 2, ram_mib: 4096, disk_gib: 20, gpus: {shares: 1}}
"""
)


def test_what_is_offered_is_what_flavors_ask_for() -> None:
    hosts = {"gpu01": host_of("built-nvidia-t4-mdev"), "gpu02": host_of("built-nvidia-a2-vendor-vfio")}
    made = render(SPEC, hosts, LATEST, LAYOUTS["packages"])
    told = "\n".join(made.files.values())
    desk, share = (extra_specs_of(SPEC, wish, LATEST) for wish in SPEC.publish.flavors)
    classes = set(re.findall(r"^mdev_class = (\S+)$", told, re.MULTILINE))
    aliases = set(re.findall(r'^alias = \{"name": "([^"]+)"', told, re.MULTILINE))
    assert {f"resources:{each}": "1" for each in classes} == desk == {"resources:CUSTOM_T4_1Q": "1"}
    assert [share] == [{"pci_passthrough:alias": f"{each}:1"} for each in aliases]
    assert '"managed": "no"' in told


def test_no_flavor_can_ask_for_cards_that_are_mig_instances_alone() -> None:
    spec = parse_spec(
        "openstack: {release: '34'}\n"
        "pools: {cut: {use: vgpu, match: {ids: '10de:20f1'}, mig: {profile: 3g.20gb}}}\n"
        "publish: {flavors: {a: {vcpus: 1, ram_mib: 1, disk_gib: 1, gpus: {cut: 1}}}}\n"
    )
    with pytest.raises(Failure, match="pool cut is cut into MIG instances alone"):
        extra_specs_of(spec, spec.publish.flavors[0], LATEST)
