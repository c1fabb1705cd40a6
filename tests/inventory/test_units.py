"""What belongs together: a card with all that must travel with it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.doctor.build import UNREAD, function
from tests.host_tree import HostTree
from tests.hosts.builders.arc import build_arc
from tests.hosts.builders.desktop import build_apu
from tests.hosts.builders.nvidia_slices import build_a2, build_t4
from tests.inventory.build import addresses, read
from tests.listing_host import host_from_listing

from gpucloud.inventory.units import fold_units
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown

HOSTS = Path(__file__).parents[1] / "hosts"


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    return HostTree(tmp_path)


def shape(host: Host) -> list[list[str]]:
    """The functions of each unit."""
    return [[address.short for address in unit.addresses] for unit in host.units]


def listed(name: str, folder: Path) -> Host:
    from gpucloud.inventory import open_host

    return open_host(capture=host_from_listing((HOSTS / name / "listing.txt").read_text(), folder))


@pytest.mark.parametrize("kind", ["0300", "0302", "0380", "1200"])
def test_every_class_of_gpu_is_a_unit(tree: HostTree, kind: str) -> None:
    tree.function("0000:05:00.0", "1002:74a1", kind, group=1)
    assert shape(read(tree)) == [["05:00.0"]]


def test_a_turing_card_is_four_functions(tmp_path: Path) -> None:
    host = listed("board-1660super-1050ti-drivers", tmp_path)
    assert shape(host) == [["0a:00.0", "0a:00.1", "0a:00.2", "0a:00.3"], ["0b:00.0", "0b:00.1"]]


def test_audio_of_another_vendor_in_the_slot_belongs_to_the_card(tree: HostTree) -> None:
    tree.function("0000:00:0a.0", "1002:5046", "0300", group=4)
    tree.function("0000:00:0a.1", "8086:2668", "0403", group=4)
    assert shape(read(tree)) == [["00:0a.0", "00:0a.1"]]


def test_platform_devices_in_the_slot_of_a_built_in_gpu_stay_with_the_host(tmp_path: Path) -> None:
    host = read(build_apu(tmp_path))
    assert shape(host) == [["03:00.0", "03:00.1", "03:00.2", "03:00.3"], ["0d:00.0", "0d:00.1"]]


@pytest.mark.parametrize("flat", [False, True])
def test_arcs_audio_is_found_on_another_bus_and_the_boards_audio_is_not(tmp_path: Path, flat: bool) -> None:
    unit = read(build_arc(tmp_path, flat=flat)).units[0]
    assert unit.addresses == addresses("0000:03:00.0", "0000:04:00.0")
    assert unit.group_peers == ()


def test_a_device_link_joins_a_companion_at_any_address(tree: HostTree) -> None:
    tree.function("0000:05:00.0", "1002:73bf", "0300", group=1)
    tree.function("0000:09:00.0", "1002:ab28", "0403", group=2)
    tree.linked("0000:05:00.0", "0000:09:00.0")
    unit = read(tree).units[0]
    assert (unit.addresses, unit.groups) == (addresses("0000:05:00.0", "0000:09:00.0"), (1, 2))


def test_a_device_link_to_something_that_is_no_companion_joins_nothing(tree: HostTree) -> None:
    tree.function("0000:05:00.0", "1002:73bf", "0300", group=1)
    tree.function("0000:09:00.0", "144d:a80a", "0108", group=1)
    tree.linked("0000:05:00.0", "0000:09:00.0")
    assert shape(read(tree)) == [["05:00.0"]]


def test_two_cards_in_one_group_are_two_units_and_each_others_peers(tmp_path: Path) -> None:
    host = listed("server-epyc-6x-v100-groups", tmp_path)
    assert len(host.units) == 6
    first, second = host.units[:2]
    assert (first.groups, first.group_peers) == ((19,), addresses("0000:28:00.0"))
    assert second.group_peers == addresses("0000:27:00.0")


def test_the_boot_disk_in_the_cards_group_is_a_peer_and_bridges_are_not(tmp_path: Path) -> None:
    unit = listed("board-am5-rtx4070mobile-regrouped", tmp_path).units[0]
    assert unit.addresses == addresses("0000:07:00.0", "0000:07:00.1")
    assert unit.group_peers == addresses("0000:08:00.0")


def test_audio_of_the_other_card_is_never_taken(tree: HostTree) -> None:
    """Two cards behind one switch of their own vendor, as on boards with NVIDIA's NF200."""
    tree.function("0000:00:01.0", "8086:3408", "0604", group=1)
    tree.function("0000:01:00.0", "10de:05b8", "0604", below="0000:00:01.0", group=1)
    for bus, slot in ((3, 0), (4, 2)):
        port = f"0000:02:0{slot}.0"
        tree.function(port, "10de:05b8", "0604", below="0000:01:00.0", group=1)
        tree.function(f"0000:0{bus}:00.0", "10de:1401", "0300", below=port, group=1)
        tree.function(f"0000:0{bus}:00.1", "10de:0fba", "0403", below=port, group=1)
    assert shape(read(tree)) == [["03:00.0", "03:00.1"], ["04:00.0", "04:00.1"]]


def test_a_second_head_travels_with_its_card(tree: HostTree) -> None:
    tree.function("0000:01:00.0", "1002:7187", "0300")
    tree.function("0000:01:00.1", "1002:71a7", "0380")
    assert shape(read(tree)) == [["01:00.0", "01:00.1"]]


def test_slices_of_a_visible_card_are_no_cards(tmp_path: Path) -> None:
    host = read(build_a2(tmp_path))
    assert shape(host) == [["41:00.0"]]
    assert host.units[0].uses == ("passthrough", "sriov", "vgpu-vfio")


def test_slices_whose_card_is_not_visible_are_units_of_their_own(tmp_path: Path) -> None:
    host = listed("server-rtxpro6000-vfs-domain-0001", tmp_path)
    assert len(host.units) == 10
    assert str(host.units[0].address) == "0001:c8:02.5"


def test_a_t4_announces_functions_that_it_never_makes(tmp_path: Path) -> None:
    assert read(build_t4(tmp_path)).units[0].uses == ("passthrough", "vgpu-mdev")


def test_without_an_iommu_there_is_no_passthrough(tree: HostTree) -> None:
    tree.function("0000:05:00.0", "1002:73bf", "0300")
    unit = read(tree).units[0]
    assert (unit.groups, unit.uses) == ((), ())


def test_uses_are_unknown_where_nothing_that_would_show_one_was_read() -> None:
    gpu = function("3b:00.0", group=UNREAD, sriov=UNREAD, mdev_types=UNREAD)
    (unit,) = fold_units({gpu.address: gpu}, UNREAD)
    assert unit.uses == UNREAD


@pytest.mark.parametrize(
    "ids", ["1a03:2000", "102b:0538", "19e5:1711", "1002:515e", "18ca:0027", "19a2:0800"]
)
def test_a_management_controllers_display_is_a_unit_without_uses(tree: HostTree, ids: str) -> None:
    tree.function("0000:05:00.0", ids, "0300", group=1)
    assert [unit.uses for unit in read(tree).units] == [()]


def test_nvswitches_are_named_and_are_no_units(tmp_path: Path) -> None:
    host = listed("server-hgx-h100-8gpu-ubuntu-groups", tmp_path)
    assert [address.short for address in host.nvswitches] == ["05:00.0", "06:00.0", "07:00.0", "08:00.0"]
    assert len(host.units) == 8


def test_an_audio_function_bound_to_vfio_is_no_gpu(tmp_path: Path) -> None:
    host = listed("board-1660super-1050ti-drivers", tmp_path)
    assert all(unit.primary.is_gpu for unit in host.units)


def test_a_function_of_unknown_id_in_the_slot_still_belongs_to_the_card(tmp_path: Path) -> None:
    unit = listed("board-msi-b450m-mortar-max", tmp_path).units[0]
    assert unit.addresses == addresses("0000:25:00.0", "0000:25:00.1")
    assert isinstance(unit.functions[1].id, Unknown)
