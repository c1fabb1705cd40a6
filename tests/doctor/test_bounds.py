"""What is too much of one input: it is bounded, the doctor stays quick, and what was skipped is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import MOST_KEYS, from_mapping, from_text
from gpucloud.doctor.evidence.phrases import PHRASES
from gpucloud.doctor.evidence.settings import MOST_SETTINGS
from gpucloud.doctor.evidence.text import decode
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


@pytest.mark.timeout(30)  # a second is the aim (bench/doctor.py); minutes would be a defect
@pytest.mark.parametrize(
    "line", ["alias = {]", "vga [10de:1b80] vfio-pci bar reserve", "pci_passthrough:a=1 alias"]
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


@given(st.binary(max_size=500))
def test_any_bytes_are_text(raw: bytes) -> None:
    diagnose(gather(from_text("paste", (decode(raw),))))
