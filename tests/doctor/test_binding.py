"""Which driver has each function, and who asked for another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.doctor.build import UNREAD, blind, card, causes, findings, function, host, levels

from gpucloud.doctor import Case
from gpucloud.model.finding import Level
from gpucloud.model.pci import MediatedDevice, PciAddress
from gpucloud.model.unknown import Unknown

HELD, COMPANION, IDS = "host-driver-grabbed-gpu", "companion-function-not-bound", "vfio-ids-wrong"
STOCK = card("3b:00", "nouveau", "snd_hda_intel", group=7)
READY = card("5e:00", "vfio-pci", "vfio-pci", group=8)


def test_a_card_on_stock_drivers_is_information_while_nobody_asked() -> None:
    found = findings(host(STOCK))[0]
    assert (found.cause, found.level) == (HELD, Level.INFO)
    assert "gpucloud plan --unit 3b:00.0" in found.fix.commands


def test_a_card_on_stock_drivers_is_a_blocker_when_the_user_names_it() -> None:
    named = Case(host(STOCK), frozenset({PciAddress.parse("0000:3b:00.0")}))
    assert levels(named) == {HELD: Level.BLOCKER}


def test_a_card_with_mediated_devices_is_kept_for_them_until_they_are_removed() -> None:
    vgpu = MediatedDevice("2d3a3f0a-7c0f-4c3a-9d2e-8a1f0d4e5b6c", "nvidia-233", "/dev/vfio/90")
    gpu, sound = card("3b:00", "nvidia", "snd_hda_intel", group=7)
    cut = (replace(gpu, mdevs=(vgpu,)), sound)
    assert causes(host(cut)) == []
    found = findings(Case(host(cut), frozenset({PciAddress.parse("0000:3b:00.0")})))[0]
    assert (found.cause, found.level) == (HELD, Level.BLOCKER)
    assert "cut into 1 mediated device (vGPUs)" in found.title
    assert found.fix.commands[0] == "echo 1 | tee /sys/bus/pci/devices/0000:3b:00.0/*-*-*-*-*/remove"


@pytest.mark.parametrize(
    "wish",
    [
        {"arguments": "intel_iommu=on vfio-pci.ids=10de:21c4,10de:1aeb"},
        {"arguments": "intel_iommu=on vfio_pci.ids=10de:21c4"},
        {"modules": {"/etc/modprobe.d/vfio.conf": "options vfio-pci ids=10de:21c4,10de:1aeb disable_vga=1"}},
    ],
)
def test_a_card_whose_id_was_given_to_vfio_is_a_lost_race(wish: dict[str, object]) -> None:
    found = findings(host(STOCK, **wish))[0]  # type: ignore[arg-type]
    assert (found.cause, found.level) == (HELD, Level.BLOCKER)
    assert any("softdep nouveau pre: vfio-pci" in command for command in found.fix.commands)


def test_a_driver_override_shows_the_wish() -> None:
    overridden = card("3b:00", "nouveau", "snd_hda_intel", driver_override="vfio-pci")
    assert levels(host(overridden)) == {HELD: Level.BLOCKER}


def test_a_companion_already_given_away_shows_the_wish() -> None:
    assert levels(host(card("3b:00", "nouveau", "vfio-pci"))) == {HELD: Level.BLOCKER}


def test_one_card_for_guests_and_one_for_the_host_is_a_working_set_up() -> None:
    assert causes(host(READY, STOCK), Level.WARNING) == []


def test_a_working_set_up_with_ids_of_the_guest_card_only_is_silent() -> None:
    own = function("01:00.0", ident="10de:1c82", driver="nouveau", group=3)
    assert causes(host(READY, [own], arguments="intel_iommu=on vfio-pci.ids=10de:21c4"), Level.WARNING) == []


def test_several_idle_cards_are_one_finding() -> None:
    cards = [card(f"{bus:02x}:00", "nvidia", group=bus) for bus in range(1, 9)]
    assert [len(f.units) for f in findings(host(*cards))] == [8]


def test_a_companion_left_on_its_host_driver_makes_the_group_not_viable() -> None:
    found = findings(host(card("3b:00", "vfio-pci", "vfio-pci", "xhci_hcd", None)))[0]
    assert (found.cause, found.level) == (COMPANION, Level.BLOCKER)
    assert "3b:00.2 (xhci_hcd)" in found.title


def test_a_companion_without_driver_does_no_harm() -> None:
    assert causes(host(card("3b:00", "vfio-pci", "vfio-pci", None, None))) == []


def test_a_companion_in_a_group_of_its_own_is_a_warning() -> None:
    gpu = function("3b:00.0", driver="vfio-pci", group=7)
    audio = function("3b:00.1", kind="audio", driver="snd_hda_intel", group=8)
    assert levels(host([gpu, audio])) == {COMPANION: Level.WARNING}


@pytest.mark.parametrize("driver", ["pci-stub", "nvgrace-gpu-vfio-pci", "vfio-pci"])
def test_stubs_and_vendor_variants_are_given_away(driver: str) -> None:
    assert causes(host(card("3b:00", driver, driver))) == []


def test_an_unknown_driver_is_said() -> None:
    unread = function("3b:00.0", driver=Unknown("permission denied"), group=7)
    assert HELD in [one.cause for one in blind(host([unread]))]


def test_an_unknown_driver_of_a_companion_is_said() -> None:
    gpu = function("3b:00.0", driver="vfio-pci", group=7)
    audio = function("3b:00.1", kind="audio", driver=Unknown("permission denied"), group=7)
    assert "driver of 3b:00.1" in [one.fact for one in blind(host([gpu, audio]))]


def test_ids_torn_apart_by_a_space_are_found_on_the_command_line() -> None:
    torn = host(READY, arguments="intel_iommu=on vfio-pci.ids=10de:21c4, 10de:1aeb quiet")
    assert levels(torn) == {IDS: Level.BLOCKER}


def test_ids_torn_apart_by_a_space_are_found_in_modprobe_d() -> None:
    torn = {"/etc/modprobe.d/vfio.conf": "options vfio-pci ids=10de:21c4, 10de:1aeb"}
    assert levels(host(READY, modules=torn)) == {IDS: Level.BLOCKER}


def test_places_of_ids_that_could_not_be_read_are_said() -> None:
    unread = host(card("3b:00", "nouveau", "snd_hda_intel"), arguments=UNREAD, modules=UNREAD)
    said = {one.fact for one in blind(unread) if one.cause == "vfio-ids-wrong"}
    assert said == {"kernel arguments", "module configuration"}


def test_vendor_11de_is_a_mistyped_nvidia() -> None:
    found = findings(host(STOCK, arguments="intel_iommu=on vfio-pci.ids=11de:21c4"))[0]
    assert (found.cause, found.level) == (IDS, Level.BLOCKER)
    assert "10de:21c4 is" in found.title


def test_an_id_of_no_device_is_a_warning() -> None:
    assert levels(host(READY, arguments="intel_iommu=on vfio-pci.ids=1002:67df")) == {IDS: Level.WARNING}


def test_one_id_for_two_cards_is_said_when_the_host_needs_one() -> None:
    display = card("01:00", "vfio-pci", "vfio-pci", group=3, is_boot_vga=True)
    both = host(display, READY, arguments="intel_iommu=on vfio-pci.ids=10de:21c4,10de:1aeb")
    assert levels(both) == {IDS: Level.WARNING}


def test_one_id_for_two_cards_is_fine_when_both_are_for_guests() -> None:
    other = card("01:00", "vfio-pci", "vfio-pci", group=3)
    assert causes(host(other, READY, arguments="intel_iommu=on vfio-pci.ids=10de:21c4,10de:1aeb")) == []
