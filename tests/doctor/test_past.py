"""What a report says was cured is history; what it goes on to say is not."""

from __future__ import annotations

import pytest

from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_mapping, from_text
from gpucloud.model.finding import Level

LOST = "NVRM: GPU at PCI:0000:3b:00: GPU has fallen off the bus."


def levels(text: str) -> dict[str, Level]:
    return {one.cause: one.level for one in diagnose(gather(from_text("report", [text]))).findings}


@pytest.mark.parametrize(
    "cure",
    [
        "Reseating the card fixed it.",
        "Fixed by reseating the card.",
        "Fixed it by reseating the card and its power cable.",
        "This was solved by a new riser.",
        "The problem is gone since we replaced the riser.",
        "Swapping the power supply solved the issue.",
        "Since then the error no longer appears.",
        "Updating the BIOS resolved it.",
        "It works fine now.",
        "After a power cycle everything works again.",
    ],
)
@pytest.mark.parametrize("between", [" ", "\n"])
def test_a_message_that_was_cured_is_for_information(cure: str, between: str) -> None:
    assert levels(f"{LOST}{between}{cure}") == {"gpu-fell-off-bus": Level.INFO}


@pytest.mark.parametrize(
    "told",
    [
        "Reseating the card has not fixed it.",
        "It was not fixed by reseating the card.",
        "Can this be fixed by reseating?",
        "How can I get it fixed?",
        "Reseating fixed it for a day, but now it is back.",
        "Fixed by reseating; however it still happens under load.",
        "It works on another server.",
    ],
)
@pytest.mark.parametrize("between", [" ", "\n"])
def test_a_cure_that_did_not_hold_leaves_the_fault(told: str, between: str) -> None:
    assert levels(f"{LOST}{between}{told}") == {"gpu-fell-off-bus": Level.BLOCKER}


def test_the_next_fault_after_a_cured_one_is_of_now() -> None:
    text = f"{LOST}\nReseating the card fixed it.\n\n\nvfio: Unable to power on device, stuck in D3"
    found = levels(text)
    assert found["gpu-fell-off-bus"] is Level.INFO
    assert found["power-state-d3"] is Level.BLOCKER


def test_a_cure_under_another_key_is_of_another_matter() -> None:
    document = {"evidence": {"dmesg": LOST, "notes": "Updating libvirt fixed it."}}
    findings = diagnose(gather(from_mapping("report", document))).findings
    assert [(one.cause, one.level) for one in findings] == [("gpu-fell-off-bus", Level.BLOCKER)]


def test_a_list_of_what_can_go_wrong_is_no_fault() -> None:
    assert levels("Common problems:\n- error 43 in the guest\n- AMD reset bug") == {
        "error-43": Level.INFO,
        "reset-bug": Level.INFO,
    }
