"""What the doctor asks back where evidence shows no cause: by what is said, and never for what is there."""

from __future__ import annotations

import re

import pytest

from gpucloud.doctor import CAUSES, Diagnosis, diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_mapping, from_text
from gpucloud.doctor.evidence.phrases import PHRASES
from gpucloud.doctor.questions.topics import TOPICS
from gpucloud.doctor.report import render_object, render_text, summary

TOLD = {
    "MIG": ("I want MIG on the A100, and instances of a seventh for each guest.", "mig.mode.current"),
    "licence": ("Is there a way to see which license my guest has? It is a GRID driver.", "grep -iA2 licen"),
    "NVLink fabric": ("Eight H100 with NVSwitch in one guest: is the fabric manager to run in it?", "fabric"),
    "cards that reach each other": ("NCCL is five times slower in a guest, is it P2P?", "topo -m"),
    "vGPU": ("Which vGPU types can this T4 give? I see none in the dashboard.", "mdevctl types"),
    "SR-IOV": ("How do I get SR-IOV virtual functions of the Arc card?", "sriov_{totalvfs,numvfs}"),
    "devices in nova's records": ("The pci_devices table of nova looks stale to me.", "FROM pci_devices"),
    "scheduling in nova": ("GPU guests end with No valid host was found in OpenStack.", "returned 0 hosts"),
    "hugepages and NUMA": ("Should hugepages and NUMA fit the GPU of the guest?", "free}_hugepages"),
    "room for BARs": ("Are the BARs of the cards right, and is above 4G decoding on?", "root bus resource"),
    "reset": ("How do I find out whether reset of this card works, by FLR perhaps?", "reset|not ready"),
    "ROM and display": ("I wonder whether I need a vbios file; my monitor is on that card.", "boot_vga"),
    "driver in the guest": ("Now and then Xid 31 comes, and then CUDA stops.", "NVRM"),
    "performance": ("Games are slow and stutter, the fps halve.", "lnksta"),
    "IOMMU groups": ("Whose are the devices in the same group, and is ACS there?", "iommu_groups"),
    "IOMMU": ("Does this Ryzen do AMD-Vi, and is intel_iommu for it too?", "DMAR|AMD-Vi|IOMMU"),
    "driver binding": ("I cannot bind it, nouveau grabs it despite the blacklist.", "lspci -nnk"),
    "start of the guest": ("virt-manager says unable to start, with a QEMU message.", "qemu/GUEST.log"),
    "passthrough of a card": ("I would like to pass my graphics card to a machine.", "lspci -nnk"),
}
"""What people write, and a piece of what is asked first."""

COMMANDS = tuple({ask[0].run: ask[0] for topic in TOPICS for ask in topic.asks}.values())


def told(text: str) -> Diagnosis:
    return diagnose(gather(from_text("report", [text])))


def asked(text: str) -> list[str]:
    return [one.run for one in told(text).questions]


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_what_a_report_speaks_about_is_asked_about_first(topic: str) -> None:
    text, piece = TOLD[topic]
    first, *more = told(text).questions
    assert first.topic == topic
    assert piece in first.run
    assert len(more) < 5


def test_two_reports_about_different_things_are_asked_for_different_things() -> None:
    licence, display = (set(asked(TOLD[name][0])) for name in ("licence", "ROM and display"))
    assert licence
    assert display
    assert licence.isdisjoint(display)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (("The GPU is slow.\n3b:00.0 VGA compatible controller [0300]: NVIDIA Corporation GA102 [10de:2204]\n"
          "\tKernel driver in use: vfio-pci\n\tLnkSta: Speed 16GT/s, Width x16\n"), "lspci"),
        ("Is the IOMMU right?\n$ cat /proc/cmdline\nBOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet\n", "cmdline"),
        ("Which group?\n/sys/kernel/iommu_groups/7/devices/0000:3b:00.0\n", "iommu_groups"),
        ("No valid host was found.\nFilter PciPassthroughFilter returned 0 hosts\n", "Filter results"),
        ("nova, no valid host\n| properties | pci_passthrough:alias='a100:1' |\n", "openstack flavor show"),
        ("MIG?\nnvidia-smi shows mig.mode.current\nEnabled\n", "mig.mode.current"),
        ("The guest is not licensed?\nLicense Status : Licensed (Expiry: N/A)\n", "grep -iA2 licen"),
        ("Does reset work?\n/sys/bus/pci/devices/0000:3b:00.0/reset_method: flr bus\n", "reset_method"),
        ("SR-IOV?\n/sys/bus/pci/devices/0000:3b:00.0/sriov_totalvfs:32\n", "sriov_"),
        ("A vGPU?\n0000:3b:00.0\n  nvidia-222\n    Available instances: 16\n", "mdevctl"),
        ("hugepages\n$ nvidia-smi topo -m\nGPU0 X NV12 NV12 NV12 0-31 0\n", "topo -m"),
        ("NVLink is slow\n\tGPU0\tGPU1\tCPU\nGPU0\t X \tNV12\t0-15\nGPU1\tNV12\t X \t0-15\n", "topo -m"),
        ("QEMU and libvirt\n<domain type='kvm'>\n<hostdev mode='subsystem' type='pci'>\n", "dumpxml"),
    ],
)  # fmt: skip
def test_what_the_evidence_holds_is_not_asked_for(text: str, held: str) -> None:
    runs = asked(text)
    assert runs
    assert not [run for run in runs if held in run]


@pytest.mark.parametrize("topic", TOLD)
def test_what_was_typed_at_a_prompt_is_not_asked_for(topic: str) -> None:
    text, _ = TOLD[topic]
    for run in asked(text):
        assert run not in asked(f"{text}\n[root@gpu01 ~]# {run}\n")
        assert run not in asked(f"{text}\nuser@gpu01:~$ sudo {run}\n")


def test_a_key_with_the_output_is_as_good_as_the_command() -> None:
    said = {"text": "The IOMMU, VT-d, does it work?", "dmesg": "Linux version 6.1", "cmdline": "quiet"}
    questions = diagnose(gather(from_mapping("report", {"evidence": said}))).questions
    assert [one.run for one in questions] == ["find /sys/kernel/iommu_groups -type l"]


def test_of_one_log_one_piece_is_asked_for() -> None:
    runs = asked(
        "vfio, reset, black screen with SR-IOV and the vbios; BARs, IOMMU, second start, FLR, monitor."
    )
    assert len([run for run in runs if run.startswith("dmesg")]) == 1


def test_where_the_kernels_log_was_pasted_it_is_not_asked_for_again() -> None:
    log = "".join(f"[    {n}.000001] usb 1-{n}: new device\n" for n in range(30))
    assert not [run for run in asked(f"Does reset of the GPU work?\n{log}") if run.startswith("dmesg")]


def test_the_only_card_of_a_report_is_named_in_what_is_asked() -> None:
    text = "Which driver has it, can I bind it?\n3b:00.0 3D controller [0302]: NVIDIA GA100 [10de:20b5]\n"
    assert asked(text)[0] == "lspci -nnk -s 3b:00.0"
    both = f"{text}5e:00.0 3D controller [0302]: NVIDIA GA100 [10de:20b5]\n"
    assert asked(both)[0] == "lspci -nnk"


def test_commands_are_those_of_the_platform_at_hand() -> None:
    text = "The guest fails to start with my GPU, start failed: QEMU"
    assert "tail -n 50 /var/log/libvirt/qemu/GUEST.log" in asked(text)
    assert any(run.startswith("pvenode task list") for run in asked(f"Proxmox 8. {text}"))
    assert any("/var/log/kolla" in run for run in asked("kolla: nova finds no valid host for a GPU flavor"))
    assert "rocm-smi --showtopo" in asked("Two MI210 in a guest, P2P between them is slow")
    assert any(run.startswith("Get-PnpDevice") for run in asked("Windows device manager: is it code 10? GPU"))


def test_a_cause_that_is_shown_is_named_without_asking() -> None:
    shown = told(
        "vfio-pci 0000:3b:00.0: Firmware has requested this device have a 1:1 IOMMU mapping, rejecting"
    )
    assert shown.findings[0].cause == "rmrr-ineligible"
    assert shown.questions == ()


def test_a_guess_is_asked_about() -> None:
    guess = told("The Vega 64 does not reset properly when the VM is stopped.")
    assert [one.level.value for one in guess.findings] == ["info"]
    assert guess.questions[0].topic == "reset"


@pytest.mark.parametrize("text", ["", "What a nice day.", "The printer on the second floor is out of paper."])
def test_of_what_is_no_matter_of_gpus_nothing_is_asked(text: str) -> None:
    assert told(text).questions == ()
    assert "add kernel log, lspci -nnk, groups or configuration" in render_text(told(text))


def test_questions_name_no_cause() -> None:
    assert told(TOLD["vGPU"][0]).findings == ()


def test_the_object_has_questions_beside_the_findings() -> None:
    made = render_object(told(TOLD["IOMMU"][0]))
    assert made["findings"] == []
    assert made["questions"] == [
        {
            "topic": "IOMMU",
            "where": "host",
            "run": "dmesg | grep -iE 'DMAR|AMD-Vi|IOMMU'",
            "decides": "whether the firmware offers an IOMMU, and the kernel runs it",
        },
        {
            "topic": "IOMMU",
            "where": "host",
            "run": "cat /proc/cmdline",
            "decides": "what the running kernel was told",
        },
        {
            "topic": "IOMMU",
            "where": "host",
            "run": "find /sys/kernel/iommu_groups -type l",
            "decides": "whether there are groups: without an IOMMU there are none",
        },
    ]


def test_the_text_has_each_command_with_what_it_decides() -> None:
    text = render_text(told(TOLD["driver in the guest"][0]))
    assert "there are commands that would show more" in text
    assert "\nTo be sure of the cause, add what these print, the most deciding first:\n  dmesg | grep" in text
    assert "\n      in the guest: what the guest's driver says of the card\n" in text


def test_a_row_of_a_table_has_no_commands() -> None:
    assert "dmesg" not in summary(told(TOLD["IOMMU"][0])).cells[4]


def test_the_table_speaks_of_what_there_is() -> None:
    names = {phrase.name for phrase in PHRASES}
    for topic in TOPICS:
        assert set(topic.causes) <= set(CAUSES)
        assert set(topic.phrases) <= names
        assert len({command.run for command, _ in topic.asks}) == len(topic.asks)
    assert len({topic.name for topic in TOPICS}) == len(TOPICS) == len(TOLD)


def test_words_of_the_table_are_written_as_they_are_looked_up() -> None:
    words = [word for topic in TOPICS for word in topic.words]
    words += [
        word for one in COMMANDS for word in (*one.marks, *(w for form in one.instead for w in form[0]))
    ]
    assert [word for word in words if not re.fullmatch(r"[a-z0-9]+(?: [a-z0-9]+)*", word)] == []


def test_every_command_that_needs_an_address_has_a_form_without() -> None:
    assert [one.run for one in COMMANDS if "{card}" in one.run and not one.general] == []
    assert [one.run for one in COMMANDS if "{path}" in one.run and not one.general] == []


def test_what_is_asked_for_only_reads() -> None:
    forms = [
        form for one in COMMANDS for form in (one.run, one.general, *(run for _, run in one.instead)) if form
    ]
    changing = re.compile(r">|\btee\b|\brm\b|\bstart\b|\bstop\b|\bset\b|modprobe -|UPDATE|DELETE|-i \d")
    assert [form for form in forms if changing.search(form)] == []
