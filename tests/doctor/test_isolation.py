"""What shares a group with a GPU."""

from __future__ import annotations

from tests.doctor.build import UNREAD, blind, card, causes, findings, function, host, levels

from gpucloud.model.finding import Level
from gpucloud.model.host import Vital
from gpucloud.model.pci import PciAddress

ACS = "acs-missing"
READY = card("07:00", "vfio-pci", "vfio-pci", group=0)


def v100(address: str, group: int, driver: str = "vfio-pci") -> tuple[object, ...]:
    return (function(address, kind="compute", ident="10de:1db4", driver=driver, group=group),)


QUANSIGHT = [
    v100("27:00.0", 19),
    v100("28:00.0", 19),
    v100("44:00.0", 32),
    v100("a3:00.0", 75),
    v100("c3:00.0", 87),
    v100("c4:00.0", 87),
]


def test_six_gpus_in_four_groups_serve_four_guests() -> None:
    found = findings(host(*QUANSIGHT))  # type: ignore[arg-type]
    assert [(f.cause, f.level) for f in found] == [(ACS, Level.INFO)]
    assert found[0].title.startswith("6 GPUs in 4 groups: at most 4 guests")
    assert "27:00.0, 28:00.0 go together" in found[0].title


def test_gpus_in_groups_of_their_own_are_silent() -> None:
    assert causes(host(v100("27:00.0", 1), v100("28:00.0", 2))) == []  # type: ignore[arg-type]


def test_a_boot_disk_in_the_group_is_never_to_be_bound() -> None:
    disk = function("08:00.0", kind="nvme", ident="15b7:5030", driver="nvme", group=0)
    shared = host(READY, others=[disk], vital=[Vital(PciAddress.parse("0000:08:00.0"), "root disk")])
    found = findings(shared)[0]
    assert (found.cause, found.level) == (ACS, Level.BLOCKER)
    assert "root disk" in found.title


def test_a_stranger_on_a_host_driver_is_at_least_a_warning() -> None:
    usb = function("08:00.0", kind="usb", driver="xhci_hcd", group=0)
    idle = card("07:00", "nouveau", "snd_hda_intel", group=0)
    assert levels(host(idle, others=[usb]))[ACS] is Level.WARNING
    assert levels(host(READY, others=[usb]))[ACS] is Level.BLOCKER


def test_a_stranger_without_driver_does_no_harm() -> None:
    assert causes(host(READY, others=[function("08:00.0", kind="usb", driver=None, group=0)])) == []


def test_an_nvswitch_in_the_group_belongs_to_the_board() -> None:
    switch = function("08:00.0", kind="nvswitch", ident="10de:22a3", driver="nvidia-nvswitch", group=0)
    assert causes(host(READY, others=[switch])) == []


def test_a_pair_of_which_one_is_on_a_host_driver_is_not_viable() -> None:
    found = findings(host(v100("27:00.0", 19), v100("28:00.0", 19, "nvidia")))  # type: ignore[arg-type]
    assert (found[0].cause, found[0].level) == (ACS, Level.BLOCKER)
    assert "gpucloud plan --unit 28:00.0" in found[0].fix.commands


def test_groups_split_by_decree_are_said() -> None:
    forced = host(READY, arguments="intel_iommu=on pcie_acs_override=downstream,multifunction")
    assert levels(forced) == {"acs-override": Level.INFO}


def test_unknown_groups_are_said() -> None:
    assert ACS in [one.cause for one in blind(host(READY, groups=UNREAD))]


def test_the_hosts_own_card_may_share_a_group_where_another_card_is_apart() -> None:
    disk = function("08:00.0", kind="nvme", ident="15b7:5030", driver="nvme", group=0)
    own = card("07:00", "nouveau", "snd_hda_intel", group=0)
    apart = card("2b:00", "vfio-pci", "vfio-pci", group=5)
    assert causes(host(own, apart, others=[disk]), Level.WARNING) == []
    assert levels(host(own, others=[disk]))[ACS] is Level.BLOCKER
