"""What is too much of one input: it is bounded, the doctor stays quick, and what was skipped is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.boot import MOST_DIRECTIVES
from gpucloud.doctor.evidence.gather import MOST_LINES, gather
from gpucloud.doctor.evidence.pasted import MOST_KEYS, from_mapping, from_text
from gpucloud.doctor.evidence.pci import MOST_FUNCTIONS
from gpucloud.doctor.evidence.phrases import PHRASES
from gpucloud.doctor.evidence.settings import MOST_SETTINGS
from gpucloud.doctor.report import render_object, render_text

RMRR = "DMAR: Device is ineligible for IOMMU domain attach due to platform RMRR requirement."
WORDS = st.sampled_from([phrase.needle for phrase in PHRASES])
PIECES = st.one_of(
    WORDS, st.text(max_size=20), st.sampled_from(["\n", "\r\n", "\x1b[1m", "[pci]\n", "alias = {", "<"])
)


def test_settings_beyond_the_most_that_are_kept_are_said_to_be_skipped() -> None:
    paper = gather(from_text("paste", ("alias = {]\n" * (MOST_SETTINGS + 1),))).paper
    assert paper is not None
    assert len(paper.nova.settings) == MOST_SETTINGS
    assert paper.skipped == [f"nova's options after the first {MOST_SETTINGS}"]


def test_no_key_of_a_document_with_thousands_is_lost() -> None:
    evidence: dict[str, object] = {f"key{number}": "nothing here" for number in range(2 * MOST_KEYS)}
    evidence["dmesg"] = RMRR
    found = diagnose(gather(from_mapping("report", {"evidence": evidence}))).findings
    assert [finding.cause for finding in found] == ["rmrr-ineligible"]


@pytest.mark.proof
@pytest.mark.timeout(30)  # a second is the aim (bench/doctor.py); minutes would be a defect
@pytest.mark.parametrize(
    "line",
    [
        "alias = {]",
        "vga [10de:1b80] vfio-pci bar reserve",
        "pci_passthrough:a=1 alias",
        "$ mdevctl types [root@" + "ht@" * 450,
        "dmar " + "IORT " * 280,
        "/bind " + ">" * 1400,
    ],
)
def test_a_megabyte_in_thousands_of_keys_is_read(line: str) -> None:
    text = "\n".join([line] * 8)
    evidence: dict[str, object] = {f"log{number}": text for number in range(1_000_000 // len(text))}
    diagnosis = diagnose(gather(from_mapping("report", {"evidence": evidence})))
    assert diagnosis.source == "report"


@given(st.lists(PIECES, max_size=60))
def test_any_words_of_the_phrase_book_in_any_order_are_judged_and_printed(pieces: list[str]) -> None:
    diagnosis = diagnose(gather(from_text("paste", pieces)))
    render_text(diagnosis)
    render_object(diagnosis)


def test_functions_beyond_the_most_that_are_kept_are_said_to_be_skipped() -> None:
    listing = "".join(
        f"{n >> 8:02x}:{n >> 3 & 31:02x}.{n & 7} 3D controller [0302]: NVIDIA [10de:2330]\n"
        for n in range(MOST_FUNCTIONS + 1)
    )
    case = gather(from_text("paste", (listing,)))
    assert case.paper is not None
    assert len(case.paper.listing.seen) == MOST_FUNCTIONS
    assert case.paper.skipped == [f"PCI functions after the first {MOST_FUNCTIONS}"]


def test_lines_beyond_the_most_that_are_read_are_said_to_be_skipped() -> None:
    case = gather(from_text("paste", ("<\n" * (MOST_LINES + 1), RMRR)))
    assert case.paper is not None
    assert case.paper.skipped == [f"after the first {MOST_LINES} lines only messages, no listings"]
    assert [finding.cause for finding in diagnose(case).findings] == ["rmrr-ineligible"]


def test_words_that_fill_a_text_are_named() -> None:
    text = "vfio: nothing of note\n" * 40_000
    paper = gather(from_text("paste", (text,))).paper
    assert paper is not None
    assert paper.skipped == ["some of the lines with 'vfio': they fill the text"]


def test_directives_beyond_the_most_that_are_kept_are_said_to_be_skipped() -> None:
    text = "options m a=1\n" * (MOST_DIRECTIVES + 1)
    paper = gather(from_text("paste", (text,))).paper
    assert paper is not None
    assert len(paper.boot.directives) == MOST_DIRECTIVES
    assert len(paper.skipped) == 1


HOSTILE_LINES = (
    " " * 4000 + "a:",
    "\t" * 4000,
    "trait" * 800,
    "hw:" * 1300,
    "/modprobe.d/" * 330,
    "01:00.0 VGA compatible controller [0300]:" + " " * 3900 + "x",
    "GPU0 " + "X " * 2000 + "!",
)


@pytest.mark.timeout(30)  # each takes milliseconds; a pattern that looks at itself over and over takes hours
@pytest.mark.parametrize("line", HOSTILE_LINES, ids=range(len(HOSTILE_LINES)))
def test_a_hostile_line_is_read_once(line: str) -> None:
    case = gather(from_text("paste", (f"{line}\n" * 100,)))
    assert diagnose(case).source == "paste"


@pytest.mark.proof
@pytest.mark.timeout(30)
def test_a_thousand_cards_in_one_group_are_judged() -> None:
    listing = "".join(
        f"IOMMU Group 1 {n >> 8:02x}:{n >> 3 & 31:02x}.{n & 7} 3D controller [0302]: NVIDIA [10de:{n:04x}] "
        f"Kernel driver in use: {'nvidia' if n % 2 else 'vfio-pci'}\n"
        for n in range(1000)
    )
    ids = "options vfio-pci ids=" + ",".join(f"10de:{n:04x}" for n in range(1000)) + "\n"
    found = diagnose(gather(from_text("paste", (listing, ids)))).findings
    assert "acs-missing" in [finding.cause for finding in found]
