"""Pasted text into facts: encodings, listings, options, and what is never read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_mapping, from_text
from gpucloud.doctor.evidence.pci import PciListing
from gpucloud.doctor.evidence.text import Line, chunks, clean_text
from gpucloud.model.finding import Evidence
from gpucloud.model.pci import PciAddress, PciId
from gpucloud.model.unknown import Unknown

GPU = PciAddress.parse("0000:01:00.0")
RMRR = "DMAR: Device is ineligible for IOMMU domain attach due to platform RMRR requirement."


def causes(text: str) -> list[str]:
    return [f.cause for f in diagnose(gather(from_text("paste", (text,)))).findings]


def listing(text: str) -> PciListing:
    made = PciListing()
    for number, line in enumerate(text.split("\n"), start=1):
        made.read(Line("paste", number, line))
    return made


@pytest.mark.parametrize(
    "line",
    [
        "01:00.0 VGA compatible controller [0300]: NVIDIA TU116 [GTX 1660] [10de:2184] (rev a1)",
        "0000:01:00.0 VGA compatible controller [0300]: NVIDIA Corporation TU116 [10de:2184]",
        "IOMMU Group 7 01:00.0 VGA compatible controller [0300]: NVIDIA TU116 [10de:2184] (rev a1)",
        "Group:  7  0000:01:00.0 VGA compatible controller [0300]: NVIDIA [10de:2184]   Driver: nouveau",
        "Group 7:\t[10de:2184] [R] 01:00.0  VGA compatible controller          TU116 [GeForce GTX 1660]",
        "01:00.0 0300: 10de:2184 (rev a1)",
        "[    0.5] pci 0000:01:00.0: [10de:2184] type 00 class 0x030000 PCIe Legacy Endpoint",
    ],
)
def test_a_gpu_is_found_in_every_kind_of_listing(line: str) -> None:
    seen = listing(line).seen[GPU]
    assert seen.id == PciId(0x10DE, 0x2184)
    assert seen.pci_class is not None
    assert seen.pci_class.is_gpu


@pytest.mark.parametrize(
    "text",
    [
        "IOMMU Group 7:\n\t01:00.0 VGA compatible controller [0300]: NVIDIA [10de:2184]",
        "IOMMU group 7\n  01:00.0 VGA compatible controller [0300]: NVIDIA [10de:2184]",
        "### Group 7 ###\n    01:00.0 VGA compatible controller: NVIDIA Corporation TU116 (rev a1)",
        "/sys/kernel/iommu_groups/7/devices/0000:01:00.0",
        "pci 0000:01:00.0: Adding to iommu group 7",
        "iommu: Adding device 0000:01:00.0 to group 7",
        "01:00.0 VGA compatible controller: NVIDIA Corporation TU116\n\tFlags: bus master, IOMMU group 7",
    ],
)
def test_the_group_is_found_in_every_kind_of_listing(text: str) -> None:
    assert listing(text).seen[GPU].group == 7


def test_details_below_a_function_belong_to_it() -> None:
    seen = listing(
        "01:00.0 3D controller [0302]: NVIDIA Corporation GA100 [10de:20b0]\n"
        "\tKernel driver in use: nvidia\n"
        "\tCapabilities: [bcc v1] Single Root I/O Virtualization (SR-IOV)\n"
        "\n"
        "\tKernel driver in use: stray\n"
    ).seen[GPU]
    assert (seen.driver, seen.has_sriov) == ("nvidia", True)


def test_prose_with_an_address_is_no_listing() -> None:
    assert listing("my card 01:00.0 does not work. see http://x/[0300]: thanks").seen == {}


def test_terminal_colours_and_windows_line_ends_change_nothing() -> None:
    assert causes(
        f"\x1b[33m[ 1.2]\x1b[0m vfio-pci: \x1b[1;31mDMAR: Device is \x1b[Kineligible{RMRR[23:]}\r\n"
    ) == ["rmrr-ineligible"]


def test_messages_that_a_terminal_wrapped_are_found() -> None:
    wrapped = "vfio_container_dma_map(0x7f, 0x0, 0x80000000) = -12\n(Cannot allocate\nmemory)"
    assert causes(wrapped) == ["memlock-limit"]


def test_evidence_says_key_line_and_text() -> None:
    found = diagnose(gather(from_mapping("case", {"evidence": {"dmesg": f"first\nsecond\n{RMRR}"}}))).findings
    assert found[0].evidence == (Evidence("dmesg", RMRR, 3),)


def test_conclusions_of_people_are_never_read() -> None:
    told = {"evidence": {"observations": [RMRR], "workaround_commands": RMRR}, "expected": {"cause_id": RMRR}}
    assert diagnose(gather(from_mapping("case", told))).findings == ()


def test_unknown_keys_are_read_as_text() -> None:
    found = diagnose(gather(from_mapping("case", {"evidence": {"what_i_saw": RMRR}}))).findings
    assert [f.cause for f in found] == ["rmrr-ineligible"]


def test_what_the_evidence_does_not_show_is_unknown() -> None:
    host = gather(from_text("paste", ("hello",))).host
    assert isinstance(host.iommu.groups, Unknown)
    assert isinstance(host.functions, Unknown)


def test_the_enabled_line_alone_is_no_proof_of_an_iommu() -> None:
    refused = "vfio 0000:01:00.0: no iommu_group found: No such file or directory"
    assert causes(f"DMAR: IOMMU enabled\n{refused}")[0].startswith("iommu-")
    assert "iommu-disabled-firmware" not in causes(f"pci 0000:01:00.0: Adding to iommu group 3\n{refused}")


def test_text_beyond_the_first_megabytes_is_searched_for_messages() -> None:
    noise = ("x" * 79 + "\n") * 40_000
    case = gather(from_text("paste", [noise, f"{RMRR}\n"]))
    assert [f.cause for f in diagnose(case).findings] == ["rmrr-ineligible"]
    assert [one.why for one in diagnose(case).blind] != []


def test_a_line_cut_between_two_pieces_is_one_line() -> None:
    made = list(chunks("k", ["one\ntw", "o\nthree"]))
    assert [(c.first, c.text) for c in made] == [(1, "one\ntwo\nthree")]


def test_long_text_comes_in_chunks_of_whole_lines_that_are_numbered_on() -> None:
    made = list(chunks("k", ["line\n" * 500_000]))
    assert len(made) > 1
    assert all(set(c.text.split("\n")) == {"line"} for c in made)
    assert sum(c.text.count("\n") + 1 for c in made) == 500_000
    assert made[1].first == made[0].text.count("\n") + 2


@given(st.text(max_size=2000))
def test_any_text_is_read_without_failing(text: str) -> None:
    diagnose(gather(from_text("paste", (text,))))


@given(st.text(alphabet=st.characters(max_codepoint=0x17F), max_size=300))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_document_is_read_without_failing(document: object) -> None:
    diagnose(gather(from_mapping("case", {"evidence": document, "environment": document})))


@pytest.mark.proof
@pytest.mark.timeout(30)  # a second is the aim (bench/doctor.py); minutes would be a defect
@pytest.mark.parametrize(
    "unit", ["\x00\xff\n", "a", "01:00.0 [0300]: [10de:1db4] ", "{[", "GPU0 X PHB\n", '{"name": ']
)
def test_a_megabyte_of_anything_is_read(unit: str) -> None:
    diagnosis = diagnose(gather(from_text("paste", (unit * (1_000_000 // len(unit)),))))
    assert diagnosis.source == "paste"


PVE = r"initrd=\EFI\proxmox\6.8.12-4-pve\initrd.img-6.8.12-4-pve root=ZFS=rpool/ROOT/pve-1 boot=zfs"


@pytest.mark.parametrize("listed", ["", "total 0", "root@pve:~# ls -l /sys/kernel/iommu_groups/\ntotal 0\n"])
def test_proxmox_with_systemd_boot_is_told_the_file_that_it_reads(listed: str) -> None:
    evidence = {"evidence": {"cmdline": PVE, "iommu_groups": listed, "lspci": "00:00.0 0600: 8086:1234"}}
    (first, *_) = diagnose(gather(from_mapping("paste", evidence))).findings
    assert (first.cause, first.level.value) == ("iommu-missing-kernel-arg", "blocker")
    assert first.fix.commands[:2] == (
        "# append to the line in /etc/kernel/cmdline: intel_iommu=on iommu=pt",
        "proxmox-boot-tool refresh",
    )


def test_proxmox_on_zfs_with_grub_is_told_both_places() -> None:
    line = "BOOT_IMAGE=/vmlinuz-6.8.12-4-pve root=ZFS=/ROOT/pve-1 ro intel_iommu=off"
    evidence = {"evidence": {"cmdline": line, "iommu_groups": "(empty)"}}
    (first, *_) = diagnose(gather(from_mapping("paste", evidence))).findings
    assert first.fix.commands[:2] == (
        "# remove from the line in /etc/kernel/cmdline: intel_iommu=off",
        "# in /etc/default/grub, remove from GRUB_CMDLINE_LINUX: intel_iommu=off",
    )
    assert first.fix.commands[-2:] == ("proxmox-boot-tool refresh", "reboot")


UNSUPPORTED = "error: unsupported configuration: host doesn't support passthrough of host PCI devices"


@pytest.mark.parametrize(
    "evidence",
    [
        {"lscpu": "Vendor ID: AuthenticAMD", "cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet splash"},
        {"lscpu": "Vendor ID: AuthenticAMD"},
        {"said": "The server has an EPYC 7302."},
    ],
)
def test_on_amd_only_the_firmware_is_blamed_where_no_argument_turns_the_iommu_off(
    evidence: dict[str, str],
) -> None:
    found = diagnose(gather(from_mapping("paste", {"evidence": {**evidence, "virsh": UNSUPPORTED}}))).findings
    assert [one.cause for one in found] == ["iommu-disabled-firmware"]
    assert "no argument that turns it off is shown" in found[0].why


def test_on_amd_an_argument_that_turns_the_iommu_off_comes_first_and_only_it_is_to_go() -> None:
    told = {"lscpu": "Vendor ID: AuthenticAMD", "cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/sda1 amd_iommu=off"}
    (first, *_) = diagnose(
        gather(from_mapping("paste", {"evidence": {**told, "virsh": UNSUPPORTED}}))
    ).findings
    assert first.cause == "iommu-missing-kernel-arg"
    assert first.fix.commands[0].endswith("remove from GRUB_CMDLINE_LINUX: amd_iommu=off")


def test_on_amd_an_argument_for_the_iommu_that_is_not_applied_stops_nothing() -> None:
    told = {
        "lscpu": "Vendor ID: AuthenticAMD",
        "cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet",
        "grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet iommu=pt"',
    }
    assert diagnose(gather(from_mapping("paste", {"evidence": told}))).findings == ()


def test_a_listing_with_groups_is_not_taken_for_an_empty_one() -> None:
    evidence = {"evidence": {"cmdline": PVE, "iommu_groups": "# ls /sys/kernel/iommu_groups\n0  1  2\n"}}
    assert "iommu-missing-kernel-arg" not in [
        one.cause
        for one in diagnose(gather(from_mapping("paste", evidence))).findings
        if one.level.value == "blocker"
    ]


def test_what_looks_like_an_address_and_is_none_asks_for_no_virtual_functions() -> None:
    listed = "lspci | grep VGA\n82:00.0 VGA compatible controller: NVIDIA Corporation [10de:20b5]"
    assert "sriov-vfs-not-enabled" not in causes(f"{listed}\necho 4 > 0000:00:82.0/sriov_numvfs\n")
