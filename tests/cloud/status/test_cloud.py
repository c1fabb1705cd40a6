"""`gpucloud status --cloud` against a cloud in memory: what is seen, and what is said of the rest."""

from __future__ import annotations

import json

import pytest
from tests.cloud.openstack.explain.way_state import Provider, offer
from tests.cloud.status.stock_state import EPYC, V100, StockState, sending, stock
from tests.hosts.catalogue import capture_of, host_of

from gpucloud.cloud.openstack.explain.given import Given
from gpucloud.cloud.status.count import Sold
from gpucloud.cloud.status.here import seen_elsewhere
from gpucloud.cloud.status.openstack.look import Looker
from gpucloud.cloud.status.openstack.seen import seen_of
from gpucloud.cloud.status.show import headline, host_rows, notes, plain_of, service_lines, size_rows
from gpucloud.cloud.status.summary import Status, summarize
from gpucloud.inventory import open_host
from gpucloud.model.host import Host
from gpucloud.model.plain import to_plain
from gpucloud.model.unknown import Unknown
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases.release import parse_release

RELEASE = parse_release("31.3.1")


def status_of(
    state: StockState, *, conf: str | None = None, captures: dict[str, Host] | None = None
) -> Status:
    files = None if conf is None else Configuration((read_config_file("nova.conf", conf),))
    read = Looker(sending(state), lambda what, count: None).look("test")
    return summarize(seen_of(read, Given(RELEASE, True, files), captures or {}))


def sold(status: Status, name: str) -> Sold | Unknown:
    return next(one for want, one in status.sold if want.name == name)


def known(status: Status, name: str) -> Sold:
    found = sold(status, name)
    assert isinstance(found, Sold), found
    return found


@pytest.fixture(scope="module")
def epyc(tmp_path_factory: pytest.TempPathFactory) -> Host:
    return open_host(capture=capture_of("server-epyc-6x-v100-groups", tmp_path_factory.mktemp("epyc")))


def test_placement_alone_counts_every_card_and_says_that_groups_are_unknown() -> None:
    status = status_of(stock())
    one = known(status, "gpu.1")
    assert (one.guests, one.most) == (6, 6)
    assert isinstance(one.stranded, Unknown)
    assert (status.total.units, status.total.free) == (6, 6)
    assert any("IOMMU groups" in line and "--from" in line for line in notes(status))


def test_six_cards_in_four_groups_are_four_guests(epyc: Host) -> None:
    status = status_of(stock(), captures={"gpu01": epyc})
    assert [known(status, f"gpu.{n}").guests for n in (1, 2, 4)] == [4, 3, 1]
    assert [known(status, f"gpu.{n}").stranded for n in (1, 2, 4)] == [2, 0, 0]
    assert status.total.groups == 4
    assert "6 units in 4 IOMMU groups: 0 used, 6 free, 2 stranded" in headline(status)


def test_what_shares_a_group_with_a_guests_card_is_stranded(epyc: Host) -> None:
    state = stock(used=EPYC[:1])
    state.guest_on("gpu01", "train", "id-gpu.1")
    status = status_of(state, captures={"gpu01": epyc})
    assert known(status, "gpu.1").guests == 3
    assert known(status, "gpu.1").stranded == 2
    (row,) = host_rows(status)
    assert row == ("gpu01", "6", "4", "1", "5", "2", f"train ({V100}:1)", "ready")


def test_a_host_without_room_or_service_sells_nothing_and_it_is_said_why() -> None:
    state = stock()
    state.providers[0].stock |= {"VCPU": (64, 59)}
    assert known(status_of(state), "gpu.1").lacking == {"VCPU": 4}
    assert known(status_of(state), "gpu.1").guests == 2
    state.services["gpu01"] |= {"status": "disabled", "disabled_reason": "fan broken"}
    status = status_of(state)
    assert known(status, "gpu.1").guests == 0
    assert known(status, "gpu.1").lacking == {"a nova-compute that takes guests": 6}
    assert "  nova-compute on gpu01: disabled: fan broken" in list(service_lines(status))
    assert host_rows(status)[0][-1] == "nova-compute is disabled: fan broken"


def test_a_host_without_pinned_processors_is_none_for_a_flavor_that_pins_where_others_have_some() -> None:
    state = stock()
    offer(state, "pinned", {f"resources1:{V100}": "1", "hw:cpu_policy": "dedicated"}, vcpus=2)
    assert known(status_of(state), "pinned").guests == 6, "nova asks for shared ones where no host has others"
    state.providers[1].stock |= {"PCPU": (32, 0)}
    assert known(status_of(state), "pinned").guests == 0
    assert known(status_of(state), "pinned").lacking == {"PCPU": 6}
    state.providers[0].stock |= {"PCPU": (8, 0)}
    assert known(status_of(state), "pinned").guests == 4


def test_a_second_disk_and_swap_need_room_too() -> None:
    state = stock()
    state.providers[0].stock |= {"DISK_GB": (100, 0)}
    assert known(status_of(state), "gpu.1").guests == 5
    state.flavors["id-gpu.1"] |= {"OS-FLV-EXT-DATA:ephemeral": 29, "swap": 1024}
    assert known(status_of(state), "gpu.1").guests == 2
    assert known(status_of(state), "gpu.1").lacking == {"DISK_GB": 4}


def test_a_host_without_a_disk_of_its_own_may_have_a_shared_one() -> None:
    state = stock()
    state.providers[0].stock.pop("DISK_GB")
    assert known(status_of(state), "gpu.1").guests == 6


def test_a_host_full_of_memory_is_found_by_its_processors_and_one_full_of_all_is_unknown() -> None:
    state = stock()
    state.providers[0].stock |= {"MEMORY_MB": (65536, 65536)}
    assert known(status_of(state), "gpu.1").lacking == {"MEMORY_MB": 6}
    state.providers[0].stock |= {"VCPU": (64, 64), "DISK_GB": (500, 500)}
    found = sold(status_of(state), "gpu.1")
    assert isinstance(found, Unknown)
    assert "gpu01 has no memory" in found.why


def test_without_the_role_admin_it_says_what_it_could_not_see(epyc: Host) -> None:
    state = stock()
    closed = "os-services|os-hypervisors|all_tenants|resource_providers|allocation_candidates"
    state.faults = [("GET", closed, 403)]
    status = status_of(state)
    said = "\n".join(notes(status))
    for what in ("services", "Placement", "servers of other projects", "hosts"):
        assert what in said
    assert isinstance(sold(status, "gpu.1"), Unknown)
    assert "cannot be seen" in headline(status)
    json.dumps(to_plain(plain_of(status)))
    assert status_of(state, captures={"gpu01": epyc}).total.units == 6


def test_slices_are_counted_each_and_have_no_groups() -> None:
    state = stock()
    state.card("cpu01", "0000:81:00.0", "VGPU", used=3, total=8)
    offer(state, "vgpu.1", {"resources:VGPU": "1"}, vcpus=1)
    offer(state, "vgpu.2", {"resources:VGPU": "2"}, vcpus=1)
    status = status_of(state)
    assert (known(status, "vgpu.1").guests, known(status, "vgpu.1").stranded) == (5, 0)
    assert known(status, "vgpu.2").guests == 2
    assert status.total.units == 7
    assert status.total.devices == 14


def test_slices_may_be_as_many_as_an_inventory_can_say() -> None:
    state = stock()
    most = 10**30
    state.card("cpu01", "0000:81:00.0", "CUSTOM_SLICE", total=most)
    offer(state, "slices", {"resources:CUSTOM_SLICE": "2"}, vcpus=0)
    state.providers[1].stock |= {"MEMORY_MB": (most, 0)}
    found = known(status_of(state), "slices")
    assert found.guests > 0
    assert found.most > 0


@pytest.mark.parametrize("amount", ["two", "-1", "1.5", "9" * 13])
def test_an_amount_that_is_no_number_of_devices_is_unknown(amount: str) -> None:
    state = stock()
    offer(state, "odd", {f"resources1:{V100}": "1", f"resources2:{V100}": amount, "group_policy": "none"})
    found = sold(status_of(state), "odd")
    assert isinstance(found, Unknown)
    assert f"resources2:{V100}" in found.why


def test_a_flavor_with_a_named_group_is_counted_as_one_with_a_number() -> None:
    state = stock()
    offer(state, "named", {f"resources_GPU:{V100}": "1", "trait_GPU:CUSTOM_NEW": "required"}, vcpus=2)
    state.providers[2].traits |= {"CUSTOM_NEW"}
    assert known(status_of(state), "named").guests == 1


def test_traits_of_a_flavor_are_those_of_the_device_or_of_its_host() -> None:
    state = stock()
    offer(state, "marked", {f"resources1:{V100}": "1", "trait1:CUSTOM_NEW": "required"})
    offer(state, "joint", {f"resources:{V100}": "1", "trait:CUSTOM_NEW": "required"})
    assert [known(status_of(state), name).guests for name in ("marked", "joint")] == [0, 0]
    state.providers[2].traits |= {"CUSTOM_NEW"}
    assert [known(status_of(state), name).guests for name in ("marked", "joint")] == [1, 1]
    state.providers[0].traits = frozenset({"CUSTOM_NEW"})
    assert [known(status_of(state), name).guests for name in ("marked", "joint")] == [1, 6]


ALIAS = (
    '[pci]\nalias = {"name": "v100", "vendor_id": "10de", "product_id": "1db4", "device_type": "type-PCI"}\n'
)


def test_an_alias_says_nothing_without_nova_conf() -> None:
    state = stock()
    offer(state, "old", {"pci_passthrough:alias": "v100:1"})
    found = sold(status_of(state), "old")
    assert isinstance(found, Unknown)
    assert "--config" in found.why


def test_an_alias_that_placement_is_asked_for_is_counted_there(epyc: Host) -> None:
    state = stock()
    offer(state, "old", {"pci_passthrough:alias": "v100:2"})
    placed = ALIAS + "[filter_scheduler]\npci_in_placement = True\n"
    assert known(status_of(state, conf=placed, captures={"gpu01": epyc}), "old").guests == 3
    refused = sold(status_of(state, conf="[filter_scheduler]\npci_in_placement = True\n"), "old")
    assert isinstance(refused, Unknown)
    assert "not defined" in refused.why


def test_pools_that_nova_keeps_to_itself_are_those_of_captures(epyc: Host) -> None:
    state = stock()
    state.providers = [each for each in state.providers if each.uuid == each.root]
    offer(state, "old", {"pci_passthrough:alias": "v100:1"})
    found = sold(status_of(state, conf=ALIAS), "old")
    assert isinstance(found, Unknown)
    assert "2 hosts" in found.why
    one = known(status_of(state, conf=ALIAS, captures={"gpu01": epyc}), "old")
    assert (one.most, one.stranded, one.unseen) == (4, 2, ("cpu01",))
    state.guest_on("gpu01", "train", "id-old")
    status = status_of(state, conf=ALIAS, captures={"gpu01": epyc})
    assert known(status, "old").guests == 0
    assert any("capture it again" in line for line in notes(status))


@pytest.mark.parametrize(
    ("name", "ids"), [("built-mi300x-gim", "1002:74b5"), ("built-nvidia-a2-vendor-vfio", "10de:25b6 type ")]
)
def test_virtual_functions_of_a_capture_have_the_class_of_their_own_ids(name: str, ids: str) -> None:
    state = stock()
    state.providers = [each for each in state.providers if each.uuid == each.root]
    offer(state, "old", {"pci_passthrough:alias": "slice:1"})
    vendor, product = ids[:4], ids[5:9]
    conf = f'[pci]\nalias = {{"name": "slice", "vendor_id": "{vendor}", "product_id": "{product}"}}\n'
    captured = host_of(name)
    assert any(str(one.said).startswith(ids) for one in seen_elsewhere([(name, captured)]).wants)
    assert known(status_of(state, conf=conf, captures={"gpu01": captured}), "old").most > 0


def test_a_capture_under_a_name_that_nova_does_not_have_sells_nothing(epyc: Host) -> None:
    status = status_of(stock(), captures={"gpu1": epyc})
    assert known(status, "gpu.1").guests == 6
    (row,) = [row for row in host_rows(status) if row[0] == "gpu1"]
    assert "HOST=CAPTURE" in row[-1]


def test_hosts_that_look_alike_are_one_row_where_there_are_very_many() -> None:
    state = stock()
    state.hosts, state.providers = (), []
    for number in range(60):
        name = f"gpu{number:02}"
        state.hosts = (*state.hosts, name)
        state.services[name] = {**state.services["cpu01"], "host": name}
        root = f"rp-{name}"
        state.providers.append(
            Provider(root, root, {"VCPU": (9, 0), "MEMORY_MB": (99999, 0), "DISK_GB": (99, 0)})
        )
        state.card(name, "0000:81:00.0", V100, used=int(number == 7))
    rows = host_rows(status_of(state))
    assert [row[0] for row in rows] == ["gpu00, gpu01, gpu02, gpu03 and 55 more", "gpu07"]
    assert size_rows(status_of(state))[0][2] == "59"


def test_a_reserved_card_is_not_free() -> None:
    state = stock()
    state.card("gpu01", "0000:e1:00.0", V100, total=0)
    status = status_of(state)
    assert (known(status, "gpu.1").guests, known(status, "gpu.1").most) == (6, 6)
    assert (status.total.units, status.total.blocked) == (7, 1)


def test_a_card_with_its_audio_function_is_one_unit(epyc: Host) -> None:
    state = stock()
    audio = "CUSTOM_PCI_10DE_10F2"
    for address in EPYC:
        state.card("gpu01", f"{address[:-1]}1", audio)
    offer(state, "both", {f"resources1:{V100}": "1", f"resources2:{audio}": "1", "group_policy": "none"})
    status = status_of(state)
    assert status.total.units == 6
    assert known(status, "both").guests == 6


def test_kinds_that_the_same_cards_are_of_are_counted_with_a_doubt() -> None:
    state = stock()
    for provider in state.providers[2:]:
        provider.traits |= {"CUSTOM_NEW"}
    twice = {f"resources1:{V100}": "1", f"resources2:{V100}": "1", "trait2:CUSTOM_NEW": "required"}
    offer(state, "twice", {**twice, "group_policy": "none"})
    found = known(status_of(state), "twice")
    assert found.is_less
    assert next(row for row in size_rows(status_of(state)) if row[0] == "twice")[2] == "<=6"


def test_names_from_the_cloud_stay_within_one_cell_and_the_object_is_plain() -> None:
    state = stock(used=EPYC)
    for number in range(9):
        state.guest_on("gpu01", f"guest{number}", "id-gpu.1")
    (row,) = host_rows(status_of(state))
    assert row[6].endswith("and 5 more")
    plain = json.loads(json.dumps(to_plain(plain_of(status_of(state)))))
    assert set(plain) == {"source", "services", "total", "hosts", "flavors", "could_not_look"}
    assert plain["hosts"][1]["sum"]["used"] == 6


@pytest.mark.parametrize("kind", ["VGPU", "CUSTOM_A40_48Q"])
def test_a_card_with_room_for_one_vgpu_is_no_whole_card(kind: str) -> None:
    state = stock()
    state.providers = [each for each in state.providers if not each.uuid.startswith("rp-gpu01_")]
    state.card("gpu01", "pci_0000_3b_00_0", kind)
    offer(state, "v1", {f"resources:{kind}": "1"})
    status = status_of(state)
    assert (known(status, "v1").guests, known(status, "v1").stranded) == (1, 0)
