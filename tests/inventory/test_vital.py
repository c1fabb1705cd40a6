"""What the host cannot do without: traced through every layer, or all that could carry it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host_tree import HostTree
from tests.inventory.build import addresses, read

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.inventory.live import LiveReader
from gpucloud.inventory.system.network import (
    has_default_route,
    parse_fib_trie,
    parse_ipv6_on_link,
    parse_ipv6_routes,
    parse_on_link,
    parse_routes,
)
from gpucloud.inventory.system.paths import functions_in
from gpucloud.inventory.system.storage import parse_mountinfo, parse_mounts
from gpucloud.model.host import Vital
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

_DISK = "devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda"
_CARD = "devices/pci0000:00/0000:00:01.0/0000:03:00.0/net/eth0"
_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 192.0.2.0
        /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
"""
_VRF = """\
Id 10:
  +-- 0.0.0.0/0 2 0 2
     |-- 0.0.0.0
        /0 universe UNICAST
        /0 universe UNREACHABLE
     |-- 198.51.100.0
        /24 link UNICAST
"""
"""As Linux 6.18 shows them; the second as it is where a VRF has a default route and one that ends it."""

_ROUTES = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT"


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    tree = HostTree(tmp_path)
    mount(tree, "24 1 8:2 / / rw,relatime - ext4 /dev/sda2 rw")
    route(tree, "lo")
    tree.write("proc/net/route", _ROUTES)
    tree.write("proc/net/fib_trie", _TRIE)
    block(tree, "sda", "8:0", _DISK)
    block(tree, "sda2", "8:2", f"{_DISK}/sda2")
    return tree


def mount(tree: HostTree, line: str) -> None:
    tree.write("proc/self/mountinfo", f"{line}\n25 24 0:22 / /proc rw - proc proc rw")


def route(tree: HostTree, interface: str) -> None:
    tree.write("proc/net/route", f"{_ROUTES}\n{interface} 00000000 0101A8C0 0003 0 0 0 00000000 0 0 0")


def block(tree: HostTree, name: str, number: str, path: str) -> None:
    tree.folder(f"sys/{path}")
    tree.link(f"sys/class/block/{name}", f"../../{path}")
    tree.link(f"sys/dev/block/{number}", f"../../{path}")


def interface(tree: HostTree, name: str, path: str, *lower: str) -> None:
    tree.folder(f"sys/{path}")
    tree.link(f"sys/class/net/{name}", f"../../{path}")
    for each in lower:
        tree.folder(f"sys/{path}/lower_{each}")


def vital(tree: HostTree) -> list[tuple[str, str]]:
    found = read(tree).vital
    assert isinstance(found, tuple), found
    return [(each.address.short, each.carries) for each in found]


def test_the_root_disk_and_the_default_route(tree: HostTree) -> None:
    interface(tree, "eth0", _CARD)
    route(tree, "eth0")
    assert read(tree).vital == (
        Vital(PciAddress.parse("0000:00:1f.2"), "root disk"),
        Vital(PciAddress.parse("0000:03:00.0"), "default route"),
    )


def test_a_host_without_default_route_has_only_its_disk(tree: HostTree) -> None:
    assert vital(tree) == [("00:1f.2", "root disk")]


def test_the_root_disk_is_found_below_lvm_on_encryption_on_raid(tree: HostTree) -> None:
    mount(tree, "24 1 253:1 / / rw - ext4 /dev/mapper/vg-root rw")
    for name, number, slaves in (
        ("dm-1", "253:1", ["dm-0"]),
        ("dm-0", "253:0", ["md0"]),
        ("md0", "9:0", ["sda2", "sdb2"]),
    ):
        block(tree, name, number, f"devices/virtual/block/{name}")
        for slave in slaves:
            tree.folder(f"sys/devices/virtual/block/{name}/slaves/{slave}")
    block(tree, "sdb2", "8:18", "devices/pci0000:00/0000:00:17.0/ata2/block/sdb/sdb2")
    assert vital(tree) == [("00:1f.2", "root disk"), ("00:17.0", "root disk")]


def test_a_multipath_nvme_is_all_of_its_controllers(tree: HostTree) -> None:
    mount(tree, "24 1 259:1 / / rw - xfs /dev/nvme0n1p1 rw")
    subsystem = "devices/virtual/nvme-subsystem/nvme-subsys0"
    block(tree, "nvme0n1p1", "259:1", f"{subsystem}/nvme0n1/nvme0n1p1")
    tree.link("sys/class/nvme-subsystem/nvme-subsys0", f"../../{subsystem}")
    for number, bus in enumerate(("41", "42")):
        tree.folder(f"sys/{subsystem}/nvme{number}")
        path = f"devices/pci0000:40/0000:40:0{number}.0/0000:{bus}:00.0/nvme/nvme{number}"
        tree.link(f"sys/class/nvme/nvme{number}", f"../../{path}")
    assert vital(tree) == [("41:00.0", "root disk"), ("42:00.0", "root disk")]


def test_a_root_on_virtio_and_one_shared_by_the_outer_machine(tree: HostTree) -> None:
    mount(tree, "24 1 254:0 / / rw - ext4 /dev/vda rw")
    block(tree, "vda", "254:0", "devices/pci0000:00/0000:00:02.0/virtio1/block/vda")
    assert vital(tree) == [("00:02.0", "root disk")]
    mount(tree, "24 1 0:21 / / rw - 9p ROOTFS rw")
    tree.link(
        "sys/bus/virtio/drivers/9pnet_virtio/virtio3", "../../../../devices/pci0000:00/0000:00:05.0/virtio3"
    )
    assert vital(tree) == [("00:05.0", "root disk")]


@pytest.mark.parametrize(
    "line", ["24 1 0:30 / / rw - zfs rpool/ROOT/pve-1 rw", "24 1 0:31 / / rw - overlay overlay rw"]
)
def test_a_root_that_cannot_be_traced_keeps_every_disk(tree: HostTree, line: str) -> None:
    mount(tree, line)
    assert [address for address, _ in vital(tree)] == ["00:1f.2"]
    assert "may be on it" in vital(tree)[0][1]


_NVME = "devices/pci0000:00/0000:00:1d.0/0000:06:00.0/nvme/nvme0/nvme0n1"


def test_a_pool_of_btrfs_is_on_all_of_its_disks(tree: HostTree) -> None:
    mount(tree, "24 1 0:25 /@ / rw - btrfs /dev/sda2 rw")
    block(tree, "nvme0n1", "259:1", _NVME)
    for pool, name in (("data", "sdx"), ("root", "sda2"), ("root", "nvme0n1")):
        tree.link(f"sys/fs/btrfs/{pool}/devices/{name}", "../x")
    tree.folder("sys/fs/btrfs/features")
    assert vital(tree) == [("06:00.0", "root disk"), ("00:1f.2", "root disk")]


def test_a_capture_knows_the_disks_of_a_pool_but_not_its_name(tree: HostTree, tmp_path: Path) -> None:
    uuid = "0c8b1c7e-6b1d-4f0e-9a55-2f6c1d3a7b90"
    mount(tree, "24 1 0:25 /@ / rw - btrfs /dev/sda2 rw")
    block(tree, "nvme0n1", "259:1", _NVME)
    for name in ("sda2", "nvme0n1"):
        tree.link(f"sys/fs/btrfs/{uuid}/devices/{name}", f"../../../../class/block/{name}")
    data = render_capture(collect_here(str(tree.root)))
    (tmp_path / "c.tar.gz").write_bytes(data)
    host = read_host(open_capture(tmp_path / "c.tar.gz"))
    assert not isinstance(host.vital, Unknown)
    assert {each.address.short for each in host.vital if each.carries == "root disk"} == {
        "06:00.0",
        "00:1f.2",
    }
    assert uuid.encode() not in gzip.decompress(data)


def test_a_btrfs_whose_disks_are_not_listed_may_be_on_any(tree: HostTree) -> None:
    mount(tree, "24 1 0:25 /@ / rw - btrfs /dev/sda2 rw")
    assert vital(tree) == [("00:1f.2", "disk (root disk is btrfs and may be on it)")]


def test_bcachefs_names_all_of_its_disks(tree: HostTree) -> None:
    mount(tree, "24 1 0:25 / / rw - bcachefs /dev/sda2:/dev/nvme0n1 rw")
    block(tree, "nvme0n1", "259:1", _NVME)
    assert vital(tree) == [("00:1f.2", "root disk"), ("06:00.0", "root disk")]


def test_a_root_in_memory_needs_no_disk(tree: HostTree) -> None:
    mount(tree, "24 1 0:2 / / rw - rootfs none rw")
    assert vital(tree) == []


def test_the_disk_of_var_is_vital_too(tree: HostTree) -> None:
    tree.write(
        "proc/self/mountinfo",
        "24 1 8:2 / / rw - ext4 /dev/sda2 rw\n25 24 259:1 / /var rw - xfs /dev/nvme0n1 rw",
    )
    block(tree, "nvme0n1", "259:1", "devices/pci0000:00/0000:00:1d.0/0000:06:00.0/nvme/nvme0/nvme0n1")
    assert vital(tree) == [("00:1f.2", "root disk"), ("06:00.0", "disk of /var")]


def test_a_disk_behind_vmd_needs_both_functions() -> None:
    path = "../../devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0/nvme/nvme0/nvme0n1"
    assert functions_in(path) == addresses("0000:00:0e.0", "10000:e1:00.0")


def test_the_default_route_is_found_below_a_bridge_on_a_vlan_on_a_bond(tree: HostTree) -> None:
    interface(tree, "eth0", _CARD)
    interface(tree, "eth1", "devices/pci0000:00/0000:00:02.0/0000:04:00.1/net/eth1")
    interface(tree, "bond0", "devices/virtual/net/bond0", "eth0", "eth1")
    interface(tree, "bond0.7", "devices/virtual/net/bond0.7", "bond0")
    interface(tree, "br0", "devices/virtual/net/br0", "bond0.7")
    interface(tree, "vnet3", "devices/virtual/net/vnet3")
    tree.folder("sys/devices/virtual/net/br0/brif/vnet3")
    route(tree, "br0")
    assert sorted(vital(tree)) == [
        ("00:1f.2", "root disk"),
        ("03:00.0", "default route"),
        ("04:00.1", "default route"),
    ]


def test_a_route_that_cannot_be_traced_keeps_every_network_card(tree: HostTree) -> None:
    interface(tree, "eth0", _CARD)
    interface(tree, "br-ex", "devices/virtual/net/br-ex")
    route(tree, "br-ex")
    assert vital(tree)[1] == ("03:00.0", "network (br-ex, the default route, may use it)")


def test_a_route_through_no_card_at_all_is_unknown(tree: HostTree) -> None:
    interface(tree, "eth0", "devices/virtual/net/eth0")
    route(tree, "eth0")
    assert isinstance(read(tree).vital, Unknown)


def test_interfaces_that_are_below_each_other_do_not_go_round_for_ever(tree: HostTree) -> None:
    interface(tree, "a", "devices/virtual/net/a", "b")
    interface(tree, "b", "devices/virtual/net/b", "a")
    route(tree, "a")
    assert isinstance(read(tree).vital, Unknown)


def test_a_default_route_of_a_vrf_keeps_every_network_card(tree: HostTree) -> None:
    interface(tree, "eth0", _CARD)
    tree.write("proc/net/fib_trie", _TRIE + _VRF)
    assert vital(tree)[1:] == [("03:00.0", "network (the default route of table 10 may use it)")]


def test_what_carries_the_main_default_route_is_called_so_whatever_other_tables_have(tree: HostTree) -> None:
    interface(tree, "eth0", _CARD)
    interface(tree, "eth1", "devices/pci0000:00/0000:00:02.0/0000:04:00.1/net/eth1")
    route(tree, "eth0")
    tree.write("proc/net/fib_trie", _TRIE + _VRF)
    assert vital(tree)[1:] == [
        ("03:00.0", "default route"),
        ("04:00.1", "network (the default route of table 10 may use it)"),
    ]


def test_a_default_route_of_ipv6_counts_in_every_table_with_its_interface(tree: HostTree) -> None:
    interface(tree, "eth0", _CARD)
    nothing = "0" * 32
    tree.write("proc/net/ipv6_route", f"{nothing} 00 {nothing} 00 {nothing} 00000400 1 0 00000003 eth0")
    assert vital(tree)[1:] == [("03:00.0", "default route")]


@pytest.mark.parametrize("name", ["route", "ipv6_route", "fib_trie"])
def test_routes_that_cannot_be_read_are_unknown(tree: HostTree, name: str) -> None:
    (tree.root / f"proc/net/{name}").unlink(missing_ok=True)
    tree.folder(f"proc/net/{name}")
    assert isinstance(read(tree).vital, Unknown)


def test_a_table_whose_default_route_leads_nowhere_keeps_nothing() -> None:
    assert parse_fib_trie("Id 10:\n  |-- 0.0.0.0\n     /0 universe UNREACHABLE\n") == []
    assert parse_fib_trie(_TRIE) == []
    assert parse_fib_trie(_TRIE + _VRF + _VRF.replace("10", "-5")) == ["10", "-5"]


def test_a_default_route_of_another_table_counts_only_where_it_is_asked_for(tree: HostTree) -> None:
    assert not has_default_route(LiveReader(tree.root), of_any_table=True)
    tree.write("proc/net/fib_trie", _VRF)
    assert has_default_route(LiveReader(tree.root), of_any_table=True)
    assert not has_default_route(LiveReader(tree.root), of_any_table=False)


def test_only_used_default_routes_count() -> None:
    nothing = "0" * 32
    text = (
        f"{nothing} 00 {nothing} 00 {'fe80'.ljust(32, '0')} 00000400 1 0 00000003 eth0\n"
        f"{nothing} 00 {nothing} 00 {nothing} ffffffff 1 0 00200200 lo\n"
        f"{'fd00'.ljust(32, '0')} 40 {nothing} 00 {nothing} 00000100 1 0 00000001 eth1\n"
    )
    assert parse_ipv6_routes(text) == ["eth0"]


@given(st.text())
def test_no_text_breaks_the_parsers(text: str) -> None:
    parse_routes(text)
    parse_ipv6_routes(text)
    parse_fib_trie(text)
    parse_mountinfo(text)
    parse_mounts(text)
    functions_in(text)


def test_networks_on_link_are_those_without_a_gateway() -> None:
    head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
    rows = (
        "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
        "eth0\t0000000A\t0101A8C0\t0003\t0\t0\t0\t000000FF\n"
        "eth0\t0000FEA9\t00000000\t0001\t0\t0\t0\t0000FFFF\n"
        "eth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\n"
        "eth1\tzz\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
    )
    assert parse_on_link(head + rows) == [("eth0", "192.168.1.0/24")]


def test_ipv6_networks_on_link_are_neither_link_local_nor_one_address() -> None:
    none = "0" * 32
    far = "fd000000000000000000000000000001"
    rows = [
        ("fd000000000000010000000000000000", "40", none, "00000001", "eth0"),
        ("fd000000000000010000000000000002", "80", none, "00000001", "eth0"),
        ("fe800000000000000000000000000000", "40", none, "00000001", "eth0"),
        ("ff000000000000000000000000000000", "08", none, "00000001", "eth0"),
        ("fd000000000000020000000000000000", "40", far, "00000003", "eth0"),
        ("fd000000000000030000000000000000", "40", none, "00200201", "lo"),
        ("odd", "40", none, "00000001", "eth0"),
    ]
    text = "".join(
        f"{a} {b} {none} 00 {via} 00000100 0 0 {flags} {name}\n" for a, b, via, flags, name in rows
    )
    assert parse_ipv6_on_link(text) == [("eth0", "fd00:0:0:1::/64")]
