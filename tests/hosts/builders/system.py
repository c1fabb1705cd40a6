"""The part of a host that is no PCI function, the same for all built hosts unless said otherwise."""

from __future__ import annotations

from tests.host_tree import HostTree

MEM64 = 0x14220C
"""Flags of a 64-bit prefetchable memory BAR: include/linux/ioport.h."""
MEM32 = 0x40200
RELEASE = "6.8.0-55-generic"
_MODULES = (
    "vfio vfio_iommu_type1 kvm kvm_intel nvidia nvidia_drm nvidia_modeset nvidia_uvm"
    " snd_hda_intel xhci_hcd nvme"
)
_EMPTY = (
    *("boot/grub", "boot/loader", "boot/efi", "efi", "usr/lib"),
    *("etc/kernel", "etc/initramfs-tools/hooks", "etc/initramfs-tools/scripts/init-top"),
)
"""Folders in which other families have something; a capture without a manifest has to show them empty."""
_FLAGS = "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr vmx ept avx512f"


def add_system(
    tree: HostTree,
    *,
    arguments: str = "root=UUID=3e6be9de-8139-11d1-9106-a43f08d823a6 ro intel_iommu=on iommu=pt",
    vendor: str = "GenuineIntel",
    flags: str = _FLAGS,
    table: str = "DMAR",
    units: tuple[str, ...] = ("dmar0", "dmar1"),
    root_disk: str = "",
    route: str = "",
) -> None:
    """Write kernel, processor, firmware and distribution of an Ubuntu 24.04 server.

    Args:
        tree: where to write.
        arguments: the kernel's.
        vendor: of the processor.
        flags: of the processor.
        table: the ACPI table of the IOMMU.
        units: IOMMUs that the kernel drives.
        root_disk: path of the root's partition below /sys, from the devices' folder on.
        route: the same of the interface with the default route.
    """
    tree.write("proc/sys/kernel/osrelease", RELEASE)
    tree.write("proc/cmdline", arguments)
    processor = (
        f"vendor_id\t: {vendor}\nflags\t\t: {flags}\naddress sizes\t: 52 bits physical, 57 bits virtual\n"
    )
    tree.write("proc/cpuinfo", "\n".join(f"processor\t: {number}\n{processor}" for number in range(4)))
    tree.write(
        "proc/interrupts",
        "           CPU0\n  0:  42  IR-IO-APIC    2-edge  timer\n 90:  7  IR-PCI-MSI 1-edge  nvme0q0",
    )
    tree.write(
        "proc/iomem",
        "00000000-00000fff : Reserved\n00001000-0009ffff : System RAM\n  00100000-01000000 : Kernel code",
    )
    for module in _MODULES.split():
        tree.folder(f"sys/module/{module}")
    tree.folder(f"sys/firmware/acpi/tables/{table}")
    for unit in units:
        tree.folder(f"sys/class/iommu/{unit}")
    tree.write("sys/kernel/security/lockdown", "[none] integrity confidentiality")
    tree.write(
        "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", b"\x06\x00\x00\x00\x00"
    )
    tree.write("etc/os-release", 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"')
    tree.write("etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="intel_iommu=on"')
    tree.write("usr/share/initramfs-tools/init", "#!/bin/sh")
    for folder in _EMPTY:
        tree.folder(folder)
    tree.write(
        "etc/modprobe.d/blacklist-nouveau.conf", "# no nouveau\nblacklist nouveau\noptions nouveau modeset=0"
    )
    tree.write("etc/modules-load.d/vfio.conf", "vfio-pci")
    tree.write("sys/class/vtconsole/vtcon0/name", "(S) dummy device")
    tree.write("sys/class/vtconsole/vtcon0/bind", "1")
    tree.write("dev/kvm", b"")
    _add_modules(tree)
    _add_storage(tree, root_disk)
    _add_network(tree, route)


def _add_modules(tree: HostTree) -> None:
    folder = f"lib/modules/{RELEASE}"
    tree.write(f"{folder}/modules.dep", "\n".join(_paths()))
    tree.write(
        f"{folder}/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci-core.ko\nkernel/fs/ext4/ext4.ko"
    )
    tree.write(f"{folder}/modules.alias", "\n".join(_aliases()))


def _paths() -> list[str]:
    names = [
        "drivers/vfio/pci/vfio-pci",
        "drivers/gpu/drm/nouveau/nouveau",
        "drivers/gpu/drm/amd/amdgpu/amdgpu",
    ]
    names += [f"drivers/net/example/example{number}" for number in range(4000)]
    return [f"kernel/{name}.ko.zst: kernel/lib/crc32.ko.zst" for name in names]


def _aliases() -> list[str]:
    """As many as a distribution's kernel has: about 20 000 of PCI devices."""
    lines = ["# Aliases extracted from modules themselves."]
    for vendor in range(0x1000, 0x1000 + 64):
        lines += [
            f"alias pci:v0000{vendor:04X}d0000{device:04X}sv*sd*bc*sc*i* example{vendor & 63}"
            for device in range(0x4000, 0x4000 + 310)
        ]
    lines += [
        "alias pci:v000010DEd*sv*sd*bc03sc02i00* nvidia",
        "alias pci:v000010DEd*sv*sd*bc03sc00i00* nvidia",
        "alias pci:v000010DEd*sv*sd*bc03sc*i* nouveau",
        "alias pci:v00001002d000074A1sv*sd*bc*sc*i* amdgpu",
        "alias pci:v00001002d*sv*sd*bc03sc00i00* amdgpu",
        "alias pci:v00008086d000056A0sv*sd*bc03sc00i* i915",
        "alias pci:v*d*sv*sd*bc04sc03i00* snd_hda_intel",
        "alias pci:v*d*sv*sd*bc01sc08i02* nvme",
        "alias usb:v046DpC52B*dc*dsc*dp*ic03isc*ip*in* hid_logitech_dj",
    ]
    return lines


def _add_storage(tree: HostTree, partition: str) -> None:
    tree.write(
        "proc/self/mountinfo",
        "24 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n25 24 0:22 / /proc rw - proc proc rw",
    )
    tree.folder("sys/dev/block")
    if partition:
        tree.folder(f"sys/{partition}")
        tree.link("sys/dev/block/259:2", f"../../{partition}")
        tree.link(f"sys/class/block/{partition.rpartition('/')[2]}", f"../../{partition}")


def _add_network(tree: HostTree, interface: str) -> None:
    name = interface.rpartition("/")[2]
    heading = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT"
    row = f"{name}\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0"
    tree.write("proc/net/route", f"{heading}\n{row}" if interface else heading)
    nothing = "0" * 32
    tree.write("proc/net/ipv6_route", f"{nothing} 00 {nothing} 00 {nothing} ffffffff 1 0 00200200       lo")
    tree.write(
        "proc/net/fib_trie", "Main:\n  |-- 0.0.0.0\n     /0 universe UNICAST" if interface else "Main:"
    )
    if interface:
        tree.folder(f"sys/{interface}")
        tree.link(f"sys/class/net/{name}", f"../../{interface}")
