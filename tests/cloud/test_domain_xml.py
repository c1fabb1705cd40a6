"""The definition is right for GPUs, and libvirt's own rules for its elements are kept."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

from tests.cloud.builders import at, card, function, memory_bar, unit

from gpucloud.cloud.definition.parts import (
    Accelerator,
    Backing,
    Boot,
    Definition,
    DiskBoot,
    Firmware,
    KernelBoot,
    Screen,
    UserNetwork,
)
from gpucloud.cloud.definition.record import Record
from gpucloud.cloud.definition.render import render_domain
from gpucloud.cloud.definition.slots import guest_slots
from gpucloud.cloud.definition.window import fit_window
from gpucloud.cloud.libvirt.domain import DomainState, parse_domain
from gpucloud.model.gpu import GpuUnit

FOLDER = Path("/var/lib/libvirt/gpucloud/one")
CHECK = KernelBoot(FOLDER / "kernel", FOLDER / "initramfs", "console=ttyS0")
DISK = DiskBoot(
    FOLDER / "disk.qcow2",
    Backing(Path("/images/debian & friends.raw"), "raw"),
    FOLDER / "seed.iso",
    Firmware.BIOS,
    FOLDER / "firmware.vars",
)
COMMAND_LINE = "{http://libvirt.org/schemas/domain/qemu/1.0}commandline"
ADDRESS_BITS = ["-global", "host-x86_64-cpu.host-phys-bits=on"]
UEFI = replace(DISK, firmware=Firmware.UEFI)


def _define(*units: GpuUnit, boot: Boot = CHECK, memory_mib: int = 512) -> Definition:
    slots = guest_slots(units)
    functions = [[one for _, one in slot.functions] for slot in slots]
    return Definition(
        name="one",
        uuid="1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        cpus=2,
        memory_mib=memory_mib,
        accelerator=Accelerator.KVM,
        boot=boot,
        slots=slots,
        window=fit_window(functions, memory_mib, is_amd=False),
        record=Record("0" * 32, tuple(one.address for one in units), None, 1.0, 2.0, "/var/log/one.log"),
        console_log=Path("/var/log/one.log"),
        network=UserNetwork.SLIRP if isinstance(boot, DiskBoot) else None,
    )


def _tree(definition: Definition) -> ET.Element:
    return ET.fromstring(render_domain(definition))  # noqa: S314 - made here


def _places(tree: ET.Element) -> list[tuple[str, str]]:
    """Each hostdev as ``host bus.function`` and ``guest bus.function``, with a mark for multifunction."""
    found = []
    for device in tree.iterfind("./devices/hostdev"):
        source, target = device.find("./source/address"), device.find("./address")
        assert source is not None
        assert target is not None
        found.append(
            (
                f"{source.get('bus')}.{source.get('function')}",
                f"{target.get('bus')}.{target.get('function')} {target.get('multifunction', '')}".rstrip(),
            )
        )
    return found


def _words_for_qemu(tree: ET.Element) -> list[str | None]:
    return [word.get("value") for word in tree.iterfind(f"{COMMAND_LINE}/*")]


def _attributes(tree: ET.Element, path: str) -> dict[str, str]:
    element = tree.find(path)
    assert element is not None, path
    return element.attrib


def test_all_functions_of_a_unit_are_in_one_slot_function_0_first() -> None:
    assert _places(_tree(_define(card("3b:00")))) == [("0x3b.0x0", "0x01.0x0 on"), ("0x3b.0x1", "0x01.0x1")]


def test_every_unit_is_behind_a_root_port_of_its_own() -> None:
    tree = _tree(_define(card("3b:00"), card("5e:00")))
    ports = [one.get("index") for one in tree.iterfind("./devices/controller[@model='pcie-root-port']")]
    assert ports == ["1", "2"]
    assert [place for _, place in _places(tree)] == ["0x01.0x0 on", "0x01.0x1", "0x02.0x0 on", "0x02.0x1"]


def test_a_unit_of_one_function_is_no_multifunction_device() -> None:
    assert _places(_tree(_define(unit(function("3b:00.0"))))) == [("0x3b.0x0", "0x01.0x0")]


def test_large_domains_of_the_host_are_written_whole() -> None:
    tree = _tree(_define(unit(function("10001:3b:00.0"))))
    assert _attributes(tree, "./devices/hostdev/source/address")["domain"] == "0x10001"


def test_prepared_functions_stay_with_vfio() -> None:
    assert _attributes(_tree(_define(card("3b:00"))), "./devices/hostdev")["managed"] == "no"


def test_a_guest_under_kvm_has_the_hosts_processor_and_its_address_bits() -> None:
    tree = _tree(_define(card("3b:00")))
    assert tree.get("type") == "kvm"
    assert _attributes(tree, "./cpu")["mode"] == "host-passthrough"
    assert _words_for_qemu(tree) == ADDRESS_BITS


def test_no_element_is_used_that_libvirt_8_0_does_not_know() -> None:
    assert _tree(_define(card("3b:00"))).find(".//maxphysaddr") is None


def test_without_kvm_the_processor_is_emulated() -> None:
    tree = _tree(replace(_define(), accelerator=Accelerator.EMULATION))
    assert tree.get("type") == "qemu"
    assert _attributes(tree, "./cpu") == {"mode": "maximum"}
    assert tree.find(COMMAND_LINE) is None


def test_only_guests_that_use_a_card_run_the_program_in_its_rom() -> None:
    assert _attributes(_tree(_define(card("3b:00"))), "./devices/hostdev/rom") == {"bar": "off"}
    assert _tree(_define(card("3b:00"), boot=DISK)).find("./devices/hostdev/rom") is None


def test_there_is_no_balloon_no_display_and_no_usb() -> None:
    tree = _tree(_define(card("3b:00")))
    assert _attributes(tree, "./devices/memballoon")["model"] == "none"
    assert _attributes(tree, "./devices/video/model")["type"] == "none"
    assert _attributes(tree, "./devices/controller[@type='usb']")["model"] == "none"


def test_the_console_is_a_terminal_and_a_log() -> None:
    tree = _tree(_define())
    assert _attributes(tree, "./devices/serial") == {"type": "pty"}
    assert _attributes(tree, "./devices/serial/log") == {"file": "/var/log/one.log", "append": "off"}


def test_the_check_guest_has_no_network_and_ends_when_its_kernel_panics() -> None:
    tree = _tree(_define())
    assert tree.find("./devices/interface") is None
    assert tree.findtext("./on_reboot") == "destroy"
    assert tree.findtext("./os/kernel") == str(CHECK.kernel)


def test_a_disk_guest_has_a_network_an_agent_and_may_reboot() -> None:
    tree = _tree(_define(boot=DISK))
    assert _attributes(tree, "./devices/interface") == {"type": "user"}
    assert _attributes(tree, "./devices/channel/target")["name"] == "org.qemu.guest_agent.0"
    assert tree.findtext("./on_reboot") == "restart"


def test_the_image_below_is_named_with_its_format_and_keeps_its_owner() -> None:
    tree = _tree(_define(boot=DISK))
    below = tree.find("./devices/disk/backingStore")
    assert below is not None
    assert _attributes(below, "./format") == {"type": "raw"}
    assert _attributes(below, "./source") == {"file": "/images/debian & friends.raw"}
    assert _attributes(below, "./source/seclabel") == {"model": "dac", "relabel": "no"}
    assert below.find("./backingStore") is not None


def test_a_copied_disk_stands_on_nothing() -> None:
    below = _tree(_define(boot=replace(DISK, backing=None))).find("./devices/disk/backingStore")
    assert below is not None
    assert len(below) == 0


def test_uefi_is_chosen_by_libvirt_without_secure_boot_and_its_variables_are_the_guests() -> None:
    tree = _tree(_define(boot=UEFI))
    assert _attributes(tree, "./os") == {"firmware": "efi"}
    assert _attributes(tree, "./os/firmware/feature") == {"enabled": "no", "name": "secure-boot"}
    assert tree.findtext("./os/nvram") == str(UEFI.variables)


def test_small_bars_leave_the_address_space_as_it_is() -> None:
    tree = _tree(_define(card("3b:00"), boot=UEFI))
    assert tree.find(".//pcihole64") is None
    assert _words_for_qemu(tree) == ADDRESS_BITS


def test_large_bars_widen_the_window_of_qemu_and_of_the_firmware() -> None:
    h100 = [
        unit(function(f"{bus:02x}:00.0", bars=(memory_bar(1, 128 << 30),)), peers=()) for bus in range(1, 5)
    ]
    tree = _tree(_define(*h100, boot=UEFI, memory_mib=64 << 10))
    assert tree.findtext(".//pcihole64") == str((1 << 40) >> 10)
    window = ["-fw_cfg", f"name=opt/ovmf/X-PciMmio64Mb,string={(1 << 40) >> 20}"]
    assert _words_for_qemu(tree) == [*ADDRESS_BITS, *window]
    assert _words_for_qemu(_tree(_define(*h100, memory_mib=64 << 10))) == ADDRESS_BITS


def test_names_cannot_break_out_of_the_xml() -> None:
    hostile = Backing(Path('/images/"><evil/>&.qcow2'), "qcow2")
    tree = _tree(_define(boot=replace(DISK, backing=hostile)))
    assert tree.find(".//evil") is None


def test_what_is_rendered_is_read_back() -> None:
    definition = _define(card("3b:00"), card("5e:00"))
    domain = parse_domain(render_domain(definition), DomainState.RUNNING)
    assert domain.record == definition.record
    assert domain.functions == tuple(map(at, ("3b:00.0", "3b:00.1", "5e:00.0", "5e:00.1")))
    assert (domain.name, domain.uuid, domain.cpus) == ("one", definition.uuid, 2)


def test_a_mediated_device_has_a_port_of_its_own_and_ports_are_left_for_more() -> None:
    uuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
    guest = replace(_define(card("3b:00")), vgpus=(uuid,), spare_ports=2)
    tree = _tree(guest)
    ports = tree.findall("./devices/controller[@model='pcie-root-port']")
    assert [port.get("index") for port in ports] == ["1", "2", "3", "4"]
    (device,) = tree.findall("./devices/hostdev[@type='mdev']")
    assert device.attrib == {"mode": "subsystem", "type": "mdev", "model": "vfio-pci", "display": "off"}
    address = device.find("./address")
    assert address is not None
    assert (address.get("bus"), address.get("slot")) == ("0x02", "0x00")
    assert parse_domain(render_domain(guest), DomainState.RUNNING).vgpus == (uuid,)


def test_the_first_mediated_device_is_the_display_where_a_screen_is_wanted() -> None:
    first, second = (f"{letter * 8}-509f-382f-3c1e-e6bfe0fa1001" for letter in "ab")
    for screen, servers in ((Screen.PIXELS, ["vnc"]), (Screen.TEXTURE, ["vnc", "egl-headless"])):
        tree = _tree(replace(_define(), vgpus=(first, second), screen=screen))
        shown = [device.get("display") for device in tree.findall("./devices/hostdev")]
        assert shown == ["on", "off"]
        assert [each.get("type") for each in tree.findall("./devices/graphics")] == servers
        listens = [each.get("address") for each in tree.findall("./devices/graphics/listen")]
        assert listens == ["127.0.0.1"]
    assert _tree(_define()).find("./devices/graphics") is None
