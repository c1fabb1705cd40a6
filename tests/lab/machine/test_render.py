from __future__ import annotations

from itertools import pairwise

from gpucloud.lab.machine.render import (
    KVM,
    TCG,
    Accelerator,
    Direct,
    Parts,
    hidden_devices,
    kernel_command_line,
    render_machine,
)
from gpucloud.lab.topology.parse import Topology, load_topology, parse_topology

PARTS = Parts(Direct("/k", "/i"), disk="/d", payload="/p")


def rendered(topology: Topology, parts: Parts = PARTS, accelerator: Accelerator = TCG) -> list[str]:
    return render_machine(topology, accelerator, parts, "/x/qemu.pid")


def devices(topology: Topology) -> list[str]:
    return [value for option, value in pairwise(rendered(topology)) if option == "-device"]


def test_a_card_with_audio_is_one_slot_of_several_functions() -> None:
    shown = devices(load_topology("card-audio"))
    assert "ati-vga,id=card0-0,bus=pcie.0,addr=0xa.0,multifunction=on" in shown
    assert "intel-hda,id=card0-1,bus=pcie.0,addr=0xa.1,multifunction=on" in shown
    assert "hda-duplex,audiodev=silence,bus=card0-1.0" in shown


def test_the_iommu_comes_before_what_is_behind_it() -> None:
    shown = devices(load_topology("card-audio"))
    assert shown[0] == "intel-iommu,intremap=on,caching-mode=on"
    assert devices(load_topology("amd-iommu"))[0] == "amd-iommu,intremap=on"
    assert not any("iommu" in device for device in devices(load_topology("iommu-off")))


def test_interrupt_remapping_can_be_missing() -> None:
    text = 'title = "x"\niommu = "intel"\ninterrupt_remapping = false'
    assert devices(parse_topology("x", text))[0] == "intel-iommu,intremap=off,caching-mode=on"


def test_ports_without_acs_are_functions_of_one_slot() -> None:
    shown = devices(load_topology("pair-no-acs"))
    ports = [device for device in shown if device.startswith("pcie-root-port")]
    assert ports == [
        "pcie-root-port,id=port-first,chassis=1,slot=1,addr=0x8.0,multifunction=on,disable-acs=on",
        "pcie-root-port,id=port-second,chassis=2,slot=2,addr=0x8.1,multifunction=on,disable-acs=on",
    ]
    assert "ati-vga,id=card1-0,bus=port-second,addr=0x0.0,multifunction=on" in shown


def test_what_a_device_belongs_to_comes_before_it() -> None:
    shown = devices(load_topology("sriov"))
    at = shown.index("nvme-subsys,id=card0-0-subsystem")
    assert shown[at + 1].startswith("nvme,serial=gpucloud-lab,subsys=card0-0-subsystem,sriov_max_vfs=4,")
    assert shown[at + 1].endswith(",id=card0-0,bus=port-first,addr=0x0.0,multifunction=off")


def test_the_server_has_a_display_of_its_own_or_not() -> None:
    assert "VGA,addr=0x2" in devices(load_topology("card-audio"))
    assert not any(device.startswith("VGA") for device in devices(load_topology("boot-display")))


def test_kernel_arguments_of_the_topology_come_last() -> None:
    assert kernel_command_line(load_topology("card-audio")).endswith(" intel_iommu=on")
    assert " vga=0x317 " in kernel_command_line(load_topology("boot-display"))


def test_memory_is_anonymous_or_a_file() -> None:
    topology = load_topology("card-audio")
    assert "memory-backend-file" not in " ".join(rendered(topology))
    parts = Parts(Direct("/k", "/i"), "/d", "/p", memory="/m,1", memory_is_shared=True)
    argv = rendered(topology, parts)
    assert "memory-backend-file,id=ram,mem-path=/m,,1,size=2560M,share=on" in argv


def test_one_more_disk_comes_after_all_that_a_saved_server_has() -> None:
    topology = load_topology("card-audio")
    without = rendered(topology, PARTS)
    parts = Parts(Direct("/k", "/i"), disk="/d", payload="/p", more="/m,1")
    assert rendered(topology, parts) == [
        *without,
        *("-drive", "file=/m,,1,format=raw,if=none,id=more,read-only=on"),
        *("-device", "virtio-blk-pci,drive=more,serial=more,addr=0x7"),
    ]


def test_a_place_is_kept_for_the_payload_where_there_is_none() -> None:
    argv = rendered(load_topology("card-audio"), Parts(Direct("/k", "/i"), "/d", None))
    assert "driver=null-co,size=1M,read-zeroes=on,if=none,id=payload,read-only=on" in argv
    assert "virtio-blk-pci,drive=payload,addr=0x6" in argv


def test_nothing_but_this_machine_reaches_the_server() -> None:
    argv = rendered(load_topology("card-audio"))
    assert "user,id=net,hostfwd=tcp:127.0.0.1:0-:22" in argv


def test_the_process_is_recognised_by_its_pid_file() -> None:
    assert ("-pidfile", "/x/qemu.pid") in pairwise(rendered(load_topology("twins")))


def test_hardware_virtualization_gives_the_machines_own_cpu() -> None:
    argv = rendered(load_topology("card-audio"), accelerator=KVM)
    assert ("-cpu", "host") in pairwise(argv)


def test_what_has_no_saved_form_is_hidden_before_saving() -> None:
    assert hidden_devices(load_topology("twins")) == ["0000:00:0a.*", "0000:00:0b.*", "0000:00:06.*"]
    assert hidden_devices(load_topology("pair-no-acs")) == [
        "0000:00:08.0/0000:??:??.?",
        "0000:00:08.1/0000:??:??.?",
        "0000:00:06.*",
    ]


def test_a_server_with_a_boot_loader_is_started_by_its_firmware_and_keeps_what_it_said_before() -> None:
    argv = rendered(load_topology("card-audio"), Parts(None, "/d", "/p"))
    assert "-kernel" not in argv
    assert "file,id=console,path=console.log,append=on" in argv
