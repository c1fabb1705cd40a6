"""A captured host given as pasted evidence: its words are no symptoms, and what to do is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.hosts.builders.laptop import build_laptop

from gpucloud.cli.main import run
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.model.failure import Exit


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """What ``gpucloud capture`` writes, unpacked."""
    build_laptop(tmp_path / "host")
    (tmp_path / "c.tar.gz").write_bytes(render_capture(collect_here(str(tmp_path / "host"))))
    shutil.unpack_archive(tmp_path / "c.tar.gz", tmp_path / "report/gpu01")
    return tmp_path / "report/gpu01"


@pytest.mark.parametrize("part", ["", "gpucloud", "gpucloud/host.json", "gpucloud/manifest.json"])
def test_an_unpacked_capture_is_no_evidence(
    unpacked: Path, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["doctor", "--evidence", str(unpacked / part)]) == Exit.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"gpucloud doctor --from {unpacked}" in printed.err.replace("\n", " ")


def test_a_capture_beside_evidence_is_passed_over_and_that_is_said(
    unpacked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    (unpacked.parent / "dmesg.txt").write_text("all is well")
    assert run(["doctor", "--evidence", str(unpacked.parent)]) == Exit.FINE
    out = capsys.readouterr().out
    assert "BLOCKER" not in out
    assert "gpu01/gpucloud/host.json, gpu01/gpucloud/manifest.json: is of a captured host" in out


def test_a_manifest_alone_is_no_evidence(
    unpacked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    shutil.copy(unpacked / "gpucloud/manifest.json", tmp_path / "m.json")
    assert run(["doctor", "--evidence", str(tmp_path / "m.json")]) == Exit.USAGE
    assert "m.json is of a captured host" in capsys.readouterr().err
