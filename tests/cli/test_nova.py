"""``gpucloud nova`` from the command line: check, match, properties."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpucloud.cli.main import run
from gpucloud.cli.nova.files import name_of_capture
from gpucloud.model.failure import Exit

SPEC = '[pci]\ndevice_spec = {"vendor_id": "10de", "product_id": "1eb8"}\n'
ALIAS = '[pci]\nalias = {"name": "t4", "vendor_id": "10de", "product_id": "1eb8", "device_type": "type-PF"}\n'
DEVICES = [
    {"address": "0000:3b:00.0", "vendor_id": "10de", "product_id": "1eb8", "dev_type": "type-PF"},
    {"address": "0000:3c:00.0", "vendor_id": "8086", "product_id": "1572", "dev_type": "type-PF"},
]
CHECK = ["nova", "check", "--release", "31.3.1", "--service", "compute"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nova.conf").write_text(SPEC)
    (tmp_path / "nova.conf.d").mkdir()
    (tmp_path / "nova.conf.d" / "20-alias.conf").write_text(ALIAS)
    (tmp_path / "nova.conf.d" / "10-more.conf").write_text("[libvirt]\nvirt_type = kvm\n")
    (tmp_path / "nova.conf.d" / "notes.txt").write_text("not read")
    (tmp_path / "devices.json").write_text(json.dumps(DEVICES))
    return tmp_path


def object_of(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_the_object_has_what_is_promised(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(folder / "nova.conf"), str(folder / "nova.conf.d")]
    assert run([*CHECK, *files, "--format", "json"]) == Exit.FINE
    found = object_of(capsys)
    assert list(found) == ["release", "service", "starts", "error", "device_spec", "aliases", "findings"]
    assert (found["release"], found["service"], found["starts"], found["error"]) == (
        "31.3.1",
        "compute",
        True,
        None,
    )
    assert found["device_spec"][0]["line"] == 2
    assert found["aliases"]["t4"]["specs"] == [
        {"vendor_id": "10de", "product_id": "1eb8", "dev_type": "type-PF"}
    ]
    assert found["aliases"]["t4"]["lines"] == [f"{folder}/nova.conf.d/20-alias.conf:2"]
    assert found["findings"] == []


def test_a_finding_names_its_place_and_fix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "nova.conf"
    place.write_text("[pci]\n# copied\nalias = {'name': 't4', 'vendor_id': '10de', 'product_id': '1eb8'}\n")
    assert run([*CHECK, str(place), "--format", "json"]) == Exit.FINDINGS
    found = object_of(capsys)
    assert found["starts"] is False
    assert found["error"].startswith(
        "Invalid PCI alias definition: Expecting property name enclosed in double"
    )
    first = next(one for one in found["findings"] if one["id"] == "nova-single-quotes")
    assert (first["file"], first["line"], first["level"]) == (str(place), 3, "blocker")
    assert first["fix"] == ["[pci]", 'alias = {"name": "t4", "vendor_id": "10de", "product_id": "1eb8"}']
    assert first["restart"] == "nova-compute"


def test_text_says_first_whether_the_service_starts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*CHECK, str(folder / "nova.conf")]) == Exit.FINE
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "nova-compute 31.3.1 starts with these files"
    assert said.splitlines()[-1] == "nothing found"


def test_a_level_moves_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "nova.conf").write_text(
        '[DEFAULT]\npci_passthrough_whitelist = {"vendor_id": "10de", "product_id": "1eb8"}\n'
    )
    assert run([*CHECK, str(tmp_path / "nova.conf")]) == Exit.FINE
    assert run([*CHECK, str(tmp_path / "nova.conf"), "--level", "info"]) == Exit.FINDINGS


def test_standard_input_is_a_file_too() -> None:
    program = [sys.executable, "-c", "from gpucloud.cli import main; main()"]
    done = subprocess.run(
        [*program, *CHECK, "-"], input="nothing\n", text=True, capture_output=True, check=False
    )
    assert done.returncode == Exit.FINDINGS
    assert "Failed to parse <stdin>: at <stdin>:1, No ':' or '=' found" in done.stdout


def test_devices_say_which_alias_gets_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "wrong.conf").write_text(SPEC + ALIAS.replace("type-PF", "type-PCI"))
    devices = ["--devices", str(folder / "devices.json")]
    assert run([*CHECK, str(folder / "wrong.conf"), *devices, "--format", "json"]) == Exit.FINDINGS
    (found,) = object_of(capsys)["findings"]
    assert found["id"] == "nova-alias-no-device"
    assert '"device_type": "type-PF"' in found["fix"][1]


def test_another_service_must_have_the_same_aliases(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "api.conf").write_text(ALIAS.replace("t4", "a100"))
    files = [str(folder / "nova.conf.d"), "--against", str(folder / "api.conf")]
    assert run([*CHECK, *files]) == Exit.FINDINGS
    assert "nova-alias-differs" in capsys.readouterr().out


def test_match_says_device_entry_alias_and_flavor(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "both.conf").write_text(SPEC + ALIAS)
    command = ["nova", "match", "--release", "31", "--config", str(folder / "both.conf")]
    command += ["--devices", str(folder / "devices.json"), "--flavor", "t4:1"]
    assert run(command) == Exit.FINE
    said = capsys.readouterr().out
    assert "flavor t4:1: can be built here, with 0000:3b:00.0" in said
    assert "1 of 2 devices are tracked; no entry takes 0000:3c:00.0" in said
    command += ["--flavor", "t4:2"]
    assert run([*command, "--format", "json"]) == Exit.FINDINGS
    found = object_of(capsys)
    tracked, other = found["devices"]
    assert (tracked["entry"], tracked["type"], tracked["aliases"]) == (
        f"{folder}/both.conf:2",
        "type-PF",
        ["t4"],
    )
    assert other["entry"] is None
    assert found["flavors"]["t4:1"]["devices"] == ["0000:3b:00.0"]
    assert found["flavors"]["t4:2"]["devices"] is None


def test_match_of_several_hosts_says_what_can_be_built_where(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "both.conf").write_text(SPEC + ALIAS)
    (folder / "empty.json").write_text("[]")
    command = ["nova", "match", "--release", "31", "--config", str(folder / "both.conf"), "--flavor", "t4:1"]
    command += ["--devices", f"gpu01={folder}/devices.json", "--devices", str(folder / "empty.json")]
    assert run(command) == Exit.FINE
    said = capsys.readouterr().out
    assert "==> gpu01 <==" in said
    assert said.endswith("             gpu01  empty\nalias t4     1      0\nflavor t4:1  yes    no\n")
    assert run([*command, "--flavor", "t4:2", "--format", "json"]) == Exit.FINDINGS
    found = object_of(capsys)
    assert found["flavors"] == {"t4:1": ["gpu01"], "t4:2": []}
    assert found["aliases"] == {"t4": {"gpu01": 1, "empty": 0}}
    assert run([*command, "--devices", str(folder / "empty.json")]) == Exit.USAGE
    assert "two hosts are called empty; name them: --devices NAME=CAPTURE" in capsys.readouterr().err


def test_match_shows_the_vgpu_types_that_gpus_get(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "vgpu.conf").write_text(
        "[devices]\nenabled_mdev_types = nvidia-222, nvidia-35\n[mdev_nvidia-222]\n"
        "device_addresses = 0000:3b:00.0\nmdev_class = CUSTOM_T4\n[mdev_nvidia-35]\n"
        "device_addresses = 0000:5e:00.0,0000:99:00.0\n"
    )
    ids = {"vendor_id": "10de", "product_id": "1eb8", "mdev_types": ["nvidia-222"]}
    cards = [{"address": address, **ids} for address in ("0000:3b:00.0", "0000:5e:00.0")]
    (folder / "cards.json").write_text(json.dumps(cards))
    command = ["nova", "match", "--release", "31", "--config", str(folder / "vgpu.conf")]
    assert run([*command, "--devices", str(folder / "cards.json")]) == Exit.FINE
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "0000:3b:00.0: mdevs of nvidia-222, as CUSTOM_T4",
        "0000:5e:00.0: mdevs of nvidia-35, as VGPU: the GPU offers nvidia-222",
        "0000:99:00.0: mdevs of nvidia-35, as VGPU: the host has no such device",
    ]


def test_match_ends_with_findings_for_an_alias_that_is_not_defined(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "both.conf").write_text(SPEC + ALIAS)
    command = ["nova", "match", "--release", "31", "--config", str(folder / "both.conf")]
    assert run([*command, "--devices", str(folder / "devices.json"), "--flavor", "nix:1"]) == Exit.FINDINGS
    assert "PCI alias nix is not defined" in capsys.readouterr().out


@pytest.mark.parametrize("typed", ["zz", "t4:", ":1", "t4:x", "t4:1,", "t4:1:2", ""])
def test_a_mistyped_flavor_is_a_mistake_of_usage(
    typed: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["nova", "match", "--release", "31", "--config", str(folder / "nova.conf.d")]
    assert run([*command, "--devices", str(folder / "devices.json"), "--flavor", typed]) == Exit.USAGE
    assert f"--flavor {typed}: not ALIAS:N[,ALIAS:N]; write it as in a100:2" in capsys.readouterr().err


def test_properties_are_judged(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["nova", "properties", "--release", "25", "--image-property", "hw_viommu_model=intel"]
    assert run([*command, "--flavor-key", "pci_passthrough:alias=t4:1", "--format", "json"]) == Exit.FINDINGS
    found = object_of(capsys)
    assert [one["verdict"] for one in (*found["flavor"], *found["image"])] == ["known", "ignored"]
    assert run(command) == Exit.FINDINGS
    assert capsys.readouterr().out.startswith("ignored  hw_viommu_model=intel: nova 25.3.0 passes over it")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nova", "check", "--release", "9", "--service", "api", "x"], "'9' is no release of nova"),
        (["nova", "properties", "--release", "30"], "no property was given"),
        (["nova", "properties", "--release", "30", "--flavor-key", "x"], "'x' is no NAME=VALUE"),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == Exit.USAGE
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_files_that_nova_cannot_read_are_an_answer_with_its_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nova.conf").write_bytes(b"\xff\xfe[pci]")
    assert run([*CHECK, "--format", "json", str(tmp_path / "nova.conf")]) == Exit.FINDINGS
    shown = json.loads(capsys.readouterr().out)
    assert shown["starts"] is False
    assert shown["error"] == "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
    assert run([*CHECK, "--format", "json", "/nowhere/nova.conf"]) == Exit.FINDINGS
    assert json.loads(capsys.readouterr().out)["error"] == (
        "Failed to find some config files: /nowhere/nova.conf"
    )


def test_a_folder_without_files_of_nova_is_no_healthy_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nova.txt").write_text("[pci]\n")
    assert run([*CHECK, str(tmp_path)]) == Exit.USAGE
    assert f"there is no *.conf in {tmp_path}" in capsys.readouterr().err


def test_a_broken_file_is_named_by_its_whole_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nova.conf").write_text("[pci\n")
    assert run([*CHECK, "--format", "json", "nova.conf"]) == Exit.FINDINGS
    error = json.loads(capsys.readouterr().out)["error"]
    assert error.startswith(f"Failed to parse {tmp_path}/nova.conf: at {tmp_path}/nova.conf:1")


def test_what_a_file_says_cannot_act_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nova.conf").write_text("[pci]\n\x1b[31mdevice_spec = {}\nalias = \x1b[2J\n")
    run([*CHECK, str(tmp_path / "nova.conf")])
    assert "\x1b" not in capsys.readouterr().out


def test_a_capture_without_a_name_of_its_own_has_one() -> None:
    assert name_of_capture("/") == os.uname().nodename
    assert name_of_capture("/tmp/gpu01.tar.gz") == "gpu01"
