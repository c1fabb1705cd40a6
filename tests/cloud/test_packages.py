"""What is to be installed is told in the words of the distribution that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpucloud.cloud.packages import install_line, read_family, start_line


@pytest.mark.parametrize(
    ("family", "line"),
    [
        ("debian", "apt-get install python3-libvirt libvirt-daemon-system"),
        ("rhel", "dnf install python3-libvirt libvirt-daemon-kvm"),
        ("suse", "zypper install python3-libvirt-python libvirt-daemon-qemu"),
        ("arch", "pacman -S libvirt-python libvirt"),
        ("gentoo", "install python3-libvirt libvirt"),
    ],
)
def test_every_family_has_its_own_command_and_names(family: str, line: str) -> None:
    assert install_line("python3-libvirt", "libvirt", family=family) == line


def test_a_program_without_a_package_of_another_name_is_called_by_its_own() -> None:
    assert install_line("no-such-program", family="rhel") == "dnf install no-such-program"


def test_the_rhel_family_starts_the_daemon_of_qemu_alone() -> None:
    assert start_line("rhel") == "systemctl start virtqemud.socket"
    assert start_line("debian") == "systemctl start libvirtd"


@pytest.mark.parametrize(
    ("text", "family"),
    [("ID=rocky\nID_LIKE='rhel centos fedora'\n", "rhel"), ("ID=ubuntu\n", "debian"), ("", "linux")],
)
def test_the_family_is_read_from_os_release(tmp_path: Path, text: str, family: str) -> None:
    (tmp_path / "os-release").write_text(text)
    assert read_family(tmp_path / "os-release") == family
    assert read_family(tmp_path / "absent") == "linux"
