"""Names of vGPU types, and releases that use one type alone."""

from __future__ import annotations

import pytest

from gpucloud.nova.check import Case, Finding, Service, check
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases.release import parse_release


def findings(text: str, release: str) -> dict[str, Finding]:
    files = Configuration((read_config_file("nova.conf", text),))
    return {one.kind.id: one for one in check(Case(files, parse_release(release), Service.COMPUTE)).findings}


@pytest.mark.parametrize("name", ['["nvidia-35"]', "GRID A100-10C"])
def test_a_name_that_no_type_has_is_told(name: str) -> None:
    assert "nova-mdev-type-name" in findings(f"[devices]\nenabled_mdev_types = {name}\n", "34")


def test_a_release_with_one_type_is_to_be_updated() -> None:
    sections = "[vgpu_a]\ndevice_addresses = 0000:84:00.0\n[vgpu_b]\ndevice_addresses = 0000:85:00.0\n"
    found = findings(f"[devices]\nenabled_vgpu_types = a,b\n{sections}", "22.2.0")
    assert found["nova-mdev-type-dropped"].fix == ("Update to 22.2.1 or 23.0.0, or keep one type",)


def test_the_old_section_of_a_type_in_a_later_file_counts() -> None:
    new = read_config_file(
        "a.conf", "[devices]\nenabled_mdev_types = a\n[mdev_a]\ndevice_addresses = 0000:84:00.0\n"
    )
    old = read_config_file("b.conf", "[vgpu_a]\ndevice_addresses =\n")
    case = Case(Configuration((new, old)), parse_release("30.3.0"), Service.COMPUTE)
    assert case.mdev_keys_of("a")["device_addresses"].file == "b.conf"
