"""What a person and a program read."""

from __future__ import annotations

import json

from tests.doctor.build import UNREAD, card, host

from gpucloud.doctor import Case, diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_text
from gpucloud.doctor.report import Summary, render_object, render_text, summary, totals

DIAGNOSIS = diagnose(Case(host(card("3b:00", "vfio-pci", "snd_hda_intel"), has_interrupt_remapping=UNREAD)))


def test_the_object_has_source_and_ranked_findings() -> None:
    made = json.loads(json.dumps(render_object(DIAGNOSIS)))
    assert made["source"] == "test host"
    first = made["findings"][0]
    assert (first["rank"], first["cause"]) == (1, "companion-function-not-bound")
    assert first["level"] == "blocker"
    assert first["units"] == ["0000:3b:00.0"]
    assert {"key", "line", "text"} == set(first["evidence"][0])


def test_the_object_says_what_could_not_be_looked_at() -> None:
    facts = [one["fact"] for one in render_object(DIAGNOSIS)["could_not_look"]]  # type: ignore[index, union-attr, call-overload]
    assert facts == ["interrupt remapping"]


def test_the_text_says_cause_evidence_why_fix_and_cost() -> None:
    text = render_text(DIAGNOSIS)
    assert text.startswith("test host: 1 blocker\n\nBLOCKER companion-function-not-bound: GPU 3b:00.0")
    assert "| /sys/bus/pci/devices/0000:3b:00.1/driver: 0000:3b:00.1 snd_hda_intel" in text
    assert "\n          gpucloud plan --unit 3b:00.0\n" in text
    for word in ("  why   ", "  fix   ", "  cost  ", "Could not look at:"):
        assert f"\n{word}" in text


def test_a_healthy_host_is_told_so() -> None:
    healthy = diagnose(Case(host(card("3b:00", "vfio-pci"))))
    assert render_text(healthy) == (
        "test host: nothing stops a GPU from reaching a guest, as far as it can be seen\n"
    )


def test_what_could_not_be_read_is_counted_where_nothing_is_found() -> None:
    half_read = host(card("3b:00", "vfio-pci"), arguments=UNREAD, has_interrupt_remapping=UNREAD)
    first, *_ = render_text(diagnose(Case(half_read))).splitlines()
    assert first.startswith(
        "test host: nothing stops a GPU from reaching a guest, as far as it can be seen: "
    )
    assert first.endswith(" facts could not be read")


def test_the_worst_finding_decides_the_place_in_a_fleet_also_where_another_is_said_first() -> None:
    bare = diagnose(Case(host(arguments="quiet", groups={})))
    assert [one.level.value for one in bare.findings][:2] == ["warning", "blocker"]
    row = summary(bare)
    assert row.cells[1:4] == ("blocker", "iommu-missing-kernel-arg", "+1")
    healthy = summary(diagnose(Case(host(card("3b:00", "vfio-pci")))))
    assert row.order < healthy.order
    assert totals([row, healthy]) == "2 inputs: 1 blocked, 1 without findings"


def test_a_long_title_is_whole_in_a_pipe_and_ends_with_an_ellipsis_on_a_terminal() -> None:
    row = Summary("blocker", ("gpu01", "blocker", "gpu-in-use", "", "a process of the host holds it " * 6))
    assert row.cells_shortened[:4] == row.cells[:4]
    assert row.cells_shortened[4].endswith("holds it a ...")
    assert len(row.cells_shortened[4]) <= 100
    long = diagnose(Case(host(*[card(f"{bus}:00", "vfio-pci", "snd_hda_intel") for bus in range(11, 99)])))
    worst = max(long.findings, key=lambda one: one.level.weight)
    assert summary(long).cells[4] == worst.title


def _of_settings(*more: str) -> str:
    lines = (
        'alias = {"name": "a", "vendor_id": "10de", "product_id": "20b5"}',
        "enabled_filters = ComputeFilter",
        *more,
    )
    return render_text(diagnose(gather(from_text("nova.conf", "\n".join(lines)))))


def test_where_the_likeliest_cause_is_not_the_worst_the_text_says_its_order() -> None:
    lost = "NVRM: GPU 0000:3b:00.0: RmInitAdapter failed! (0x62:0x40:1861)"
    said = _of_settings(lost)
    assert said.startswith("nova.conf: 1 blocker, 1 warning, 1 info; the likeliest first\n")
    assert said.index("WARNING filter-not-enabled") < said.index("BLOCKER driver-kind-or-version")


def test_an_alias_without_type_blocks_only_where_a_build_failed() -> None:
    """It may be meant for virtual functions, which it gets."""
    assert "INFO alias-device-type-mismatch" in _of_settings()
    refused = _of_settings("NoValidHost: No valid host was found.")
    assert "BLOCKER alias-device-type-mismatch" in refused
    assert "WARNING alias-device-type-mismatch" in _of_settings(
        'alias = {"name": "b", "vendor_id": "10de", "product_id": "20b5", "device_type": "type-PCI"}'
    )


def test_a_missing_filter_blocks_only_where_a_build_failed() -> None:
    assert "BLOCKER filter-not-enabled" in _of_settings("NoValidHost: No valid host was found.")
