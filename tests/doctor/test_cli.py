"""``gpucloud doctor`` and ``gpucloud explain`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpucloud.cli.main import run
from gpucloud.model.failure import Exit

RMRR = (
    "vfio-pci 0000:04:00.1: DMAR: Device is ineligible for IOMMU domain attach due to platform RMRR "
    "requirement."
)


def report(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_report_is_judged_and_the_exit_code_says_that_something_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = report(tmp_path, "case.yaml", f"environment: {{}}\nevidence:\n  dmesg: '{RMRR}'\n")
    assert run(["doctor", "--evidence", path]) == Exit.FINDINGS
    assert "BLOCKER rmrr-ineligible" in capsys.readouterr().out


def test_json_is_one_object_per_input_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = report(tmp_path, "bad.yaml", f"evidence: {{dmesg: '{RMRR}'}}")
    good = report(tmp_path, "good.json", '{"evidence": {"dmesg": "all is well"}}')
    assert run(["doctor", "--evidence", bad, good, "--format", "json"]) == Exit.FINDINGS
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["findings"][0]["cause"] == "rmrr-ineligible"
    assert first["findings"][0]["evidence"][0] == {"key": "dmesg", "line": 1, "text": RMRR}
    assert (second["source"], second["findings"]) == (good, [])


def test_several_inputs_make_one_table_worst_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = report(tmp_path, "a-good.txt", "all is well")
    bad = report(tmp_path, "b-bad.txt", RMRR)
    assert run(["doctor", "--evidence", good, bad]) == Exit.FINDINGS
    _, first, second, _, last = capsys.readouterr().out.splitlines()
    assert [Path(row.split()[0]).name for row in (first, second)] == ["b-bad.txt", "a-good.txt"]
    assert last.startswith("2 inputs: 1 blocked, 1 without findings")


def test_a_directory_has_a_file_for_each_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report(tmp_path, "dmesg.txt", RMRR)
    report(tmp_path, "observations.txt", "GPU has fallen off the bus")
    report(tmp_path, "environment.yaml", "cpu_vendor: intel")
    assert run(["doctor", "--evidence", str(tmp_path), "--format", "json"]) == Exit.FINDINGS
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [(f["cause"], f["evidence"][0]["key"]) for f in found] == [("rmrr-ineligible", "dmesg")]


def test_windows_text_in_utf_16_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(f"first\r\n{RMRR}\r\n".encode("utf-16"))
    assert run(["doctor", "--evidence", str(path)]) == Exit.FINDINGS
    assert "log:2" in capsys.readouterr().out


def test_a_configuration_file_is_read_as_one_without_its_comments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = report(
        tmp_path,
        "nova.conf",
        '# PCI alias a1 is not defined\n[pci]\nalias = [{"name": "a1"}]\n',
    )
    assert run(["doctor", "--evidence", path, "--format", "json"]) == Exit.FINDINGS
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [(f["cause"], f["evidence"][0]["line"]) for f in found] == [("alias-definition-invalid", 3)]


def test_broken_yaml_is_read_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = report(tmp_path, "broken.yaml", f"{{[ broken\n{RMRR}\n")
    assert run(["doctor", "--evidence", path]) == Exit.FINDINGS
    assert "read as plain text" in capsys.readouterr().err


def test_the_level_decides_the_exit_code(tmp_path: Path) -> None:
    path = report(
        tmp_path, "case.txt", "IOMMU Group 1 01:00.0 3D controller [0302]: X [10de:1db4] Driver: nvidia"
    )
    assert run(["doctor", "--evidence", path]) == Exit.FINE
    assert run(["doctor", "--evidence", path, "--level", "info"]) == Exit.FINDINGS


def test_a_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--evidence", str(tmp_path / "none.yaml")]) == Exit.USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_an_input_that_cannot_be_read_has_its_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = report(tmp_path, "case.txt", RMRR)
    assert run(["doctor", "--evidence", str(tmp_path / "none.yaml"), path]) == Exit.FINDINGS
    _, first, second, _, last = capsys.readouterr().out.splitlines()
    assert first.split()[1:3] == ["blocker", "rmrr-ineligible"]
    assert second.split()[1] == "unread"
    assert "1 not readable" in last


def test_an_input_that_cannot_be_read_is_an_error_in_json_and_in_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = report(tmp_path, "case.txt", "all is well")
    none = str(tmp_path / "none.yaml")
    assert run(["doctor", "--evidence", none, path, "--format", "json"]) == Exit.ERROR
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["source"], first["findings"]) == (none, [])
    assert "cannot be read" in first["error"]
    assert "error" not in second


def test_a_folder_of_captures_is_a_fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("gpu01.tar", "gpu02.tar.gz"):
        (tmp_path / name).write_bytes(b"no archive")
    assert run(["doctor", "--from", str(tmp_path)]) == Exit.ERROR
    rows = capsys.readouterr().out.splitlines()
    assert [Path(row.split()[0]).name for row in rows[1:3]] == ["gpu01.tar", "gpu02.tar.gz"]


def test_captures_that_are_directories_make_a_fleet_too_and_only_the_doctor_takes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("gpu01", "gpu02"):
        (tmp_path / name / "sys/bus/pci/devices").mkdir(parents=True)
    run(["doctor", "--from", str(tmp_path)])
    rows = capsys.readouterr().out.splitlines()
    assert {Path(row.split()[0]).name for row in rows[1:3]} == {"gpu01", "gpu02"}
    assert run(["scan", "--from", str(tmp_path)]) == Exit.USAGE
    said = capsys.readouterr().err
    assert "is a folder of 2 captures: gpu01, gpu02; name one: --from" in said
    assert f"gpucloud doctor --from {tmp_path}" in said


def test_a_gpu_is_asked_for_on_one_host_only(tmp_path: Path) -> None:
    path = report(tmp_path, "case.txt", RMRR)
    assert run(["doctor", "--unit", "3b:00.0", "--evidence", path]) == Exit.USAGE
    assert run(["doctor", "--unit", "3b:00.0", "--from", "a.tar", "b.tar"]) == Exit.USAGE


def test_what_was_recognised_is_said_where_nothing_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = '[pci]\nalias = {"name": "a", "vendor_id": "10de", "product_id": "1db4"}\n'
    path = report(tmp_path, "nova.conf", good)
    assert run(["doctor", "--evidence", path]) == Exit.FINE
    assert "(in it: 1 option of nova)" in capsys.readouterr().out


def test_kinds_of_input_do_not_mix(tmp_path: Path) -> None:
    assert run(["doctor", "--evidence", "a", "--from", str(tmp_path)]) == Exit.USAGE


def test_an_id_is_found_however_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "ACS-Missing"]) == Exit.FINE
    assert "acs-missing: " in capsys.readouterr().out


def test_explain_prints_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "acs-missing"]) == Exit.FINE
    assert capsys.readouterr().out.startswith("acs-missing: The GPU shares")


def test_explain_offers_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "acs-mising"]) == Exit.USAGE
    assert "acs-missing" in capsys.readouterr().err
