"""What a spec says of a cloud, as nova of its release does it: one source for aliases, classes and keys."""

from __future__ import annotations

import pytest
from tests.cloud.openstack.publishing import HEAD

from gpucloud.cloud.openstack.publish.find import release_of
from gpucloud.cloud.openstack.publish.flavors import extra_specs_of
from gpucloud.cloud.openstack.publish.limits import limits_of
from gpucloud.cloud.openstack.publish.wanted import properties_of
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.spec import Spec
from gpucloud.nova.releases.release import parse_release
from gpucloud.nova.render import settings_for
from gpucloud.spec import parse_spec


def spec_of(wish: str, release: str = "34", placement: str = "schedule") -> Spec:
    head = HEAD.replace('release: "34"', f'release: "{release}"').replace("schedule", placement)
    return parse_spec(f"{head}publish: {wish}\n")


def flavor(wish: str, release: str = "34") -> dict[str, str]:
    spec = spec_of(f"{{flavors: {{a: {{vcpus: 1, ram_mib: 1, disk_gib: 1, {wish}}}}}}}", release)
    return extra_specs_of(spec, spec.publish.flavors[0], parse_release(release))


@pytest.mark.parametrize(
    ("wish", "release", "keys"),
    [
        ("gpus: {a100: 2}", "34", {"pci_passthrough:alias": "big:2"}),
        ("gpus: {a100: 1, l4: 2}", "31", {"pci_passthrough:alias": "big:1,l4:2"}),
        ("gpus: {sound: 2}", "34", {"pci_passthrough:alias": "sound:2,sound-audio:2"}),
        ("gpus: {slices: 1}", "34", {"pci_passthrough:alias": "slices:1"}),
        ("gpus: {desktops/nvidia-558: 1}", "31", {"resources:CUSTOM_8Q": "1"}),
        ("gpus: {desktops/nvidia-559: 1}", "31", {"resources:VGPU": "1"}),
        (
            "gpus: {desktops/nvidia-559: 2}",
            "33",
            {"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "isolate"},
        ),
        ("traits: CUSTOM_X", "34", {"trait:CUSTOM_X": "required"}),
        ("hide_hypervisor: true", "34", {"hw:hide_hypervisor_id": "true"}),
        ("hide_hypervisor: true", "19", {"hide_hypervisor_id": "true"}),
        (
            "gpus: {a100: 1}, extra_specs: {'pci_passthrough:alias': 'big:1'}",
            "34",
            {"pci_passthrough:alias": "big:1"},
        ),
    ],
)
def test_a_flavor_asks_for_its_gpus_as_the_release_reads_it(
    wish: str, release: str, keys: dict[str, str]
) -> None:
    assert flavor(wish, release) == keys


@pytest.mark.parametrize(
    ("wish", "release", "says"),
    [
        ("gpus: {b100: 1}", "34", "there is no pool 'b100'; pools are: a100, l4"),
        ("gpus: {own: 1}", "34", "pool own has use: host"),
        ("gpus: {desktops: 1}", "34", "is cut into types of 2 classes; say which type: desktops/nvidia-558"),
        ("gpus: {desktops/nvidia-1: 1}", "34", "no vGPU type 'nvidia-1'"),
        ("gpus: {desktops/nvidia-558: 2}", "31", "attaches the first alone, without a word"),
        ("hide_hypervisor: true", "17", "no key of flavors that hides the hypervisor"),
        (
            "gpus: {a100: 1}, extra_specs: {'pci_passthrough:alias': 'big:2'}",
            "34",
            "leave it out of extra_specs",
        ),
        ("gpus: {desktops/nvidia-559: 2, slices: 2}", "34", "would then take from different cards, too"),
        ("extra_specs: {'hw:cpu_polcy': dedicated}", "34", "does not appear to be a valid extra spec"),
        ("extra_specs: {'hw:viommu_model': intel}", "25", "does not do hw:viommu_model=intel"),
        ("extra_specs: {'resources:CUSTOM_PCI_10DE_20B0': 1}", "34", "no device is attached"),
    ],
)
def test_what_the_release_would_not_do_is_refused_before_any_call(wish: str, release: str, says: str) -> None:
    with pytest.raises(Failure) as caught:
        flavor(wish, release)
    assert says in str(caught.value)
    assert caught.value.code is Exit.USAGE


@pytest.mark.parametrize(
    ("parent", "release", "is_seen"), [("mtty", "34", True), ("mtty", "33", False), ("mdpy", "34", False)]
)
def test_a_parent_that_nova_never_sees_is_in_no_flavor(parent: str, release: str, is_seen: bool) -> None:
    spec = parse_spec(
        f"openstack: {{release: '{release}'}}\n"
        f"pools: {{ports: {{use: vgpu, match: {{parent: {parent}}}, vgpu_types: {{type: x}}}}}}\n"
        "publish: {flavors: {a: {vcpus: 1, ram_mib: 1, disk_gib: 1, gpus: {ports: 1}}}}\n"
    )
    if is_seen:
        made = extra_specs_of(spec, spec.publish.flavors[0], parse_release(release))
        assert made == {"resources:VGPU": "1"}
        return
    with pytest.raises(Failure, match=f"flavor a: nova {release}.* has no devices of {parent} "):
        extra_specs_of(spec, spec.publish.flavors[0], parse_release(release))


def test_flavors_and_nova_conf_name_the_same_aliases() -> None:
    spec = spec_of("{flavors: {a: {vcpus: 1, ram_mib: 1, disk_gib: 1, gpus: {l4: 1}}}}", placement="off")
    written = {alias["name"] for alias in settings_for(spec, {}, parse_release("34")).aliases}
    asked = extra_specs_of(spec, spec.publish.flavors[0], parse_release("34"))
    assert asked["pci_passthrough:alias"].partition(":")[0] in written


@pytest.mark.parametrize(
    ("wish", "release", "placement", "says"),
    [
        ("{default: {gpus: {a100: 1}}}", "34", "schedule", "nova's own quotas do not count GPUs"),
        ("{default: {resources: {DISK_GB: 1}}}", "34", "schedule", "nova's own quotas do not count DISK_GB"),
        (
            "{unified: true, default: {gpus: {a100: 1}, resources: {CUSTOM_A100: 2}}}",
            "34",
            "schedule",
            "class:CUSTOM_A100 is limited to 2 and to 1; keystone has one limit for each class that counts",
        ),
        ("{unified: true, default: {servers: 1}}", "24", "off", "nova 24.2.1 keeps its own quotas"),
        (
            "{unified: true, default: {gpus: {a100: 1}}}",
            "33",
            "schedule",
            "does not count devices of pool a100",
        ),
        (
            "{unified: true, default: {gpus: {a100: 1}}}",
            "34",
            "report",
            "does not count devices of pool a100",
        ),
        (
            "{unified: true, default: {gpus: {slices: 1}}}",
            "34",
            "schedule",
            "write pools: slices: nova: resource_class",
        ),
    ],
)
def test_a_quota_that_nobody_would_keep_is_refused(
    wish: str, release: str, placement: str, says: str
) -> None:
    with pytest.raises(Failure, match=r"quot|count|hosts show") as caught:
        release_of(spec_of(f"{{quotas: {wish}}}", release, placement))
    assert says in str(caught.value)


def test_limits_are_called_as_nova_asks_keystone_for_them() -> None:
    spec = spec_of(
        "{quotas: {unified: true, default: {vcpus: 4, ram_mib: 5, resources: {DISK_GB: 9}, gpus: {l4: -1}}}}"
    )
    assert limits_of(spec, spec.publish.quotas.default, "default", parse_release("34")) == {
        "class:VCPU": 4,
        "class:MEMORY_MB": 5,
        "class:DISK_GB": 9,
        "class:CUSTOM_PCI_10DE_27B8": -1,
    }


def test_an_image_for_gpus_gets_q35_and_uefi_and_what_is_written_out_counts() -> None:
    spec = spec_of("{images: {a: {gpu: true, hide_hypervisor: true, properties: {hw_machine_type: pc}}}}")
    assert properties_of(spec.publish.images[0], parse_release("34")) == {
        "hw_machine_type": "pc",
        "hw_firmware_type": "uefi",
        "img_hide_hypervisor_id": "true",
    }


def test_an_image_property_that_the_release_passes_over_is_refused() -> None:
    spec = spec_of("{images: {a: {properties: {hw_viommu_model: virtio}}}}", "25")
    with pytest.raises(Failure, match="passes over it without a word"):
        properties_of(spec.publish.images[0], parse_release("25"))
