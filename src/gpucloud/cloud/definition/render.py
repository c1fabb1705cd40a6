"""A guest's definition as libvirt's XML. Pure: the same definition gives the same text.

Source of every element: libvirt 9.0 ``docs/formatdomain.rst``; what QEMU and OVMF make of the
address space: `gpucloud.cloud.definition.window`.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import assert_never

from gpucloud.cloud.definition.parts import (
    Accelerator,
    Boot,
    Definition,
    DiskBoot,
    Firmware,
    KernelBoot,
    Screen,
    UserNetwork,
)
from gpucloud.cloud.definition.record import in_namespace, render_record
from gpucloud.cloud.definition.slots import GuestSlot
from gpucloud.cloud.definition.window import OVMF_LARGEST_WINDOW_BYTES
from gpucloud.model.pci import PciAddress

QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"
AGENT_CHANNEL = "org.qemu.guest_agent.0"


def render_domain(guest: Definition) -> str:
    """Give the XML of a guest that is right for GPUs.

    q35; the host's processor and its address bits under KVM; every unit one multifunction device behind
    a root port of its own; no memory balloon, because passed-through devices pin all memory; no emulated
    display; a serial console whose whole output is also kept in a file.
    """
    domain = ET.Element("domain", type=guest.accelerator.value)
    _text(domain, "name", guest.name)
    _text(domain, "uuid", guest.uuid)
    ET.SubElement(domain, "metadata").append(in_namespace(render_record(guest.record)))
    _text(domain, "memory", str(guest.memory_mib), unit="MiB")
    _text(domain, "vcpu", str(guest.cpus), placement="static")
    _add_os(domain, guest.boot)
    features = ET.SubElement(domain, "features")
    ET.SubElement(features, "acpi")
    ET.SubElement(features, "apic")
    _add_cpu(domain, guest.accelerator)
    ET.SubElement(domain, "clock", offset="utc")
    # The check guest ends when its kernel panics and reboots; a disk may reboot as it likes.
    reboot = "destroy" if isinstance(guest.boot, KernelBoot) else "restart"
    for event, reaction in (("poweroff", "destroy"), ("reboot", reboot), ("crash", "destroy")):
        _text(domain, f"on_{event}", reaction)
    _add_devices(domain, guest)
    _add_command_line(domain, guest)
    ET.indent(domain)
    return ET.tostring(domain, encoding="unicode") + "\n"


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _add_command_line(domain: ET.Element, guest: Definition) -> None:
    """Give QEMU itself what libvirt has no element for, or has one for only since lately."""
    words = [*_address_bits(guest.accelerator), *_firmware_window(guest)]
    if not words:
        return
    ET.register_namespace("qemu", QEMU_NAMESPACE)
    line = ET.SubElement(domain, f"{{{QEMU_NAMESPACE}}}commandline")
    for word in words:
        ET.SubElement(line, f"{{{QEMU_NAMESPACE}}}arg", value=word)


def _address_bits(accelerator: Accelerator) -> tuple[str, ...]:
    """The host's address bits for the guest's processor, which BARs of large cards need.

    QEMU gives 40 by itself: before 6.0 always (its commit 5a140b255d), and still in some builds. This is
    what libvirt makes of ``<maxphysaddr mode='passthrough'/>``, which it knows only from 8.7 on (its commit
    1c1a7cdd40); Ubuntu 22.04 and RHEL 8 have 8.0. QEMU has the property since 2.7.
    """
    if accelerator is Accelerator.EMULATION:
        return ()
    return "-global", "host-x86_64-cpu.host-phys-bits=on"


def _firmware_window(guest: Definition) -> tuple[str, ...]:
    """Ask OVMF for a window that it might not make by itself.

    libvirt keeps this name from its own element for such settings ("That firmware name is reserved").
    """
    if guest.window.is_default or not _is_uefi(guest.boot):
        return ()
    mib = min(guest.window.size_bytes, OVMF_LARGEST_WINDOW_BYTES) >> 20
    return "-fw_cfg", f"name=opt/ovmf/X-PciMmio64Mb,string={mib}"


def _is_uefi(boot: Boot) -> bool:
    return isinstance(boot, DiskBoot) and boot.firmware is Firmware.UEFI


def _add_os(domain: ET.Element, boot: Boot) -> None:
    os = ET.SubElement(domain, "os")
    match boot:
        case KernelBoot(kernel, initramfs, arguments):
            _text(os, "type", "hvm", arch="x86_64", machine="q35")
            _text(os, "kernel", str(kernel))
            _text(os, "initrd", str(initramfs))
            _text(os, "cmdline", arguments)
        case DiskBoot(firmware=Firmware.UEFI, variables=variables):
            os.set("firmware", "efi")
            _text(os, "type", "hvm", arch="x86_64", machine="q35")
            firmware = ET.SubElement(os, "firmware")
            # Secure Boot refuses the unsigned modules that GPU drivers are.
            ET.SubElement(firmware, "feature", enabled="no", name="secure-boot")
            _text(os, "nvram", str(variables))
        case DiskBoot():
            _text(os, "type", "hvm", arch="x86_64", machine="q35")
        case _:
            assert_never(boot)


def _add_cpu(domain: ET.Element, accelerator: Accelerator) -> None:
    if accelerator is Accelerator.KVM:
        ET.SubElement(domain, "cpu", mode="host-passthrough", migratable="off")
    else:
        ET.SubElement(domain, "cpu", mode="maximum")


def _add_devices(domain: ET.Element, guest: Definition) -> None:
    devices = ET.SubElement(domain, "devices")
    _add_controllers(devices, guest)
    if isinstance(guest.boot, DiskBoot):
        _add_disks(devices, guest.boot)
    if guest.network is not None:
        _add_network(devices, guest.network)
    _add_console(devices, str(guest.console_log))
    if isinstance(guest.boot, DiskBoot):
        channel = ET.SubElement(devices, "channel", type="unix")
        ET.SubElement(channel, "target", type="virtio", name=AGENT_CHANNEL)
        rng = ET.SubElement(devices, "rng", model="virtio")
        _text(rng, "backend", "/dev/urandom", model="random")
    if guest.screen is not None:
        _add_screen(devices, guest.screen)
    video = ET.SubElement(devices, "video")
    ET.SubElement(video, "model", type="none")
    for bus, slot in enumerate(guest.slots, start=1):
        _add_slot(devices, bus, slot, runs_rom=isinstance(guest.boot, DiskBoot))
    for bus, vgpu in enumerate(guest.vgpus, start=len(guest.slots) + 1):
        device = mediated_device(vgpu, is_shown=guest.screen is not None and vgpu == guest.vgpus[0])
        ET.SubElement(device, "address", {"type": "pci", **_address(PciAddress(0, bus, 0, 0))})
        devices.append(device)
    ET.SubElement(devices, "memballoon", model="none")


def _add_controllers(devices: ET.Element, guest: Definition) -> None:
    ET.SubElement(devices, "controller", type="usb", model="none")
    root = ET.SubElement(devices, "controller", type="pci", index="0", model="pcie-root")
    if not guest.window.is_default:
        _text(root, "pcihole64", str(guest.window.size_bytes >> 10), unit="KiB")
    for index in range(1, guest.ports + 1):
        ET.SubElement(devices, "controller", type="pci", index=str(index), model="pcie-root-port")


def _add_disks(devices: ET.Element, boot: DiskBoot) -> None:
    disk = _disk(devices, str(boot.disk), "qcow2", "vda")
    # An explicit chain: nothing probes what a guest may have written to its disk.
    chain = disk if boot.backing is None else _add_backing(disk, str(boot.backing.path), boot.backing.format)
    ET.SubElement(chain, "backingStore")
    ET.SubElement(disk, "boot", order="1")
    seed = _disk(devices, str(boot.seed), "raw", "vdb")
    ET.SubElement(seed, "readonly")


def _disk(devices: ET.Element, path: str, kind: str, target: str) -> ET.Element:
    """Add a virtio disk: Debian's cloud kernels have no driver for a SATA CD-ROM (cloud-init 3897)."""
    disk = ET.SubElement(devices, "disk", type="file", device="disk")
    ET.SubElement(disk, "driver", name="qemu", type=kind)
    ET.SubElement(disk, "source", file=path)
    ET.SubElement(disk, "target", dev=target, bus="virtio")
    return disk


def _add_backing(disk: ET.Element, path: str, kind: str) -> ET.Element:
    chain = ET.SubElement(disk, "backingStore", type="file")
    ET.SubElement(chain, "format", type=kind)
    source = ET.SubElement(chain, "source", file=path)
    # libvirt would change the owner of a backing file and never give it back (security_dac.c).
    ET.SubElement(source, "seclabel", model="dac", relabel="no")
    return chain


def _add_network(devices: ET.Element, network: UserNetwork) -> None:
    interface = ET.SubElement(devices, "interface", type="user")
    if network is UserNetwork.PASST:
        ET.SubElement(interface, "backend", type="passt")
    ET.SubElement(interface, "model", type="virtio")


def _add_console(devices: ET.Element, log: str) -> None:
    serial = ET.SubElement(devices, "serial", type="pty")
    ET.SubElement(serial, "log", file=log, append="off")
    ET.SubElement(serial, "target", type="isa-serial", port="0")
    console = ET.SubElement(devices, "console", type="pty")
    ET.SubElement(console, "target", type="serial", port="0")


def _add_slot(devices: ET.Element, bus: int, slot: GuestSlot, *, runs_rom: bool) -> None:
    """Add all functions of a unit to the one slot behind a root port, function 0 first.

    The firmware runs the program in a card's ROM. A guest that only looks needs none of that: it takes
    time, and on some cards hangs.
    """
    for number, function in slot.functions:
        device = _hostdev(devices, function.address)
        if not runs_rom:
            ET.SubElement(device, "rom", bar="off")
        place = PciAddress(0, bus, 0, number)
        address = ET.SubElement(device, "address", {"type": "pci", **_address(place)})
        if number == 0 and len(slot.functions) > 1:
            address.set("multifunction", "on")


def virtual_function(address: PciAddress) -> ET.Element:
    """A virtual function without a place: libvirt finds one where it is plugged in. None has a ROM."""
    device = _hostdev(ET.Element("devices"), address)
    ET.SubElement(device, "rom", bar="off")
    return device


def _hostdev(devices: ET.Element, address: PciAddress) -> ET.Element:
    """Add a host function as it stands.

    ``managed='no'``: libvirt would give it back to its stock driver after the guest, and a prepared
    function stays with vfio-pci until `gpucloud undo`.
    """
    device = ET.SubElement(devices, "hostdev", mode="subsystem", type="pci", managed="no")
    ET.SubElement(device, "driver", name="vfio")
    source = ET.SubElement(device, "source")
    ET.SubElement(source, "address", _address(address))
    return device


def _add_screen(devices: ET.Element, screen: Screen) -> None:
    """Add a VNC server for this host alone, and for a texture what turns it into pixels."""
    graphics = ET.SubElement(devices, "graphics", type="vnc", autoport="yes")
    ET.SubElement(graphics, "listen", type="address", address="127.0.0.1")
    if screen is Screen.TEXTURE:
        ET.SubElement(devices, "graphics", type="egl-headless")


def mediated_device(uuid: str, *, is_shown: bool = False) -> ET.Element:
    """A mediated device that is made already, without a place: libvirt finds one where it is plugged in.

    libvirt makes and removes none (docs/formatdomain.rst, ``mdev``: ``managed`` has no meaning).
    """
    display = "on" if is_shown else "off"
    device = ET.Element("hostdev", mode="subsystem", type="mdev", model="vfio-pci", display=display)
    source = ET.SubElement(device, "source")
    ET.SubElement(source, "address", uuid=uuid)
    return device


def _address(address: PciAddress) -> dict[str, str]:
    return {
        # Up to 32 bits, as behind Intel VMD: libvirt's src/conf/schemas/basictypes.rng, pciDomain.
        "domain": f"0x{address.domain:04x}",
        "bus": f"0x{address.bus:02x}",
        "slot": f"0x{address.device:02x}",
        "function": f"0x{address.function:x}",
    }
