"""Device nodes of functions, wherever they lie and whatever they are called, and who has them open."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.host_tree import HostTree
from tests.inventory.build import NAMES, function, read

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.inventory.collect.collector import number_of
from gpucloud.inventory.live import LiveReader
from gpucloud.inventory.pci.holders import read_openings
from gpucloud.model.host import Host
from gpucloud.model.pci import Holder

PORT, GPU, USB, DISK = "0000:3a:00.0", "0000:3b:00.0", "0000:3b:00.2", "0000:3c:00.0"
COLLECTOR = Path(render_capture.__code__.co_filename).parents[1] / "collect/collector.sh"


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    tree = HostTree(tmp_path / "host")
    tree.function(PORT, "8086:2030", "0604", driver="pcieport")
    tree.function(GPU, "1002:73bf", "0300", below=PORT, driver="amdgpu", group=61)
    tree.function(USB, "1002:73a6", "0c03", below=PORT, driver="xhci_hcd", group=61)
    return tree


def captured(tree: HostTree, path: Path) -> Host:
    path.write_bytes(render_capture(collect_here(str(tree.root))))
    return read_host(open_capture(path), NAMES)


def holders(host: Host, address: str) -> list[tuple[str, str]]:
    found = function(host, address).holders
    assert isinstance(found, tuple)
    return [(holder.process, holder.node) for holder in found]


def test_nodes_below_a_connector_are_the_cards(tree: HostTree, tmp_path: Path) -> None:
    tree.node(GPU, "drm/card0")
    tree.node(GPU, "drm/card0/card0-DP-1/i2c-7/i2c-dev/i2c-7", name="i2c-7")
    aux = tree.node(GPU, "drm/card0/card0-DP-1/drm_dp_aux0", name="drm_dp_aux0")
    tree.holder(71, "cat", "/dev/i2c-7")
    tree.holder(72, "bash", aux)
    for host in (read(tree), captured(tree, tmp_path / "c.tar.gz")):
        assert function(host, GPU).device_nodes == ("/dev/dri/card0", "/dev/drm_dp_aux0", "/dev/i2c-7")
        assert holders(host, GPU) == [("bash", "/dev/drm_dp_aux0"), ("cat", "/dev/i2c-7")]


def test_a_node_is_of_the_nearest_function_above(tree: HostTree) -> None:
    tree.function(DISK, "144d:a80a", "0108", below=PORT, driver="nvme")
    tree.node(DISK, "nvme/nvme0")
    tree.node(USB, "usb3/3-0:1.0", name="bus/usb/003/001")
    host = read(tree)
    nodes = {address: function(host, address).device_nodes for address in (PORT, GPU, USB, DISK)}
    assert nodes == {PORT: (), GPU: (), USB: ("/dev/bus/usb/003/001",), DISK: ("/dev/nvme0",)}


def test_a_node_that_was_renamed_is_found_by_its_number(tree: HostTree, tmp_path: Path) -> None:
    number = tree.node(GPU, "drm/renderD128")
    tree.holder(71, "ollama", number)
    for host in (read(tree), captured(tree, tmp_path / "c.tar.gz")):
        assert holders(host, GPU) == [("ollama", "/dev/dri/renderD128")]


def test_a_process_that_has_a_node_open_twice_is_one_holder(tree: HostTree) -> None:
    number = tree.node(GPU, "drm/card0")
    tree.holder(71, "Xorg", number)
    tree.link("proc/71/fd/8", "/dev/dri/card0")
    assert function(read(tree), GPU).holders == (Holder(71, "Xorg", "/dev/dri/card0"),)


@pytest.mark.parametrize("name", ["", "a b", "x\x1b[2J", "x" * 300])
def test_a_node_whose_name_is_not_known_has_its_number(name: str, tree: HostTree) -> None:
    number = tree.node(GPU, "misc/tuner0", name=name or " ")
    assert function(read(tree), GPU).device_nodes == (number,)


def test_the_node_of_a_vfio_group_is_found_by_its_number(tree: HostTree, tmp_path: Path) -> None:
    tree.function("0000:5e:00.0", "10de:2330", "0302", driver="vfio-pci", group=62)
    tree.link("sys/dev/char/511:0", "../../devices/virtual/vfio/62")
    tree.holder(71, "qemu-system-x86", "/dev/char/511:0", ("qemu", "-name", "guest=ml1"))
    for host in (read(tree), captured(tree, tmp_path / "c.tar.gz")):
        assert holders(host, "0000:5e:00.0") == [("qemu-system-x86", "/dev/vfio/62")]


def test_nvidias_nodes_have_a_number_that_sysfs_does_not_show(tree: HostTree) -> None:
    tree.function("0000:5e:00.0", "10de:2330", "0302", driver="nvidia")
    tree.write("proc/driver/nvidia/gpus/0000:5e:00.0/information", "Device Minor: \t 3")
    tree.holder(71, "python3", "/dev/char/195:3")
    assert holders(read(tree), "0000:5e:00.0") == [("python3", "/dev/nvidia3")]


def test_without_numbers_nodes_are_known_by_the_folders_of_their_classes(tree: HostTree) -> None:
    for node in ("drm/card0", "sound/card1/controlC1", "i2c-3/i2c-dev/i2c-3", "vfio-dev/vfio5"):
        tree.node(GPU, node)
    tree.holder(71, "Xorg", "/dev/dri/card0")
    shutil.rmtree(tree.root / "sys/dev")
    host = read_host(open_capture(tree.root), NAMES)
    assert function(host, GPU).device_nodes == (
        "/dev/dri/card0",
        "/dev/vfio/devices/vfio5",
        "/dev/snd/controlC1",
        "/dev/i2c-3",
    )
    assert holders(host, GPU) == [("Xorg", "/dev/dri/card0")]


def test_a_capture_has_no_nodes_but_those_of_functions_and_groups(tree: HostTree, tmp_path: Path) -> None:
    tree.node(GPU, "drm/card0")
    tree.link("sys/dev/char/1:3", "../../devices/virtual/mem/null")
    tree.write("sys/devices/virtual/mem/null/uevent", "DEVNAME=null")
    path = tmp_path / "c.tar.gz"
    captured(tree, path)
    reader = open_capture(path)
    assert reader.list_dir("/sys/dev/char") == ("240:1",)
    assert reader.read_text("/sys/dev/char/240:1/uevent") == "DEVNAME=dri/card0\n"


def test_open_files_of_the_running_host_are_told_by_number() -> None:
    with Path(os.devnull).open() as file:
        found = read_openings(LiveReader(), {"/dev/char/1:3": "/dev/nothing-by-another-name"})
        assert number_of(f"/proc/self/fd/{file.fileno()}", "/dev/renamed") == "/dev/char/1:3"
    assert os.getpid() in [holder.pid for holder in found.by_node["/dev/nothing-by-another-name"]]


def test_open_files_that_are_no_devices_have_no_number(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (tmp_path / "file").open() as file:
        assert number_of(f"/proc/self/fd/{file.fileno()}", "/dev/shm/file") == ""
    assert number_of("/proc/self/fd/999999", "/dev/dri/card0") == ""
    assert number_of(os.devnull, "/mnt/gone/dev/null") == ""


@pytest.mark.parametrize("shell", [["sh"], ["busybox", "sh"]])
def test_a_shell_alone_tells_open_files_by_number_too(shell: list[str]) -> None:
    lines = (
        f". {COLLECTOR}; number_of /proc/self/fd/0 && echo $number; number_of /proc/self/fd/1 || echo none"
    )
    process = subprocess.run(
        [*shell, "-c", lines], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
    )
    assert process.stdout == b"/dev/char/1:3\nnone\n"


def test_a_node_that_was_opened_through_the_dev_of_a_chroot_is_told_by_number() -> None:
    with Path(os.devnull).open() as file:
        assert number_of(f"/proc/self/fd/{file.fileno()}", "/srv/chroot/dev/null") == "/dev/char/1:3"
        assert number_of(f"/proc/self/fd/{file.fileno()}", "/srv/chroot/null") == ""


def test_a_file_is_not_asked_where_its_file_system_may_be_far_away() -> None:
    leader, follower = os.openpty()  # of devpts, a device as any
    try:
        assert number_of(f"/proc/self/fd/{follower}", "/mnt/gone/dev/x") == ""
        assert number_of(f"/proc/self/fd/{follower}", "/dev/x").startswith("/dev/char/136:")
    finally:
        os.close(leader)
        os.close(follower)


@pytest.mark.parametrize("shell", [["sh"], ["busybox", "sh"]])
def test_a_shell_alone_asks_what_lies_in_the_dev_of_a_chroot_too(shell: list[str]) -> None:
    asked = "is_on_local /proc/$$/fd/0 && echo local; is_on_local /proc/$$/fd/99 || echo no"
    lines = f"root=; . {COLLECTOR}; {asked}"
    process = subprocess.run(
        [*shell, "-c", lines], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
    )
    assert process.stdout == b"local\nno\n"


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_copy_that_lost_links_of_numbers_still_has_nodes_by_class(
    tree: HostTree, tmp_path: Path, is_lost: bool
) -> None:
    tree.node(GPU, "drm/card0")
    tree.node(GPU, "drm/renderD128")
    tree.holder(71, "gnome-shell", "/dev/dri/card0")
    for link in sorted((tree.root / "sys/dev/char").iterdir())[: None if is_lost else 1]:
        link.unlink()
    tree.write("proc/sys/kernel/osrelease", "6.8.0")
    host = read_host(open_capture(tree.root), NAMES)
    nodes = function(host, GPU).device_nodes
    assert isinstance(nodes, tuple)
    assert set(nodes) == {"/dev/dri/card0", "/dev/dri/renderD128"}
    assert holders(host, GPU) == [("gnome-shell", "/dev/dri/card0")]


def test_a_card_without_nodes_is_nobodys_in_a_capture(tree: HostTree, tmp_path: Path) -> None:
    card = function(captured(tree, tmp_path / "c.tar.gz"), GPU)
    assert (card.device_nodes, card.holders) == ((), ())
