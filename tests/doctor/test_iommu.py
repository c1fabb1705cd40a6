"""Is the IOMMU on, and who left it off."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.doctor.build import UNREAD, blind, card, causes, findings, host, levels

from gpucloud.model.finding import Level
from gpucloud.model.host import Cpu

GPU = card("3b:00", "vfio-pci", "vfio-pci", group=7)
FIRMWARE, ARGUMENT = "iommu-disabled-firmware", "iommu-missing-kernel-arg"


def test_a_server_on_which_passthrough_works_has_no_findings() -> None:
    assert findings(host(GPU)) == ()


def test_with_the_iommu_off_no_finding_advises_a_plan_that_would_be_refused() -> None:
    found = findings(host(card("3b:00", "nvidia"), arguments="quiet", groups={}))
    assert {one.cause for one in found} == {ARGUMENT, "host-driver-grabbed-gpu"}
    assert not any("gpucloud plan" in command for one in found for command in one.fix.commands)


def test_no_dmar_table_is_the_firmware() -> None:
    assert causes(host(GPU, groups={}, has_dmar=False)) == [FIRMWARE]


def test_a_dmar_table_without_the_argument_is_the_argument() -> None:
    found = findings(host(GPU, arguments="quiet", groups={}))[0]
    assert found.cause == ARGUMENT
    assert "update-grub" in found.fix.commands


def test_red_hat_hosts_are_told_grubby() -> None:
    found = findings(host(GPU, arguments="quiet", groups={}, family="rhel"))[0]
    assert any(command.startswith("grubby ") for command in found.fix.commands)


def test_boot_entries_on_other_hosts_are_not_for_grubby() -> None:
    debian = host(GPU, arguments="quiet", groups={})
    entries = replace(debian.distribution, boot_loaders=("bls", "systemd-boot"))
    commands = findings(replace(debian, distribution=entries))[0].fix.commands
    assert "kernel-install add-all" in commands
    assert not any(command.startswith("grubby ") for command in commands)


def test_iommu_pt_alone_turns_nothing_on() -> None:
    assert causes(host(GPU, arguments="iommu=pt", groups={})) == [ARGUMENT]


def test_the_argument_of_the_gpus_vendor_on_an_intel_host_is_no_argument() -> None:
    found = findings(host(GPU, arguments="amd_iommu=on", groups={}))[0]
    assert found.cause == ARGUMENT
    assert "amd_iommu=on" in [line.text for line in found.evidence]


def test_asked_for_and_still_off_is_the_firmware() -> None:
    assert causes(host(GPU, arguments="intel_iommu=on", groups={}, has_dmar=UNREAD)) == [FIRMWARE]


def test_the_last_of_repeated_arguments_counts() -> None:
    assert causes(host(GPU, arguments="intel_iommu=on intel_iommu=off", groups={})) == [ARGUMENT]


@pytest.mark.parametrize("words", ["intel_iommu=igfx_off", "intel_iommu=sm_on", "intel_iommu=on,off"])
def test_words_that_turn_nothing_on_are_not_taken_for_a_request(words: str) -> None:
    assert causes(host(GPU, arguments=words, groups={}, has_dmar=UNREAD)) == [ARGUMENT]


def test_a_later_word_that_is_no_switch_takes_nothing_back() -> None:
    asked = host(GPU, arguments="intel_iommu=on intel_iommu=sm_on", groups={}, has_dmar=UNREAD)
    assert causes(asked) == [FIRMWARE]
    off = host(GPU, arguments="intel_iommu=off intel_iommu=strict", groups={})
    assert "turns the IOMMU off" in findings(off)[0].why


def test_unknown_arguments_are_said_and_make_the_verdict_less_sure() -> None:
    unread = host(GPU, arguments=UNREAD, groups={})
    assert "kernel arguments" in [one.fact for one in blind(unread)]
    assert findings(unread)[0].confidence <= 0.6


def test_on_amd_nothing_takes_off_back() -> None:
    twice = host(GPU, vendor="amd", arguments="amd_iommu=off amd_iommu=on", groups={})
    assert causes(twice) == [ARGUMENT]


def test_an_amd_host_needs_no_argument_so_the_firmware_is_to_blame() -> None:
    assert causes(host(GPU, vendor="amd", arguments="amd_iommu=on", groups={})) == [FIRMWARE]


def test_an_amd_host_with_its_iommu_switched_off_is_told_so() -> None:
    assert causes(host(GPU, vendor="amd", arguments="amd_iommu=off", groups={})) == [ARGUMENT]


def test_a_host_that_is_a_guest_is_told_of_the_virtual_iommu() -> None:
    guest = Cpu("intel", "vmx", is_virtual=True, physical_address_bits=40)
    assert "virtual IOMMU" in findings(host(GPU, groups={}, has_dmar=False, cpu=guest))[0].fix.text


def test_unknown_groups_are_said_and_no_finding() -> None:
    unread = host(GPU, groups=UNREAD)
    assert ARGUMENT not in causes(unread)
    assert FIRMWARE in [one.cause for one in blind(unread)]


def test_missing_interrupt_remapping_stops_vfio() -> None:
    assert levels(host(GPU, has_interrupt_remapping=False)) == {"interrupt-remapping-missing": Level.BLOCKER}


def test_missing_interrupt_remapping_that_was_accepted_is_a_warning() -> None:
    accepted = host(
        GPU,
        arguments="intel_iommu=on vfio_iommu_type1.allow_unsafe_interrupts=1",
        has_interrupt_remapping=False,
    )
    assert levels(accepted) == {"interrupt-remapping-missing": Level.WARNING}


def test_missing_interrupt_remapping_is_a_symptom_when_the_iommu_is_off() -> None:
    assert causes(host(GPU, arguments="", groups={}, has_interrupt_remapping=False)) == [ARGUMENT]


def test_unknown_interrupt_remapping_is_said() -> None:
    assert "interrupt-remapping-missing" in [
        b.cause for b in blind(host(GPU, has_interrupt_remapping=UNREAD))
    ]


def test_unsafe_interrupts_where_remapping_works_give_a_protection_up() -> None:
    unsafe = {"/etc/modprobe.d/vfio.conf": "options vfio_iommu_type1 allow_unsafe_interrupts=1"}
    assert levels(host(GPU, modules=unsafe)) == {"unsafe-interrupts": Level.WARNING}


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [("1", "0", []), ("0", "1", ["unsafe-interrupts"]), ("N", "Y", ["unsafe-interrupts"])],
)
def test_of_repeated_options_the_last_counts_and_the_command_line_comes_after_the_files(
    first: str, last: str, expected: list[str]
) -> None:
    name = "vfio_iommu_type1.allow_unsafe_interrupts"
    assert causes(host(GPU, arguments=f"intel_iommu=on {name}={first} {name}={last}")) == expected
    file = {"/etc/modprobe.d/vfio.conf": f"options vfio_iommu_type1 allow_unsafe_interrupts={first}"}
    assert causes(host(GPU, modules=file, arguments=f"intel_iommu=on {name}={last}")) == expected


def test_unsafe_interrupts_set_to_zero_are_fine() -> None:
    assert causes(host(GPU, arguments="intel_iommu=on vfio-iommu-type1.allow_unsafe_interrupts=0")) == []


def test_amd_iommu_on_is_said_to_do_nothing() -> None:
    assert levels(host(GPU, vendor="amd", arguments="amd_iommu=on iommu=pt")) == {
        "iommu-argument-ignored": Level.INFO
    }


def test_amd_iommu_values_that_exist_are_silent() -> None:
    assert causes(host(GPU, vendor="amd", arguments="amd_iommu=force_isolation")) == []


@pytest.mark.parametrize(
    ("family", "command"),
    [
        ("debian", "# in /etc/default/grub, remove from GRUB_CMDLINE_LINUX: intel_iommu=off iommu=off"),
        ("rhel", 'grubby --update-kernel=ALL --remove-args="intel_iommu=off iommu=off"'),
        ("arch", "# remove from the line in /etc/kernel/cmdline: intel_iommu=off iommu=off"),
    ],
)
def test_the_arguments_that_turn_the_iommu_off_are_named_in_the_fix(family: str, command: str) -> None:
    off = host(GPU, arguments="quiet intel_iommu=off iommu=off", family=family, units=(), groups={})
    (first, *_) = findings(off)
    assert first.cause == "iommu-missing-kernel-arg"
    assert first.fix.commands[0] == command


@pytest.mark.parametrize(
    ("more", "script"),
    [("", "/allow_unsafe_interrupts/d"), (" dma_entry_limit=9", "s/ *allow_unsafe_interrupts=[^ ]*//")],
)
def test_an_unsafe_option_is_removed_from_the_file_that_holds_it(more: str, script: str) -> None:
    unsafe = {"/etc/modprobe.d/vfio.conf": f"options vfio_iommu_type1 allow_unsafe_interrupts=1{more}"}
    (first, *_) = findings(host(GPU, modules=unsafe))
    assert first.fix.commands[0] == f"sed -i '{script}' /etc/modprobe.d/vfio.conf"


def test_an_unsafe_option_is_removed_from_the_kernel_arguments() -> None:
    argument = "vfio-iommu-type1.allow_unsafe_interrupts=1"
    (first, *_) = findings(host(GPU, arguments=f"intel_iommu=on {argument}"))
    assert first.fix.commands[0].endswith(argument)


def test_the_firmwares_table_decides_whose_argument_acts_not_the_processor() -> None:
    emulated = {"vendor": "amd", "has_dmar": True, "has_ivrs": False}
    assert causes(host(GPU, arguments="intel_iommu=on iommu=pt", **emulated)) == []  # type: ignore[arg-type]
    off = host(GPU, arguments="quiet", groups={}, **emulated)  # type: ignore[arg-type]
    assert causes(off) == [ARGUMENT]
    assert "On Intel the kernel turns VT-d on only when asked" in findings(off)[0].why


def test_the_argument_of_an_iommu_that_is_not_there_is_said_to_do_nothing() -> None:
    assert causes(host(GPU, vendor="amd", arguments="intel_iommu=on")) == ["iommu-argument-ignored"]


def test_without_any_table_nobody_says_whose_is_missing() -> None:
    found = findings(host(GPU, vendor="amd", groups={}, has_dmar=False, has_ivrs=False))[0]
    assert found.cause == FIRMWARE
    assert "neither a DMAR nor an IVRS table" in found.why


def test_an_argument_behind_two_dashes_is_for_init_and_asks_the_kernel_for_nothing() -> None:
    found = findings(host(GPU, arguments="quiet -- intel_iommu=on", groups={}))[0]
    assert found.cause == ARGUMENT
    assert "no intel_iommu=, amd_iommu= or iommu= before --" in [line.text for line in found.evidence]
