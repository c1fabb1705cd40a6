"""``gpucloud vgpu licence``, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.slices.licence.test_judge import TEXTS, report, smi

from gpucloud.cli.guests.launch import configured
from gpucloud.cli.main import call, run
from gpucloud.cloud.boot.seed import render_user_data
from gpucloud.model.failure import Exit
from gpucloud.model.guest import GuestSpec


def test_settings_are_printed_for_every_system(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = tmp_path / "client_configuration_token.tok"
    token.write_text("eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.abc_-")
    words = ["vgpu", "licence", "client", "--token", str(token)]
    assert call([*words, "--for", "cloud-init"]) == Exit.FINE
    head, _, config = capsys.readouterr().out.partition("\n")
    assert head == "#cloud-config"
    assert len(json.loads(config)["write_files"]) == 2
    assert call([*words, "--for", "windows", "--format", "json"]) == Exit.FINE
    assert json.loads(capsys.readouterr().out)["then"][0] == "powershell"
    assert call(words) == Exit.FINE
    assert "eyJhbGci" not in capsys.readouterr().out
    assert call([*words, "--for", "windows"]) == Exit.FINE
    printed = capsys.readouterr().out
    assert "reg import gpucloud-licence.reg" in printed
    assert "mode" not in printed


@pytest.mark.parametrize(
    "words",
    [[], ["--server", "a", "--token", "b"], ["--token", "b", "--backup", "a"], ["--server", "a b"]],
)
def test_what_cannot_be_meant_is_refused(words: list[str]) -> None:
    assert run(["vgpu", "licence", "client", *words]) == Exit.USAGE


def test_a_guest_with_its_licence_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = tmp_path / "smi.txt"
    said.write_text(smi("Licensed (Expiry: 2999-1-1 0:0:0 GMT)"))
    assert call(["vgpu", "licence", "check", str(said)]) == Exit.FINE
    assert "licensed until 2999-01-01 00:00:00 UTC" in capsys.readouterr().out
    assert call(["vgpu", "licence", "check", str(said), "--format", "json"]) == Exit.FINE
    told = json.loads(capsys.readouterr().out)
    assert (told["is_licensed"], told["gpus"][0]["expiry"]) == (True, "2999-01-01T00:00:00+00:00")


def test_a_guest_without_is_told_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = tmp_path / "report.txt"
    said.write_text(report("conf ServerAddress=lic1", "reach lic1 7070 192.0.2.7 silent"))
    assert call(["vgpu", "licence", "check", str(said)]) == Exit.FINDINGS
    printed = capsys.readouterr()
    assert "let TCP port 7070 through" in printed.out
    assert "gpucloud explain vgpu-licence-missing" in printed.err
    said.write_text(smi("Unlicensed") + (TEXTS / "gridd-clock.txt").read_text())
    assert call(["vgpu", "licence", "check", str(said), "--format", "json"]) == Exit.FINDINGS
    assert [each["id"] for each in json.loads(capsys.readouterr().out)["reasons"]] == ["clock"]


def test_the_script_asks_the_servers_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["vgpu", "licence", "probe", "--server", "dls.example.org:443"]) == Exit.FINE
    assert capsys.readouterr().out.endswith("gpucloud_licence 'dls.example.org' 443\n")
    assert run(["vgpu", "licence", "probe", "--server", "a'b"]) == Exit.USAGE


def test_what_is_printed_for_cloud_init_is_what_a_launch_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["vgpu", "licence", "client", "--server", "lic1", "--for", "cloud-init"]) == Exit.FINE
    config = tmp_path / "licence.yaml"
    config.write_text(capsys.readouterr().out)
    spec = configured(GuestSpec("one", 1, image="vgpu.qcow2"), config)
    read = json.loads(render_user_data("0" * 32, None, spec.config).partition("\n")[2])
    assert read["write_files"][0]["path"] == "/etc/nvidia/gridd.conf"
    assert read["runcmd"] == [["systemctl", "restart", "nvidia-gridd"]]
