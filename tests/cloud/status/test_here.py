"""Units of this host and of captured ones: who has them, what keeps them, and sizes of guests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.cloud.builders import CARD, card, function, held_by, host, unit
from tests.hosts.catalogue import look_at

from gpucloud.cloud.libvirt.connection import Hypervisor
from gpucloud.cloud.libvirt.domain import Domain, DomainState
from gpucloud.cloud.status.count import Sold, count, shelves
from gpucloud.cloud.status.here import read_domains, seen_elsewhere, seen_here, wants_of
from gpucloud.cloud.status.show import headline, host_rows, notes, service_lines, size_rows, unit_rows
from gpucloud.cloud.status.stock import HostStock
from gpucloud.cloud.status.summary import Seen, summarize
from gpucloud.model.failure import Failure
from gpucloud.model.pci import Holder, PciAddress, PciId, Sriov, VgpuType
from gpucloud.model.unknown import Unknown

TWO = (card("3b:00", group=7, peers=["3c:00.0"]), card("3c:00", group=7, peers=["3b:00.0"]))
OTHER = card("5e:00", group=9)


def domain(name: str, *addresses: str, state: DomainState = DomainState.RUNNING) -> Domain:
    functions = tuple(PciAddress.parse(f"0000:{each}") for each in addresses)
    return Domain(name, f"uuid-{name}", state, 1, 512, functions, None)


def only(seen: Seen) -> HostStock:
    assert not isinstance(seen.hosts, Unknown)
    (one,) = seen.hosts
    return one


def sold(seen: Seen) -> dict[str, tuple[int, int, int | Unknown]]:
    counted = {want.name.partition(" ")[0]: one for want, one in summarize(seen).sold}
    return {
        name: (one.guests, one.most, one.stranded) for name, one in counted.items() if isinstance(one, Sold)
    }


def test_cards_of_one_group_are_one_guest_with_one_or_with_both() -> None:
    seen = seen_here(host(*TWO, OTHER), ())
    assert sold(seen) == {"1": (2, 2, 1), "2": (1, 1, 0)}
    assert [row[-1] for row in unit_rows(only(seen))] == ["free"] * 3
    assert summarize(seen).total.groups == 2


def test_a_running_guest_has_its_card_and_strands_that_beside_it() -> None:
    seen = seen_here(host(*TWO, OTHER), (domain("train", "3b:00.0", "3b:00.1"),))
    assert sold(seen) == {"1": (1, 1, 1), "2": (0, 0, 2)}
    rows = unit_rows(only(seen))
    assert rows[0][-2:] == ("train", "in use")
    assert summarize(seen).total.stranded == 1


def test_a_defined_guest_keeps_its_card_from_others_and_it_is_said() -> None:
    seen = seen_here(host(OTHER), (domain("desk", "5e:00.0", state=DomainState.OFF),))
    assert sold(seen) == {"1": (0, 1, 0)}
    assert "desk" in unit_rows(only(seen))[0][-1]


def test_a_card_on_its_hosts_driver_could_be_sold_once_it_is_prepared() -> None:
    seen = seen_here(host(held_by(OTHER, "nvidia")), ())
    assert sold(seen) == {"1": (0, 1, 0)}
    assert summarize(seen).total.blocked == 1
    assert "nvidia" in unit_rows(only(seen))[0][-1]


def test_holders_that_nobody_could_read_leave_a_card_unknown() -> None:
    hidden = unit(function("3b:00.0", holders=Unknown("not root")))
    seen = seen_elsewhere([("gpu01", host(hidden))])
    assert sold(seen) == {"1": (0, 1, 0)}
    assert "could not look at whether units of gpu01 are free: who holds it: not root" in list(
        notes(summarize(seen))
    )


def test_cards_that_nobody_could_look_at_may_be_used_or_free() -> None:
    hidden = unit(function("3b:00.0", holders=Unknown("not root")), peers=["3c:00.0"])
    seen = seen_elsewhere([("gpu01", host(hidden, unit(function("3c:00.0"), peers=["3b:00.0"]), OTHER))])
    status = summarize(seen)
    assert (status.total.blocked, status.total.unknown) == (1, 1)
    assert "0+ used, 2+ free, 1 stranded by groups, 1 unknown" in headline(status)
    (row,) = host_rows(status)
    assert row[3:] == ("0+", "2+", "1", "?", "1 unknown")
    assert [row[-2:] for row in unit_rows(only(seen))] == [("?", "unknown"), ("-", "free"), ("-", "free")]
    assert [row[2:4] for row in size_rows(status)] == [("1+", "<=2"), ("0+", "<=1")]


def test_what_is_sold_is_exact_where_what_nobody_could_look_at_changes_nothing() -> None:
    hidden = unit(function("3b:00.0", holders=Unknown("not root")))
    closed = replace(only(seen_elsewhere([("gpu01", host(hidden))])), closed="nova-compute is down")
    (one,) = wants_of([closed])
    found = count(shelves([closed]), one)
    assert isinstance(found, Sold)
    assert (found.guests, found.most, found.is_unsure) == (0, 0, False)


def test_a_captured_hosts_guests_are_known_by_what_they_hold_open() -> None:
    held = unit(function("3b:00.0", holders=(Holder(7, "qemu-system-x86", "/dev/vfio/7", "train"),)))
    seen = seen_elsewhere([("gpu01", host(held))])
    assert only(seen).stocks[0].users == ("train",)  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "guest"),
    [
        ("built-nvidia-a2-mdev-of-vfs", "cad1"),
        ("built-mi300x-gim", "ml7"),
        ("built-amd-s7150-mxgpu", "desk7"),
    ],
)
def test_a_guest_with_a_slice_has_its_card_too(name: str, guest: str) -> None:
    seen = seen_elsewhere([("gpu01", look_at(name).host)])
    has = [stock.used for stock in only(seen).stocks if guest in stock.users]  # type: ignore[union-attr]
    assert has == [1]
    assert summarize(seen).total.used == 1


def test_a_guest_of_libvirt_with_a_virtual_function_has_its_card_too() -> None:
    slice_ = function("3b:00.4", driver="vfio-pci", group=11)
    sriov = Sriov(total=1, enabled=1, vfs=(slice_.address,))
    card_ = unit(replace(function("3b:00.0", driver="gim"), sriov=sriov))
    seen = seen_here(host(card_, others=[slice_]), (domain("desk", "3b:00.4"),))
    assert only(seen).stocks[0].users == ("desk",)  # type: ignore[index]


def test_virtual_functions_are_counted_by_themselves() -> None:
    amd = PciId(0x1002, 0x74B9)
    drivers = ("vfio-pci", "vfio-pci", "vfio-pci", None)
    slices = tuple(
        replace(
            function(f"3b:02.{number}", amd, driver=driver, group=20 + number, name="MI300X VF"),
            physical_function=PciAddress.parse("0000:3b:00.0"),
        )
        for number, driver in enumerate(drivers)
    )
    sriov = Sriov(total=4, enabled=4, vfs=tuple(each.address for each in slices))
    cut = unit(replace(function("3b:00.0", amd, driver="amdgpu"), sriov=sriov))
    seen = seen_here(host(cut, others=slices), (domain("desk", "3b:02.1"),))
    stocks = only(seen).stocks
    assert isinstance(stocks, tuple)
    assert [(each.total, each.used, each.users) for each in stocks] == [(3, 1, ("desk",)), (1, 0, ())]
    assert "bound to no driver" in str(stocks[1].obstacle)
    assert sold(seen) == {"1": (2, 3, 0), "2": (1, 1, 0), "4": (0, 0, 0)}
    first, second = unit_rows(only(seen))
    assert first[0] == "0000:3b:00.0: 3 of 4 virtual functions"
    assert first[-2:] == ("desk", "2 of 3 free")
    assert second[-1].startswith("it is bound to no driver")


def test_vgpus_over_nvidias_own_vfio_are_sold_by_their_type_and_not_as_cards() -> None:
    a16 = PciId(0x10DE, 0x25B6)
    slices = tuple(
        replace(
            function(f"3b:00.{number}", a16, driver="nvidia", group=20 + number, name="A16"),
            physical_function=PciAddress.parse("0000:3b:00.0"),
            current_vgpu_type=type_,
            vendor_vfio_types=(VgpuType(str(type_), name, 0),) if type_ else (),
        )
        for number, type_, name in (
            (4, 700, "NVIDIA A16-4Q"),
            (5, 700, "NVIDIA A16-4Q"),
            (6, 702, None),
            (7, 0, None),
        )
    )
    sriov = Sriov(total=4, enabled=4, vfs=tuple(each.address for each in slices))
    cut = unit(replace(function("3b:00.0", a16, driver="nvidia"), sriov=sriov))
    seen = seen_here(host(cut, others=slices), (domain("desk", "3b:00.5"),))
    first, second = unit_rows(only(seen))
    assert first[0] == "0000:3b:00.0: 2 of 3 virtual functions"
    assert first[-2:] == ("desk", "1 of 2 free")
    assert second[0] == "0000:3b:00.0: 1 of 3 virtual functions"
    names = [(want.name, want.said) for want in seen.wants]
    assert names == [
        ("1 x NVIDIA A16-4Q", "10de:25b6 type 700"),
        ("2 x NVIDIA A16-4Q", "10de:25b6 type 700"),
        ("1 x A16, vGPU type 702", "10de:25b6 type 702"),
    ]


def test_groups_that_could_not_be_read_are_unknown() -> None:
    hidden = unit(replace(function("3b:00.0"), iommu_group=Unknown("no sysfs")))
    seen = seen_elsewhere([("gpu01", host(hidden))])
    assert isinstance(summarize(seen).total.groups, Unknown)


def test_models_are_counted_apart_up_to_the_best_host() -> None:
    other = unit(function("61:00.0", replace(CARD, device=0x20B0), group=11, name="A100"))
    seen = seen_elsewhere([("gpu01", host(*TWO)), ("gpu02", host(other, OTHER))])
    assert [(want.name, want.said) for want in seen.wants] == [
        ("1 x GV100GL [Tesla V100 PCIe 16GB]", "10de:1db4"),
        ("2 x GV100GL [Tesla V100 PCIe 16GB]", "10de:1db4"),
        ("1 x A100", "10de:20b0"),
    ]


def test_a_libvirt_that_does_not_answer_is_a_service_that_is_down() -> None:
    def refuse() -> Hypervisor:
        raise Failure("libvirt does not answer: no socket", "start it")

    seen = seen_here(host(OTHER), read_domains(refuse))
    assert list(service_lines(summarize(seen))) == [
        "services: libvirt 0 of 1",
        "  libvirt on this host: down: libvirt does not answer: no socket",
    ]
