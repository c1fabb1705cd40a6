"""KVM, modules, holders, framebuffers, reset and power."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.doctor.build import (
    UNREAD,
    VFIO_MODULES,
    a_kernel,
    blind,
    card,
    causes,
    findings,
    function,
    host,
    levels,
    memory_bar,
)

from gpucloud.doctor import Case
from gpucloud.model.finding import Level
from gpucloud.model.host import Cpu, Framebuffer, Kvm, Security
from gpucloud.model.pci import Holder, PciAddress

READY = card("3b:00", "vfio-pci", "vfio-pci", group=7)
NO_DEVICE = Kvm(has_device=False, refusal=None)


def test_a_processor_without_the_flag_is_the_firmware() -> None:
    off = Cpu("intel", None, is_virtual=False, physical_address_bits=39)
    found = findings(host(READY, kvm=NO_DEVICE, cpu=off))[0]
    assert (found.cause, found.level) == ("kvm-unavailable", Level.BLOCKER)
    assert "firmware" in found.title


def test_a_guest_without_the_flag_lacks_nested_virtualization() -> None:
    nested_off = Cpu("amd", None, is_virtual=True, physical_address_bits=40)
    assert "nested virtualization" in findings(host(READY, kvm=NO_DEVICE, cpu=nested_off))[0].title


def test_a_kernel_without_kvm_is_named() -> None:
    bare = a_kernel("intel_iommu=on", available=VFIO_MODULES - {"kvm_intel"})
    assert "has no module kvm_intel" in findings(host(READY, kvm=NO_DEVICE, kernel=bare))[0].title


def test_a_module_that_is_not_loaded_is_named() -> None:
    assert findings(host(READY, kvm=NO_DEVICE))[0].fix.commands == ("modprobe kvm_intel",)


def test_a_module_that_is_loaded_is_not_said_to_be_missing() -> None:
    kernel = replace(a_kernel("intel_iommu=on"), loaded_modules=frozenset({"kvm_intel", *VFIO_MODULES}))
    found = findings(host(READY, kvm=NO_DEVICE, kernel=kernel))[0]
    assert "although the module kvm_intel is loaded" in found.title


def test_unknown_modules_are_not_said_to_be_missing() -> None:
    kernel = replace(a_kernel("intel_iommu=on"), loaded_modules=UNREAD)
    assert "may not be loaded" in findings(host(READY, kvm=NO_DEVICE, kernel=kernel))[0].title


def test_what_the_kernel_answers_is_repeated() -> None:
    refused = Kvm(has_device=True, refusal="Device or resource busy")
    assert "Device or resource busy" in findings(host(READY, kvm=refused))[0].title


def test_kvm_that_works_is_believed_even_without_the_flag() -> None:
    hidden = Cpu("intel", None, is_virtual=UNREAD, physical_address_bits=UNREAD)
    assert causes(host(READY, cpu=hidden)) == []


def test_an_arm_host_has_no_flag_to_miss() -> None:
    arm = Cpu("arm", None, is_virtual=False, physical_address_bits=48)
    assert causes(host(READY, cpu=arm)) == []


def test_unknown_kvm_is_said() -> None:
    assert "kvm-unavailable" in [b.cause for b in blind(host(READY, kvm=Kvm(UNREAD, UNREAD)))]
    assert "kvm-unavailable" in [b.cause for b in blind(host(READY, kvm=Kvm(True, UNREAD)))]


def test_a_kernel_without_vfio_is_named() -> None:
    cloud = a_kernel("intel_iommu=on", available=frozenset({"kvm_intel"}))
    assert levels(host(READY, kernel=cloud)) == {"wrong-kernel-module": Level.BLOCKER}


def test_vfio_that_is_loaded_needs_no_module_file() -> None:
    built_in = a_kernel("intel_iommu=on", loaded=VFIO_MODULES, available=frozenset({"kvm_intel"}))
    assert causes(host(READY, kernel=built_in)) == []


def test_unknown_modules_are_said() -> None:
    unread = host(READY, kernel=a_kernel("intel_iommu=on", loaded=UNREAD, available=UNREAD))
    assert "wrong-kernel-module" in [b.cause for b in blind(unread)]


@pytest.mark.parametrize("security", [Security("integrity", UNREAD), Security(None, is_secure_boot=True)])
def test_a_locked_down_kernel_is_information(security: Security) -> None:
    assert levels(replace(host(READY), security=security)) == {"secure-boot": Level.INFO}


def test_processes_that_hold_the_card_are_named() -> None:
    xorg = Holder(812, "Xorg", "/dev/dri/card0")
    held = card("3b:00", "nouveau", "snd_hda_intel", holders=(xorg,))
    named = Case(host(held), frozenset({PciAddress.parse("0000:3b:00.0")}))
    found = next(f for f in findings(named) if f.cause == "gpu-in-use")
    assert found.level is Level.BLOCKER
    assert "Xorg (812)" in found.title
    assert levels(host(held))["gpu-in-use"] is Level.INFO


def test_a_running_guest_is_a_working_set_up() -> None:
    qemu = Holder(900, "qemu-system-x86", "/dev/vfio/7", guest="train-1")
    held = card("3b:00", "vfio-pci", "vfio-pci", holders=(qemu,))
    assert levels(host(held)) == {"gpu-in-use": Level.INFO}


def test_unknown_holders_are_said() -> None:
    unread = host(card("3b:00", "vfio-pci", "vfio-pci", holders=UNREAD))
    assert "gpu-in-use" in [b.cause for b in blind(unread)]


FRAMEBUFFER = (Framebuffer("BOOTFB", 0xE0000000, 0xE02FFFFF),)


def test_a_boot_framebuffer_in_a_bar_stops_a_card_that_is_wanted() -> None:
    boot = card("3b:00", "vfio-pci", "vfio-pci", bars=(memory_bar(0xE0000000, 0x10000000),))
    assert levels(host(boot, framebuffers=FRAMEBUFFER)) == {"boot-framebuffer-holds-gpu": Level.BLOCKER}


def test_a_boot_framebuffer_on_the_hosts_own_card_is_information() -> None:
    boot = card("3b:00", "nouveau", "snd_hda_intel", bars=(memory_bar(0xE0000000, 0x10000000),))
    assert causes(host(boot, framebuffers=FRAMEBUFFER), Level.WARNING) == []


def test_a_boot_framebuffer_elsewhere_is_silent() -> None:
    other = card("3b:00", "vfio-pci", "vfio-pci", bars=(memory_bar(0xD0000000, 0x10000000),))
    assert causes(host(other, framebuffers=FRAMEBUFFER)) == []


def test_unknown_bars_under_a_boot_framebuffer_are_said() -> None:
    boot = card("3b:00", "vfio-pci", "vfio-pci", bars=UNREAD)
    assert "BARs of 3b:00.0" in [b.fact for b in blind(host(boot, framebuffers=FRAMEBUFFER))]


def test_unknown_framebuffers_are_said() -> None:
    assert "boot-framebuffer-holds-gpu" in [b.cause for b in blind(host(READY, framebuffers=UNREAD))]


def test_a_gpu_without_reset_method_is_not_clean_between_guests() -> None:
    stuck = card("3b:00", "vfio-pci", "vfio-pci", reset_methods=None)
    assert levels(host(stuck)) == {"reset-bug": Level.WARNING}


def test_old_kernels_do_not_show_reset_methods() -> None:
    stuck = card("3b:00", "vfio-pci", "vfio-pci", reset_methods=None)
    old = replace(a_kernel("intel_iommu=on"), release="5.4.0-156-generic")
    assert causes(host(stuck, kernel=old)) == []


def test_a_card_asleep_without_power_is_information() -> None:
    asleep = card("3b:00", "vfio-pci", "vfio-pci", power_state="D3cold")
    assert levels(host(asleep)) == {"power-state-d3": Level.INFO}


def test_a_management_display_is_no_gpu() -> None:
    bmc = function("02:00.0", ident="1a03:2000", driver="ast", group=5)
    assert levels(host([bmc])) == {"no-gpu": Level.WARNING}


def test_a_whole_host_without_a_gpu_is_told_so_first() -> None:
    nic = function("02:00.0", kind="ethernet", driver="ixgbe")
    without = host(others=[nic], kvm=Kvm(has_device=False, refusal=None))
    assert causes(without) == ["no-gpu", "kvm-unavailable"]
    assert findings(without)[0].evidence[0].text.startswith("1 PCI functions, none a display")


def test_of_a_part_of_a_host_nothing_is_claimed() -> None:
    nic = function("02:00.0", kind="ethernet", driver="ixgbe")
    part = host(others=[nic], kernel=a_kernel("iommu=pt", loaded=UNREAD))
    assert causes(part) == []
    assert [one.fact for one in blind(part) if one.cause == "no-gpu"] == ["the GPUs"]


def test_a_device_whose_class_was_not_read_may_be_a_gpu() -> None:
    unread = function("02:00.0", pci_class=UNREAD)
    assert causes(host(others=[unread])) == []
    assert "whether any of 02:00.0 is a GPU" in [one.fact for one in blind(host(others=[unread]))]


def test_a_device_whose_class_was_not_read_may_be_a_gpu_beside_others_and_in_a_part_of_a_host() -> None:
    unread = function("02:00.0", pci_class=UNREAD)
    bmc = function("03:00.0", ident="1a03:2000", driver="ast", group=5)
    part = host([bmc], others=[unread], kernel=a_kernel("iommu=pt", loaded=UNREAD))
    assert causes(part) == []
    for found in (host(READY, others=[unread]), part):
        (only,) = (one for one in blind(found) if one.cause == "no-gpu")
        assert only.fact == "whether any of 02:00.0 is a GPU"
        assert "the class of 1 of" in only.why


@pytest.mark.parametrize("ident", ["1a03:2000", "19e5:1711", "1002:515e"])
def test_every_management_display_is_known(ident: str) -> None:
    assert causes(host([function("02:00.0", ident=ident, driver="ast")])) == ["no-gpu"]


def test_a_management_display_beside_gpus_is_silent() -> None:
    bmc = function("02:00.0", ident="1a03:2000", driver="ast", group=5)
    assert causes(host(READY, [bmc])) == []


def test_a_card_that_is_sliced_keeps_its_host_driver() -> None:
    sliced = host(card("3b:00", "nvidia"))
    units = tuple(replace(unit, uses=("passthrough", "vgpu-mdev")) for unit in sliced.units)
    assert causes(replace(sliced, units=units)) == []


def test_many_idle_cards_in_use_are_one_finding() -> None:
    daemon = Holder(77, "nvidia-persistenced", "/dev/nvidia0")
    cards = [card(f"{bus:02x}:00", "nvidia", group=bus, holders=(daemon,)) for bus in range(1, 9)]
    assert causes(host(*cards)) == ["host-driver-grabbed-gpu", "gpu-in-use"]


def test_a_question_about_one_unit_is_answered_for_that_unit() -> None:
    asked = Case(
        host(card("3b:00", "nvidia", group=1), card("5e:00", "vfio-pci", "xhci_hcd", group=2)),
        frozenset({PciAddress.parse("0000:3b:00.0")}),
    )
    assert causes(asked) == ["host-driver-grabbed-gpu"]
