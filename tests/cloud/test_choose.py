"""Only prepared, free, whole units are given; as few as can be are stranded; refusals say why."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cloud.builders import ACCELERATOR, at, card, function, held_by, host, unit

from gpucloud.cloud.choose import Refused, choose
from gpucloud.cloud.claims import Claims
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.guest import GuestSpec
from gpucloud.model.host import Host
from gpucloud.model.pci import Holder, PciAddress, PciId
from gpucloud.model.unknown import Unknown

FREE = Claims()


def _chosen(where: Host, spec: GuestSpec, claims: Claims = FREE) -> list[str]:
    result = choose(where, claims, spec)
    assert not isinstance(result, Refused), result.what
    return [str(one.address) for one in result]


def _refusal(where: Host, spec: GuestSpec, claims: Claims = FREE) -> Refused:
    result = choose(where, claims, spec)
    assert isinstance(result, Refused)
    return result


ONE = GuestSpec("one", 1)
TWO = GuestSpec("two", 2)


def test_a_prepared_unit_is_given() -> None:
    assert _chosen(host(card("3b:00")), ONE) == ["0000:3b:00.0"]


def test_no_gpu_can_be_asked_for() -> None:
    assert _chosen(host(), GuestSpec("none", 0)) == []


def test_a_host_without_gpus_says_so() -> None:
    refused = _refusal(host(), ONE)
    assert refused.what == "1 wanted, 0 free of 0 GPU units here"
    assert refused.then == "gpucloud scan shows every GPU of this host"


def test_more_than_the_host_has_is_not_answered_with_advice_that_cannot_help() -> None:
    refused = _refusal(host(card("3b:00"), held_by(card("3c:00", group=8), "nouveau")), GuestSpec("x", 9))
    assert refused.what.startswith("9 wanted, 1 free of 2 GPU units here")
    assert refused.then == "there are 2: ask for no more than that"


def test_a_unit_on_host_drivers_names_the_plan_that_prepares_it() -> None:
    refused = _refusal(host(held_by(card("3b:00"), "nouveau")), ONE)
    assert "0000:3b:00.0: it is held by the host's driver nouveau" in refused.what
    assert refused.then == "gpucloud plan --unit 0000:3b:00.0"


def test_a_companion_on_a_host_driver_refuses_the_whole_unit() -> None:
    refused = _refusal(host(held_by(card("3b:00"), "snd_hda_intel", which=1)), ONE)
    assert "its function 0000:3b:00.1 is held by the host's driver snd_hda_intel" in refused.what


@pytest.mark.parametrize("driver", [None, Unknown("permission denied")])
def test_a_unit_without_a_known_vfio_driver_is_refused(driver: str | None | Unknown) -> None:
    assert _refusal(host(held_by(card("3b:00"), driver)), ONE).free == 0


def test_a_unit_whose_bars_are_unknown_is_refused() -> None:
    blind = unit(function("3b:00.0"), function("3b:00.1", bars=Unknown("permission denied")))
    refused = _refusal(host(blind), ONE)
    assert "its function 0000:3b:00.1 is of unknown BARs (permission denied)" in refused.what


@pytest.mark.parametrize("driver", ["vfio-pci", "nvgrace-gpu-vfio-pci", "mlx5_vfio_pci", "xe-vfio-pci"])
def test_variants_of_vfio_pci_are_as_good(driver: str) -> None:
    assert _chosen(host(held_by(card("3b:00"), driver)), ONE)


def test_a_unit_in_a_running_guest_is_not_given_twice() -> None:
    claims = Claims(running={at("3b:00.1"): "train"})
    refused = _refusal(host(card("3b:00")), ONE, claims)
    assert "guest train has it" in refused.what


def test_a_unit_that_a_process_has_open_is_refused_with_its_name() -> None:
    busy = unit(function("3b:00.0", holders=(Holder(4711, "qemu-system-x86", "/dev/vfio/10"),)))
    assert "in use by qemu-system-x86 (process 4711)" in _refusal(host(busy), ONE).what


def test_a_unit_whose_holders_could_not_be_read_is_not_taken_for_free() -> None:
    blind = unit(function("3b:00.0"), function("3b:00.1", holders=Unknown("permission denied: /proc/1/fd")))
    refused = _refusal(host(blind), ONE)
    assert "its function 0000:3b:00.1 is of unknown holders (permission denied: /proc/1/fd)" in refused.what
    assert refused.then == "run as root"


def test_a_unit_of_a_guest_that_is_off_is_left_to_it_unless_named() -> None:
    claims = Claims(defined={at("3b:00.0"): "windows"})
    where = host(card("3b:00"))
    assert "the definition of guest windows" in _refusal(where, ONE, claims).what
    assert _chosen(where, replace(ONE, units=(at("3b:00.0"),)), claims) == ["0000:3b:00.0"]


def test_a_host_driver_in_the_group_refuses_the_unit() -> None:
    disk = function("3c:00.0", driver="nvme", group=10)
    refused = _refusal(host(card("3b:00", peers=["3c:00.0"]), others=[disk]), ONE)
    assert "0000:3c:00.0 of its IOMMU group 10 is held by the host's driver nvme" in refused.what


@pytest.mark.parametrize("driver", [None, "vfio-pci", "mlx5_vfio_pci", "pci-stub", "pcieport"])
def test_group_peers_that_vfio_accepts_do_not_matter(driver: str | None) -> None:
    peer = function("3c:00.0", driver=driver, group=10)
    assert _chosen(host(card("3b:00", peers=["3c:00.0"]), others=[peer]), ONE)


def test_a_group_peer_whose_driver_could_not_be_read_refuses_the_unit() -> None:
    peer = function("3c:00.0", driver=Unknown("permission denied"), group=10)
    refused = _refusal(host(card("3b:00", peers=["3c:00.0"]), others=[peer]), ONE)
    assert "0000:3c:00.0 of its IOMMU group 10 is held by a driver that could not be read" in refused.what
    assert refused.then == "run as root"


def test_a_group_peer_that_nobody_could_look_at_refuses_the_unit() -> None:
    where = host(card("3b:00", peers=["3c:00.0"]))
    assert "(the function is not listed)" in _refusal(where, ONE).what
    nothing = replace(where, functions=Unknown("permission denied: /sys"))
    assert "(permission denied: /sys)" in _refusal(nothing, ONE).what


FPGA, INSTINCT = PciId(0x10EE, 0x5001), PciId(0x1002, 0x74A1)


def test_an_accelerator_that_may_be_no_gpu_is_given_only_to_those_who_name_it() -> None:
    fpga = unit(function("3b:00.0", FPGA, ACCELERATOR, name="Alveo U250"))
    refused = _refusal(host(fpga), ONE)
    assert refused.what == (
        "1 wanted, 0 free of 0 GPU units here (0000:3b:00.0: Alveo U250 is an accelerator that may be no GPU)"
    )
    assert refused.then == "name it, if it is meant: --unit 0000:3b:00.0"
    assert _chosen(host(fpga), replace(ONE, units=(at("3b:00.0"),))) == ["0000:3b:00.0"]
    assert _chosen(host(fpga), replace(ONE, model="alveo")) == ["0000:3b:00.0"]


def test_an_accelerator_of_a_maker_of_gpus_is_given() -> None:
    assert _chosen(host(unit(function("3b:00.0", INSTINCT, ACCELERATOR))), ONE)


def test_units_of_one_group_do_not_go_to_different_guests() -> None:
    pair = host(
        card("27:00", group=19, peers=["28:00.0", "28:00.1"]),
        card("28:00", group=19, peers=["27:00.0", "27:00.1"]),
    )
    claims = Claims(running=dict.fromkeys((at("27:00.0"), at("27:00.1")), "train"))
    refused = _refusal(pair, ONE, claims)
    assert "guest train has 0000:27:00.0 of its IOMMU group 19" in refused.what
    assert _chosen(pair, TWO) == ["0000:27:00.0", "0000:28:00.0"]


def test_without_iommu_groups_nothing_is_given() -> None:
    assert "no IOMMU group" in _refusal(host(replace(card("3b:00"), groups=())), ONE).what


def test_one_gpu_is_taken_where_it_strands_no_other() -> None:
    where = host(card("27:00", group=19), card("28:00", group=19), card("5e:00", group=30))
    assert _chosen(where, ONE) == ["0000:5e:00.0"]
    assert _chosen(where, TWO) == ["0000:27:00.0", "0000:28:00.0"]


def test_gpus_of_one_numa_node_are_preferred() -> None:
    where = host(
        card("10:00", group=1, node=0), card("20:00", group=2, node=1), card("30:00", group=3, node=1)
    )
    assert _chosen(where, TWO) == ["0000:20:00.0", "0000:30:00.0"]


def test_unknown_nodes_are_no_obstacle() -> None:
    where = host(card("10:00", group=1, node=-1), card("20:00", group=2, node=Unknown("no such file")))
    assert len(_chosen(where, TWO)) == 2


@pytest.mark.parametrize("model", ["v100", "Tesla", "NVIDIA Corporation GV100", "10DE:1DB4"])
def test_a_model_matches_names_and_ids_in_any_case(model: str) -> None:
    assert _chosen(host(card("3b:00")), replace(ONE, model=model))


def test_a_model_that_is_not_there_is_said() -> None:
    refused = _refusal(host(card("3b:00")), replace(ONE, model="H100"))
    assert refused.what == "1 wanted, 0 free of 0 GPU units here that match 'H100'"


def test_named_units_are_given_by_any_of_their_functions() -> None:
    where = host(card("3b:00", group=1), card("5e:00", group=2))
    assert _chosen(where, replace(ONE, units=(at("5e:00.1"),))) == ["0000:5e:00.0"]


def test_an_address_that_is_no_gpu_is_refused_by_name() -> None:
    refused = _refusal(host(card("3b:00")), replace(ONE, units=(at("00:1f.0"),)))
    assert "0000:00:1f.0: no GPU of this host" in refused.what


def test_one_unit_named_twice_is_one_unit() -> None:
    assert _refusal(host(card("3b:00")), replace(TWO, units=(at("3b:00.0"), at("3b:00.1")))).free == 1


def test_many_refusals_stay_one_line() -> None:
    units = [held_by(card(f"{bus:02x}:00", group=bus), "nvidia") for bus in range(1, 17)]
    refused = _refusal(host(*units), ONE)
    assert "\n" not in refused.what
    assert refused.what.endswith("; and 12 more)")


CARDS = st.lists(st.tuples(st.integers(1, 4), st.integers(-1, 1)), min_size=1, max_size=7)


def _stranded(units: list[GpuUnit], taken: set[PciAddress]) -> int:
    groups = {group for one in units if one.address in taken for group in one.groups}
    return sum(one.address not in taken and bool(groups & set(one.groups)) for one in units)


@given(CARDS, st.integers(1, 7))
def test_no_other_choice_strands_fewer(cards: list[tuple[int, int]], wanted: int) -> None:
    units = [
        card(f"{bus:02x}:00", group=group, node=node) for bus, (group, node) in enumerate(cards, start=1)
    ]
    result = choose(host(*units), FREE, GuestSpec("any", wanted))
    if wanted > len(units):
        assert isinstance(result, Refused)
        return
    assert not isinstance(result, Refused)
    taken = {one.address for one in result}
    assert len(taken) == wanted
    others = ({one.address for one in some} for some in combinations(units, wanted))
    assert _stranded(units, taken) == min(_stranded(units, other) for other in others)


def _with_slices() -> Host:
    """A card whose two virtual functions are with vfio, and the card with its own driver."""
    whole = held_by(unit(function("3b:00.0", PciId(0x1002, 0x74A1), ACCELERATOR)), "amdgpu")
    slices = [
        replace(
            function(f"3b:02.{number}", PciId(0x1002, 0x74B5), ACCELERATOR, group=20 + number),
            physical_function=at("3b:00.0"),
        )
        for number in range(2)
    ]
    return host(whole, others=slices)


def test_a_virtual_function_is_given_to_who_names_it() -> None:
    assert _chosen(_with_slices(), GuestSpec("one", 1, units=(at("3b:02.1"),))) == ["0000:3b:02.1"]
    both = GuestSpec("two", 2, units=(at("3b:02.1"), at("3b:02.0")))
    assert _chosen(_with_slices(), both) == ["0000:3b:02.0", "0000:3b:02.1"]


def test_a_virtual_function_is_not_taken_on_a_guess() -> None:
    assert _refusal(_with_slices(), ONE).present == 1


def test_a_virtual_function_of_another_guest_is_refused() -> None:
    taken = Claims({at("3b:02.0"): "first"})
    refused = _refusal(_with_slices(), GuestSpec("one", 1, units=(at("3b:02.0"),)), taken)
    assert "0000:3b:02.0: guest first has it" in refused.what
