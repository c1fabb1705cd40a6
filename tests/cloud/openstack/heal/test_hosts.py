"""Hosts as the audit takes them: from sysfs, QEMU's open files, and nova-compute's device_spec."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.cloud.openstack.heal.cell import A, guest_uuid
from tests.cloud.openstack.heal.scene import Scene
from tests.host_tree import HostTree

from gpucloud.cloud.openstack.audit.hosts import given_host, own_name_of, wanted_by
from gpucloud.cloud.openstack.audit.observed import GivenHost
from gpucloud.inventory import read_host
from gpucloud.inventory.live import LiveReader
from gpucloud.model.unknown import Unknown
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases.release import parse_release

X, Y = "0000:3b:00.0", "0000:5e:00.0"


def host(folder: Path, *, runs: bool, numa: int = 0) -> GivenHost:
    """A host with two cards for guests, one of which a guest has."""
    tree = HostTree(folder)
    for number, address in enumerate((X, Y), start=10):
        tree.function(address, "10de:1db4", "0302", driver="vfio-pci", group=number, numa=numa)
    tree.holder(1, "systemd", "/dev/null")
    if runs:
        command = ("/usr/bin/qemu-system-x86_64", "-name", "guest=instance-00000009,debug-threads=on")
        tree.holder(100, "qemu-system-x86", "/dev/vfio/10", command)
    return given_host(A, read_host(LiveReader(folder)))


def test_a_guest_that_nova_lost_sight_of_keeps_its_device(tmp_path: Path) -> None:
    scene = Scene()
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    scene.hosts.append(host(tmp_path, runs=True))
    (refused,) = scene.plan(trusts_nova=True).refused
    assert refused.why == f"instance-00000009 has {X} open on its host"


def test_a_device_that_no_process_has_open_is_freed(tmp_path: Path) -> None:
    scene = Scene()
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    scene.hosts.append(host(tmp_path, runs=False))
    (change,) = scene.plan().rows
    assert change.now["status"] == "available"


def test_firmware_without_numa_nodes_hides_no_card_that_is_gone(tmp_path: Path) -> None:
    scene = Scene()
    for number, address in enumerate((X, Y, "0000:af:00.0"), start=1):
        scene.cell.row(number, address)
    scene.hosts.append(host(tmp_path, runs=False, numa=-1))
    assert scene.hosts[0].machine.unread
    assert scene.kinds() == ["row-of-missing-device"]
    assert not [each for each in scene.audit().unseen if "NUMA" in each.why]


def test_device_spec_says_which_devices_nova_wants(tmp_path: Path) -> None:
    text = '[pci]\ndevice_spec = {"address": "0000:5e:00.0"}\n'
    machine = host(tmp_path, runs=False).machine
    files = Configuration((read_config_file("nova.conf", text),))
    assert wanted_by(files, machine, parse_release("31")) == frozenset((Y,))


def test_a_device_spec_that_stops_nova_compute_says_nothing_of_devices(tmp_path: Path) -> None:
    files = Configuration((read_config_file("nova.conf", "[pci]\ndevice_spec = {x}\n"),))
    assert isinstance(wanted_by(files, host(tmp_path, runs=False).machine, parse_release("31")), Unknown)


@pytest.mark.parametrize(("own", "is_it"), [(A, True), (f"{A}.example.org", True), ("gpu02", False)])
def test_a_host_that_calls_itself_otherwise_is_not_taken_for_the_one(
    tmp_path: Path, own: str, is_it: bool
) -> None:
    scene = Scene()
    scene.cell.row(1, X, "allocated", owner=guest_uuid(9))
    given = host(tmp_path, runs=False)
    (tmp_path / "proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/hostname").write_text(f"{own}\n")
    scene.hosts.append(replace(given, own_name=own_name_of(LiveReader(tmp_path))))
    repair = scene.plan()
    assert len(repair.rows) == is_it
    if not is_it:
        assert "calls itself gpu02: is that gpu01?" in repair.refused[0].why
        assert any("calls itself gpu02" in each.why for each in scene.audit().unseen)
