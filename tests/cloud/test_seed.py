"""The seed is a file system that cloud-init finds, with YAML that says what to do."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pycdlib.pycdlib import PyCdlib

from gpucloud.cloud.boot.config import ends_the_guest, parse_cloud_config
from gpucloud.cloud.boot.seed import render_meta_data, render_user_data, write_seed
from gpucloud.model.guest import GuestCommand

NONCE = "0" * 32


def _read(path: Path, name: str) -> str:
    iso = PyCdlib()
    iso.open(str(path))
    content = io.BytesIO()
    iso.get_file_from_iso_fp(content, rr_path=f"/{name}")
    iso.close()
    return content.getvalue().decode()


def test_both_files_are_in_it_under_their_own_names(tmp_path: Path) -> None:
    seed = tmp_path / "seed.iso"
    write_seed(seed, "user", "meta")
    assert (_read(seed, "user-data"), _read(seed, "meta-data")) == ("user", "meta")


def test_cloud_init_finds_it_by_its_label(tmp_path: Path) -> None:
    seed = tmp_path / "seed.iso"
    write_seed(seed, "user", "meta")
    told = subprocess.run(
        ["blkid", "-p", "-o", "export", seed], capture_output=True, text=True, check=True
    ).stdout
    assert {"LABEL=CIDATA", "TYPE=iso9660"} <= set(told.splitlines())


def test_the_guest_is_told_to_report_in_the_background() -> None:
    first, _, config = render_user_data(NONCE).partition("\n")
    assert first == "#cloud-config"
    ((shell, option, script),) = json.loads(config)["bootcmd"]
    assert (shell, option) == ("sh", "-c")
    assert script.endswith(f"gpucloud_reports {NONCE} </dev/null >/dev/ttyS0 2>/dev/null &")
    subprocess.run(["sh", "-n", "-c", script], check=True)


def test_every_launch_is_a_new_machine_to_cloud_init() -> None:
    assert json.loads(render_meta_data("one", "a-uuid")) == {"instance-id": "a-uuid", "local-hostname": "one"}


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1))
def test_a_command_arrives_as_it_was_typed(words: list[str]) -> None:
    read = yaml.safe_load(render_user_data(NONCE, GuestCommand(tuple(words), NONCE)))
    assert read["runcmd"][0][4:] == words


def test_what_the_user_configures_stands_between_the_report_and_the_command() -> None:
    own = "#cloud-config\nbootcmd: [[own, boot]]\nruncmd: [[own, run]]\nwrite_files: [{path: /a}]\n"
    command = GuestCommand(("nvidia-smi",), NONCE)
    read = yaml.safe_load(render_user_data(NONCE, command, parse_cloud_config(own)))
    assert [line[-1] for line in read["bootcmd"]][1:] == ["boot"]
    assert [line[-1] for line in read["runcmd"]] == ["run", "nvidia-smi"]
    assert read["write_files"] == [{"path": "/a"}]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#!/bin/sh\nreboot\n",
        "#cloud-config\n- a\n",
        "#cloud-config\na: &a [1]\nb: [*a, *a]\n",
        "#cloud-config\na: 2026-01-01\n",
        "#cloud-config\na: [\n",
        "#cloud-config\nruncmd: reboot\n",
        "#cloud-config\n1: a\n",
        "#cloud-config\na: " + "[" * 5000,
        "#cloud-config\na: " + "[" * 65 + "]" * 65,
        "#cloud-config\na: " + "x" * 32768,
        "#cloud-config\na: !!python/object:os.system x\n",
    ],
)
def test_what_is_no_cloud_config_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"its? "):
        parse_cloud_config(text)


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ("power_state: {mode: reboot}", True),
        ("power_state: {mode: poweroff, condition: true}", True),
        ("power_state: {mode: reboot, condition: 'test -e /run/x'}", False),
        ("power_state: {mode: reboot, condition: false}", False),
        ("packages: [gcc]", False),
    ],
)
def test_a_config_that_ends_its_guest_is_known(said: str, *, ends: bool) -> None:
    assert ends_the_guest(parse_cloud_config(f"#cloud-config\n{said}\n")) is ends
