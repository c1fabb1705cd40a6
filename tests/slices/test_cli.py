"""``gpucloud vgpu types`` and ``list`` on every built host: golden tables; ``REGEN=1`` writes them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.hosts.catalogue import capture_of

from gpucloud.cli.main import call, run
from gpucloud.model.failure import Exit

SMI = Path(__file__).parent / "smi"
GOLDEN = Path(__file__).parent / "golden"
MIG = "built-nvidia-a100-h100-mig"
HOSTS = (
    "built-amd-s7150-mxgpu",
    "built-intel-uhd630-gvtg",
    MIG,
    "built-nvidia-a2-mdev-of-vfs",
    "built-nvidia-a2-vendor-vfio",
    "built-nvidia-t4-mdev",
)
ASKED = ("--smi", str(SMI / "log.xml"), "--smi", str(SMI / "a100.txt"))


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert call(["vgpu", *words]) == Exit.FINE
    return capsys.readouterr().out


@pytest.mark.parametrize("name", HOSTS)
def test_types_and_slices_are_as_the_golden_tables_say(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = str(capture_of(name, tmp_path))
    shown = "\n".join(said(capsys, verb, "--from", capture) for verb in ("types", "list"))
    shown = shown.replace(capture, "CAPTURE")
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("REGEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown)
    assert shown == golden.read_text()


def test_what_nvidia_smi_says_completes_what_files_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = str(capture_of(MIG, tmp_path))
    cards = json.loads(said(capsys, "types", "--from", capture, *ASKED, "--format", "json"))["cards"]
    fits = {profile["name"]: profile["fits"] for profile in cards[0]["profiles"]}
    assert (fits["1g.5gb"], fits["2g.10gb"], fits["7g.40gb"]) == (1, 0, 0)
    assert cards[0]["mig"]["is_on"] is True
    assert {profile["fits"] for profile in cards[1]["profiles"]} == {0}
    rows = said(capsys, "list", "--from", capture, *ASKED, "--unit", "3b:00.0").splitlines()
    assert [row.split()[:6] for row in rows[1:]] == [
        ["3b:00.0", "GI", "1", "3b:00.0", "5", "4g.20gb"],
        ["3b:00.0", "GI", "5", "3b:00.0", "14", "2g.10gb"],
    ]


def test_a_log_that_is_cut_off_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture, log = capture_of(MIG, tmp_path / "host"), tmp_path / "log.xml"
    log.write_text((SMI / "log.xml").read_text()[:-20])
    assert run(["vgpu", "types", "--from", str(capture), "--smi", str(log)]) == Exit.ERROR
    assert "is cut off; give what nvidia-smi printed" in capsys.readouterr().err


def test_a_host_without_functions_is_no_host_without_cards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "proc").mkdir()
    assert run(["vgpu", "types", "--from", str(tmp_path)]) == Exit.ERROR
    assert capsys.readouterr().err.count("\n") == 1
