"""The IOMMU group decides what can be given away; nobody in it is taken silently."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.prepare.fake_host import BRIDGE, NET, NVME, Function, card
from tests.prepare.hosts import causes, only_refusal, plan_for, with_function
from tests.prepare.site import Site, site_in

from gpucloud.model.host import Vital
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

DISK = Function("0000:08:00.0", "15b7:5030", NVME, 19, "nvme")
PORT = Function("0000:00:08.0", "8086:2030", BRIDGE, 19, "pcieport")


@pytest.fixture
def pair(tmp_path: Path) -> Site:
    """Two cards behind a switch without ACS: one group, with the ports above them."""
    return site_in(tmp_path, [PORT, *card(0x27, 19), *card(0x28, 19)])


def test_a_second_card_in_the_group_is_named_with_the_command_that_takes_both(pair: Site) -> None:
    plan = pair.plan("27:00.0")
    assert causes(plan) == ["group-shared"]
    assert "GPU 28:00.0" in only_refusal(plan)
    assert "gpucloud plan --unit 27:00.0 --unit 28:00.0" in only_refusal(plan)


def test_both_cards_of_a_group_go_together_and_the_bridge_stays(pair: Site) -> None:
    plan = pair.plan("27:00.0", "28:00.0")
    bound = [str(step.change.address) for step in plan.steps if step.change.kind == "bind-driver"]
    assert bound == ["0000:27:00.0", "0000:27:00.1", "0000:28:00.0", "0000:28:00.1"]
    last_unbind = max(n for n, step in enumerate(plan.steps) if step.change.kind == "unbind-driver")
    first_bind = min(n for n, step in enumerate(plan.steps) if step.change.kind == "bind-driver")
    assert last_unbind < first_bind


def test_the_boot_disk_in_the_group_is_never_taken(tmp_path: Path) -> None:
    site = site_in(tmp_path, [*card(0x07, 19), DISK])
    host = replace(site.host(), vital=(Vital(PciAddress.parse("0000:08:00.0"), "root disk"),))
    for force in (False, True):
        plan = plan_for(host, "07:00.0", force=force)
        assert causes(plan) == ["peer-is-vital"]
        assert "08:00.0" in only_refusal(plan)
        assert "root disk" in only_refusal(plan)


def test_a_network_card_that_may_carry_the_default_route_of_a_vrf_is_never_taken(tmp_path: Path) -> None:
    net = Function("0000:05:00.0", "8086:1533", NET, 19, "igb")
    site = site_in(tmp_path, [*card(0x07, 19), net])
    (site.root / "sys/devices/pci0000:00/0000:05:00.0/net/eth0").mkdir(parents=True)
    (site.root / "sys/class/net").mkdir(parents=True)
    (site.root / "sys/class/net/eth0").symlink_to("../../devices/pci0000:00/0000:05:00.0/net/eth0")
    (site.root / "proc/net/fib_trie").write_text("Id 10:\n  |-- 0.0.0.0\n     /0 universe UNICAST\n")
    plan = site.plan("07:00.0", force=True)
    assert causes(plan) == ["peer-is-vital"]
    assert "carries the network (the default route of table 10 may use it)" in only_refusal(plan)


@pytest.mark.parametrize("force", [False, True])
def test_another_device_in_the_group_is_named_with_its_driver(tmp_path: Path, force: bool) -> None:
    net = Function("0000:05:00.0", "8086:1533", NET, 19, "igb")
    plan = site_in(tmp_path, [*card(0x07, 19), net]).plan("07:00.0", force=force)
    assert causes(plan) == ["acs-missing"]
    assert "which igb has" in only_refusal(plan)
    assert "echo 0000:05:00.0 > /sys/bus/pci/devices/0000:05:00.0/driver/unbind" in only_refusal(plan)


@pytest.mark.parametrize("driver", [None, "vfio-pci", "pci-stub"])
def test_a_device_whose_driver_keeps_off_dma_may_stay(tmp_path: Path, driver: str | None) -> None:
    net = Function("0000:05:00.0", "8086:1533", NET, 19, driver)
    plan = site_in(tmp_path, [*card(0x07, 19), net]).plan("07:00.0")
    assert not plan.refusals
    assert all(str(getattr(step.change, "address", "")) != "0000:05:00.0" for step in plan.steps)


def test_a_bridge_with_a_driver_that_uses_dma_is_refused(tmp_path: Path) -> None:
    bridge = Function("0000:00:08.0", "8086:2030", BRIDGE, 19, "shpchp")
    assert causes(site_in(tmp_path, [*card(0x07, 19), bridge]).plan("07:00.0")) == ["bridge-driver"]


def test_without_groups_the_doctor_is_asked(tmp_path: Path) -> None:
    plan = site_in(tmp_path, card(0x07, None)).plan("07:00.0", force=True)
    assert causes(plan) == ["no-iommu-group"]
    assert "gpucloud doctor" in only_refusal(plan)


def test_groups_that_could_not_be_read_are_no_permission(site: Site) -> None:
    host = site.host()
    host = replace(host, iommu=replace(host.iommu, groups=Unknown("permission denied")))
    assert causes(plan_for(host, "3b:00.0", force=True)) == ["groups-unknown"]


def test_the_group_of_a_function_that_could_not_be_read_is_no_permission(site: Site) -> None:
    host = with_function(site.host(), "3b:00.1", iommu_group=Unknown("permission denied"))
    assert causes(plan_for(host, "3b:00.0")) == ["groups-unknown"]


def test_a_peer_whose_driver_could_not_be_read_is_no_permission(tmp_path: Path) -> None:
    host = site_in(tmp_path, [*card(0x07, 19), DISK]).host()
    host = with_function(host, "08:00.0", driver=Unknown("not in the capture"))
    assert causes(plan_for(host, "07:00.0")) == ["groups-unknown"]
