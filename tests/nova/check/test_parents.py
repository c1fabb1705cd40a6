"""Parents of mediated devices that are no PCI functions: told by the name, the release and the host."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.hosts.catalogue import host_of

from gpucloud.nova.check import Case, Report, Service, check
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.machine import Machine, machine_of
from gpucloud.nova.releases.release import parse_release

HERE = machine_of(host_of("lab-mdev-samples"))
ELSEWHERE = replace(HERE, parents={})
LISTED_DEVICES = Machine()
"""A list of devices, which says nothing of what is no PCI function."""


def look(
    parent: str, kind: str = "mtty-2", *, machine: Machine | None = HERE, release: str = "34.0.0"
) -> Report:
    text = f"[devices]\nenabled_mdev_types = {kind}\n[mdev_{kind}]\ndevice_addresses = {parent}\n"
    files = Configuration((read_config_file("nova.conf", text),))
    return check(Case(files, parse_release(release), Service.COMPUTE, machine))


def found(report: Report) -> dict[str, tuple[str, ...]]:
    """Kinds about parents, with what is to be done."""
    about = ("nova-mdev-parent", "nova-mdev-refused", "nova-mdev-virtual", "nova-mdev-type-not")
    return {each.kind.id: each.fix for each in report.findings if each.kind.id.startswith(about)}


def test_nothing_is_said_of_a_parent_that_the_host_has() -> None:
    assert found(look("mtty_mtty")) == {}


@pytest.mark.parametrize("machine", [None, LISTED_DEVICES])
def test_without_the_host_its_having_the_parent_is_left_open(machine: Machine | None) -> None:
    assert found(look("mtty_mtty", machine=machine)) == {
        "nova-mdev-virtual-parent": ("ls /sys/devices/virtual/mtty/mtty",)
    }


def test_a_host_without_the_parent_keeps_nova_compute_from_starting() -> None:
    report = look("mtty_mtty", machine=ELSEWHERE)
    assert report.error is not None
    assert found(report) == {
        "nova-mdev-refused": ("Load its driver before nova-compute starts: modprobe mtty",)
    }


@pytest.mark.parametrize("parent", ["mtty", "mtty_mtty"])
def test_before_34_a_name_is_refused_with_the_release_that_takes_it(parent: str) -> None:
    report = look(parent, release="33")
    assert report.error is not None
    assert report.error.message.endswith(f"incorrect PCI address: {parent}")
    assert found(report) == {
        "nova-mdev-refused": ("Update to nova 34 (2026.2 Hibiscus), which takes mtty_mtty",)
    }


def test_the_kernels_name_is_told_from_libvirts() -> None:
    fixes = found(look("mtty"))
    assert fixes["nova-mdev-parent-not-listed"] == ("[mdev_mtty-2]", "device_addresses = mtty_mtty")
    assert "nova-mdev-parent-in-the-way" in fixes  # so nova is not told of mtty_mtty


def test_what_libvirt_does_not_list_is_nothing_for_nova() -> None:
    fixes = found(look("mdpy_mdpy", "mdpy-hd"))
    assert fixes["nova-mdev-parent-not-listed"] == (
        "Take mdpy_mdpy out: guests of nova cannot have its devices",
    )


def test_a_type_that_the_parent_does_not_offer_is_told() -> None:
    assert "nova-mdev-type-not-offered" in found(look("mtty_mtty", "mtty-9"))


@pytest.mark.parametrize("release", ["34", "28"])
def test_a_parent_that_nova_is_not_told_of_is_in_its_way(release: str) -> None:
    assert "nova-mdev-parent-in-the-way" in found(look("0000:3b:00.0", "nvidia-35", release=release))
    assert "nova-mdev-parent-in-the-way" not in found(look("0000:3b:00.0", "nvidia-35", machine=ELSEWHERE))
