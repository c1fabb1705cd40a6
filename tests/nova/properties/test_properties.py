"""What a release makes of flavors' keys and images' properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.nova.properties import Verdict, judge_flavor, judge_image, judge_together
from gpucloud.nova.releases.release import SERIES, Release, parse_release


@pytest.mark.parametrize(
    ("release", "name", "value", "verdict"),
    [
        ("34", "pci_passthrough:alias", "a100:2,t4:1", Verdict.KNOWN),
        ("34", "pci_passthrough:alias", "a100", Verdict.REFUSED),
        ("13", "pci_passthrough:alias", "a100", Verdict.REFUSED),
        ("34", "resources:VGPU", "1", Verdict.KNOWN),
        ("32", "resources:VGPU", "2", Verdict.IGNORED),
        ("34", "resources1:CUSTOM_A16", "1", Verdict.KNOWN),
        ("34", "resources:CUSTOM_pci_x", "1", Verdict.REFUSED),
        ("34", "resources:vgpu", "1", Verdict.REFUSED),
        ("34", "resources:CUSTOM_PCI_10DE_1EB8", "1", Verdict.IGNORED),
        ("34", "trait:CUSTOM_NVIDIA_11", "required", Verdict.KNOWN),
        ("34", "trait:CUSTOM_NVIDIA_11", "yes", Verdict.REFUSED),
        ("34", "hw:maxphysaddr_mode", "emulate", Verdict.REFUSED),
        ("28", "hw:maxphysaddr_mode", "emulate", Verdict.REFUSED),
        ("20", "hw:maxphysaddr_mode", "emulate", Verdict.IGNORED),
        ("21.0.0", "hw:hide_hypervisor_id", "true", Verdict.REFUSED),
        ("20.6.0", "hw:hide_hypervisor_id", "true", Verdict.IGNORED),
        ("21.1.2", "hw:hide_hypervisor_id", "true", Verdict.KNOWN),
        ("17", "hide_hypervisor_id", "true", Verdict.IGNORED),
        ("20", "hw:pci_numa_affinity_policy", "preferred", Verdict.IGNORED),
        ("22", "hw:pci_numa_affinity_policy", "socket", Verdict.REFUSED),
        ("23", "hw:pci_numa_affinity_policy", "socket", Verdict.KNOWN),
        ("25", "hw:viommu_model", "intel", Verdict.REFUSED),
        ("15", "hw:viommu_model", "intel", Verdict.IGNORED),
        ("30", "os:vram", "64", Verdict.REFUSED),
        ("34", "hw:hide_hypervisor", "true", Verdict.REFUSED),
        ("20", "hw:hide_hypervisor", "true", Verdict.UNKNOWN),
        ("34", "owner", "true", Verdict.UNKNOWN),
        ("34", "quota:cpu_period", "a", Verdict.REFUSED),
        ("34", "hw:cpu_max_cores", "2", Verdict.KNOWN),
        ("31.1.0", "hw:cpu_max_cores", "2", Verdict.REFUSED),
        ("34", "resources:VGPU", "-1", Verdict.REFUSED),
        ("28", "os:vram", "64", Verdict.IGNORED),
        ("20", "hw:cpu_sockets", "2", Verdict.KNOWN),
        ("20", "hw:numa_cpus.0", "0-3", Verdict.KNOWN),
        ("20", "hw:numa_mem.0", "2048", Verdict.KNOWN),
        ("20", "hw:watchdog_action", "reset", Verdict.KNOWN),
        ("20", "hw:pmem", "small", Verdict.KNOWN),
        ("19", "hw:pmem", "small", Verdict.IGNORED),
        ("20", "hw:cpu_realtime", "yes", Verdict.KNOWN),
        ("19", "hw:mem_encryption", "true", Verdict.IGNORED),
        ("20", "quota:cpu_shares", "10", Verdict.KNOWN),
        ("17", "hw:emulator_threads_policy", "share", Verdict.KNOWN),
        ("15", "hw:emulator_threads_policy", "share", Verdict.IGNORED),
        ("18", "group_policy", "none", Verdict.KNOWN),
        ("17", "group_policy", "none", Verdict.IGNORED),
        ("20", "hw:cpu_policy", "mixed", Verdict.REFUSED),
        ("17", "hw:cpu_policy", "wat", Verdict.REFUSED),
        ("20", "hw:mem_page_size", "wat", Verdict.REFUSED),
        ("20", "hw:mem_page_size", "2MB", Verdict.KNOWN),
        ("15", "resources:VGPU", "1", Verdict.IGNORED),
        ("16", "resources:VGPU", "1", Verdict.IGNORED),
        ("16", "resources:CUSTOM_X", "1", Verdict.KNOWN),
        ("16", "resources1:CUSTOM_X", "1", Verdict.IGNORED),
        ("17", "resources:VGPU", "1", Verdict.KNOWN),
        ("17", "trait:CUSTOM_X", "forbidden", Verdict.IGNORED),
        ("18", "trait:CUSTOM_X", "forbidden", Verdict.KNOWN),
    ],
)
def test_a_flavors_key(release: str, name: str, value: str, verdict: Verdict) -> None:
    (found,) = judge_flavor({name: value}, parse_release(release))
    assert found.verdict is verdict
    assert bool(found.why) or verdict is Verdict.KNOWN


@pytest.mark.parametrize(
    ("release", "name", "value", "verdict"),
    [
        ("25", "hw_viommu_model", "intel", Verdict.IGNORED),
        ("19", "hw_video_model", "bochs", Verdict.REFUSED),
        ("34", "hw_video_model", "bochs", Verdict.KNOWN),
        ("34", "hw_firmware_type", "UEFI", Verdict.REFUSED),
        ("34", "hw_maxphysaddr_bits", "48", Verdict.IGNORED),
        ("34", "hw_viommu_model", "intel", Verdict.REFUSED),
        ("22", "os_secure_boot", "required", Verdict.IGNORED),
        ("15", "img_hide_hypervisor_id", "true", Verdict.IGNORED),
        ("20", "img_hide_hypervisor_id", "true", Verdict.KNOWN),
        ("34", "hw_numa_nodes", "two", Verdict.REFUSED),
        ("34", "hw_vido_model", "virtio", Verdict.UNKNOWN),
        ("34", "traits_required", "CUSTOM_X", Verdict.IGNORED),
        ("34", "trait:CUSTOM_X", "required", Verdict.KNOWN),
        ("17", "trait:CUSTOM_X", "required", Verdict.IGNORED),
        ("34", "os_type", "Windows", Verdict.KNOWN),
        ("34", "vm_mode", "hvm", Verdict.KNOWN),
    ],
)
def test_an_images_property(release: str, name: str, value: str, verdict: Verdict) -> None:
    (found,) = judge_image({name: value}, parse_release(release))
    assert found.verdict is verdict


def test_properties_that_need_each_other() -> None:
    q35 = {"hw_machine_type": "q35", "hw_viommu_model": "intel"}
    assert {one.verdict for one in judge_image(q35, SERIES[-1])} == {Verdict.KNOWN}
    wide = {"hw_maxphysaddr_mode": "emulate", "hw_maxphysaddr_bits": "48"}
    assert {one.verdict for one in judge_image(wide, SERIES[-1])} == {Verdict.KNOWN}


def test_a_second_vgpu_is_lost_before_33() -> None:
    both = {"resources1:VGPU": "1", "resources2:VGPU": "1"}
    assert [one.verdict for one in judge_flavor(both, parse_release("32"))] == [
        Verdict.KNOWN,
        Verdict.IGNORED,
    ]
    assert {one.verdict for one in judge_flavor(both, parse_release("33"))} == {Verdict.KNOWN}


@given(st.dictionaries(st.text(), st.text()), st.sampled_from(SERIES))
def test_any_text_is_judged(properties: dict[str, str], release: Release) -> None:
    assert len(judge_flavor(properties, release)) == len(judge_image(properties, release)) == len(properties)


def test_no_name_is_proposed_that_is_the_name_itself_or_that_the_release_lacks() -> None:
    (gone,) = judge_flavor({"os:vram": "64"}, parse_release("34"))
    assert gone.why.endswith("; known until 29.0.0")
    (slip,) = judge_flavor({"hw:cpu_max_core": "2"}, parse_release("20"))
    assert slip.why.endswith("; is it hw:cpu_max_cores?")
    for release in SERIES:
        for name in ("hw:cpu_socket", "hw:viommu_models", "hw:cpu_sockets"):
            (found,) = judge_flavor({name: "1"}, release)
            assert f"is it {name}?" not in found.why


@pytest.mark.parametrize(
    ("flavor", "image", "refused"),
    [
        ({"hw:locked_memory": "true"}, {}, {"hw:locked_memory"}),
        ({"hw:locked_memory": "true", "hw:mem_page_size": "large"}, {}, set()),
        ({}, {"hw_locked_memory": "true"}, {"hw_locked_memory"}),
        ({}, {"os_secure_boot": "required", "hw_firmware_type": "bios"}, set()),
        ({}, {"os_secure_boot": "required", "hw_machine_type": "pc"}, {"os_secure_boot"}),
        (
            {"os:secure_boot": "required"},
            {"hw_machine_type": "q35", "hw_firmware_type": "uefi"},
            set(),
        ),
        ({"hw:viommu_model": "intel"}, {"hw_machine_type": "pc"}, {"hw:viommu_model"}),
        ({"hw:viommu_model": "intel"}, {}, set()),
        ({"hw_video:ram_max_mb": "16"}, {"hw_video_ram": "64"}, {"hw_video_ram"}),
        ({}, {"hw_video_ram": "64"}, set()),
        ({}, {"hw_machine_type": "Q35"}, {"hw_machine_type"}),
    ],
)
def test_what_a_flavor_and_an_image_need_of_each_other(
    flavor: dict[str, str], image: dict[str, str], refused: set[str]
) -> None:
    release = parse_release("34")
    judged = [
        *judge_together(judge_flavor(flavor, release), flavor, image),
        *judge_together(judge_image(image, release), flavor, image),
    ]
    assert {one.name for one in judged if one.verdict is Verdict.REFUSED} == refused


def test_secure_boot_is_passed_over_with_bios() -> None:
    image = {"os_secure_boot": "required", "hw_firmware_type": "bios"}
    judged = judge_together(judge_image(image, parse_release("34")), {}, image)
    assert [one.verdict for one in judged] == [Verdict.IGNORED, Verdict.KNOWN]
