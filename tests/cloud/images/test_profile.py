"""Properties that publish takes, and cloud-configs that name what CUDA needs."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cloud.definition.parts import Firmware
from gpucloud.cloud.images.filesystem import Kind, kind_of
from gpucloud.cloud.images.packages import DISTROS, distro_of, render_user_data
from gpucloud.cloud.images.profile import Profile, render_publish, wish_of
from gpucloud.cloud.openstack.publish.find import release_of
from gpucloud.cloud.openstack.publish.wanted import properties_of
from gpucloud.nova.releases.release import parse_release
from gpucloud.spec import parse_spec

BOTH, BIOS = (Firmware.UEFI, Firmware.BIOS), (Firmware.BIOS,)


def properties(profile: Profile, firmwares: tuple[Firmware, ...], release: str = "34") -> dict[str, str]:
    spec = parse_spec(render_publish("an: odd # name", wish_of(profile, firmwares), release), "x")
    assert release_of(spec) == parse_release(release)
    (wish,) = spec.publish.images
    assert wish.name == "an: odd # name"
    return properties_of(wish, parse_release(release))


@pytest.mark.parametrize("release", ["20", "27", "31.3.1", "34"])
def test_publish_takes_each_profile(release: str) -> None:
    machine = {"hw_machine_type": "q35", "hw_firmware_type": "uefi"}
    assert properties(Profile.LINUX, BOTH, release) == machine
    assert properties(Profile.WINDOWS, BOTH, release) == {**machine, "os_type": "windows"}
    hidden = {**machine, "os_type": "windows", "img_hide_hypervisor_id": "true"}
    assert properties(Profile.WINDOWS_CONSUMER, BOTH, release) == hidden


def test_what_starts_with_a_bios_only_keeps_that() -> None:
    assert properties(Profile.LINUX, BIOS)["hw_firmware_type"] == "bios"


def test_without_a_release_publish_says_what_is_missing() -> None:
    text = render_publish("gpu", wish_of(Profile.LINUX, BOTH), None)
    assert parse_spec(text, "x").openstack is None
    assert text.startswith("# openstack: {release: ")


@pytest.mark.parametrize(
    ("os_release", "distro"),
    [
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, "ubuntu"),
        ({"ID": "debian"}, "debian"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "rhel"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "suse"),
        ({"ID": "almalinux", "ID_LIKE": "rhel centos fedora"}, "rhel"),
        ({"ID": "sles", "ID_LIKE": "suse"}, "suse"),
        ({"ID": "fedora"}, None),
        ({"ID": "amzn", "ID_LIKE": "centos rhel fedora"}, None),
        ({"ID": "opensuse-tumbleweed", "ID_LIKE": "opensuse suse"}, None),
        ({"ID": "alpine"}, None),
        ({}, None),
    ],
)
def test_a_distribution_is_known_by_its_os_release(os_release: dict[str, str], distro: str | None) -> None:
    assert distro_of(os_release) == distro


def config(distro: str, version: str | None = None) -> dict[str, Any]:
    head, _, rest = render_user_data(distro, version).partition("\n")
    assert head == "#cloud-config"
    found: dict[str, Any] = json.loads(rest)
    return found


@pytest.mark.parametrize("distro", DISTROS)
def test_every_distribution_gets_a_compiler_perl_and_a_driver(distro: str) -> None:
    said = json.dumps(config(distro))
    assert "perl" in said
    assert "gcc" in said or "build-essential" in said
    assert any(driver in said for driver in ("cuda-drivers", "nvidia-driver", "ubuntu-drivers"))


@pytest.mark.parametrize(
    ("package", "utils"),
    [
        ("nvidia-headless-no-dkms-535-server", "nvidia-utils-535-server"),
        ("nvidia-headless-no-dkms-570-server-open", "nvidia-utils-570-server"),
        ("nvidia-headless-no-dkms-550", "nvidia-utils-550"),
        ("", ""),
    ],
)
def test_ubuntu_gets_the_nvidia_smi_of_its_drivers_branch(package: str, utils: str, tmp_path: Path) -> None:
    """Real shell and sed; dpkg-query and apt-get say what they would."""
    for name, said in (("dpkg-query", package), ("apt-get", '"$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {said}\n")
        (tmp_path / name).chmod(0o755)
    words = config("ubuntu")["runcmd"][1]
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(words, env={"PATH": path}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == (["install", "-y", utils] if utils else [])


def test_a_restart_is_into_a_kernel_that_has_the_driver() -> None:
    assert config("ubuntu")["power_state"]["condition"][-1] == "! modprobe nvidia"
    (purge,) = config("debian")["runcmd"]
    gone = re.compile(purge[-1])
    assert gone.search("linux-image-6.1.0-40-cloud-amd64")
    assert gone.search("linux-image-cloud-amd64")
    assert not gone.search("linux-image-amd64")


def test_repositories_are_those_of_the_release() -> None:
    assert "rhel8/x86_64/cuda-rhel8.repo" in json.dumps(config("rhel", "8.10"))
    assert "rhel9/" in json.dumps(config("rhel", "odd'; reboot"))
    assert "sles15/" in json.dumps(config("suse", "15.6"))


@given(st.binary(max_size=200))
def test_a_partition_of_any_bytes_is_of_some_kind(noise: bytes) -> None:
    assert kind_of(noise) in Kind
    assert kind_of(bytes(0x438) + b"\x53\xef" + noise) is Kind.EXT
