"""Reasons of the next start: how it comes about is not known, or somebody wants it otherwise."""

from __future__ import annotations

from gpucloud.doctor.causes import Cause

_SHOWN = ("`gpucloud plan --spec gpucloud.yaml` names it",)
_AS_ROOT = (
    "Run the same command as root",
    "Of a captured host: make a new capture as root, sudo gpucloud capture",
)
_BY_HAND = (
    "Do by hand what a plan for a known family would do: docs/reference/boot.md lists files and tools",
    "Tell the family's files and tools to whoever keeps gpucloud: a family is a row of a table",
)


def _start(
    id_: str, title: str, what: str, fix: tuple[str, ...], source: str, costs: str = "nothing"
) -> Cause:
    return Cause(id_, title, what, _SHOWN, fix, costs, (source,))


START = (
    _start(
        "boot-loader-unknown",
        "How this host starts is not known",
        "Kernel arguments stand in other files in every family of distributions. Nothing is written on a "
        "guess: a host that does not come back is worse than one that is not ready.",
        _BY_HAND,
        "os-release(5); uapi-group.org/specifications/specs/boot_loader_specification",
    ),
    _start(
        "initramfs-unknown",
        "How the initramfs of this host is made is not known",
        "Cards are given away before the host's drivers are loaded, by a script in the initramfs. How it "
        "gets there differs: initramfs-tools and dracut are known.",
        _BY_HAND,
        "initramfs-tools(7), dracut.modules(7)",
    ),
    _start(
        "processor-unknown",
        "Whose processor it is could not be read",
        "The IOMMUs of Intel and AMD are switched on by different means.",
        _AS_ROOT,
        "Linux Documentation/admin-guide/kernel-parameters.txt: intel_iommu, iommu",
    ),
    _start(
        "arguments-unknown",
        "Which arguments the kernel gets at the next start could not be read",
        "What the administrator has set is kept and never said twice, so it has to be known first.",
        (
            *_AS_ROOT,
            "Where a line of GRUB's defaults is named: say plainly what `if` or a command says there",
            "With unified kernel images: add the arguments where they are built",
        ),
        "bootparam(7), kernel-install(8), grub-mkconfig(8)",
    ),
    _start(
        "boot-files-unknown",
        "A file that gpucloud may have written could not be read",
        "What is there has to be known before it is replaced or removed, so that it can be brought back.",
        _AS_ROOT,
        "gpucloud: prepare/boot/own/paths.py lists its own files",
    ),
    _start(
        "vfio-blocked",
        "The administrator keeps VFIO's modules from being loaded",
        "A line `install vfio-pci /bin/false` of modprobe's configuration, or module_blacklist= among the "
        "kernel's arguments, keeps vfio-pci, or a module that it needs, from ever being loaded. Hardening "
        "guides set such lines. `blacklist vfio-pci` is none: it concerns only what is loaded for a device.",
        ("Take the line out that is named, then plan again: gpucloud plan",),
        "modprobe.d(5): install, blacklist; Linux kernel/module/main.c: blacklisted",
    ),
    _start(
        "file-has-links",
        "A file that would be written lies under several names",
        "A file is replaced by a new one in one step, so that a crash leaves the old or the new. The further "
        "names of a file with hard links would keep the old content, and undo could not join them again.",
        (
            "Find them: find / -xdev -samefile FILE",
            "Give it a file of its own, then plan again: cp -a FILE FILE.own && mv FILE.own FILE",
        ),
        "rename(2), link(2)",
    ),
    _start(
        "file-immutable",
        "A file that would be written is immutable",
        "Somebody has told the file system to let nobody replace it, or to let it only be added to.",
        ("If that is not meant for this: chattr -i -a FILE, then plan again",),
        "chattr(1), ioctl_iflags(2)",
    ),
    _start(
        "iommu-switched-off",
        "The administrator has switched the IOMMU off",
        "An argument such as intel_iommu=off stands in the host's own configuration. Somebody had a reason; "
        "nothing is switched on behind their back.",
        ("Take the argument out of the file that is named, then plan again",),
        "Linux Documentation/admin-guide/kernel-parameters.txt: intel_iommu, amd_iommu, iommu",
        "one reboot of the host; its guests stop for that time",
    ),
    _start(
        "interrupt-remapping-off",
        "The administrator has switched interrupt remapping off",
        "With nointremap or intremap=off among the kernel's arguments a guest could send the host any "
        "interrupt by its card, so VFIO refuses every card.",
        (
            "Take the argument out of the file that is named, then plan again",
            "With one tenant: options vfio_iommu_type1 allow_unsafe_interrupts=1 in /etc/modprobe.d",
        ),
        "Linux drivers/iommu/irq_remapping.c: setup_irqremap; drivers/vfio/vfio_iommu_type1.c",
        "one reboot of the host; its guests stop for that time",
    ),
    _start(
        "system-read-only",
        "The system's own files are not to be written",
        "The system is an image (Fedora CoreOS and others of ostree's kin), a transactional one (openSUSE "
        "MicroOS), or a file system is mounted read-only. What is written there would be refused, or lost "
        "with the next image.",
        (
            "Give the image what a plan for a known family writes: docs/reference/boot.md lists it",
            "Where it is only mounted so: mount -o remount,rw, then plan again",
        ),
        "ostree-prepare-root(1), transactional-update(8), proc_pid_mountinfo(5)",
    ),
    _start(
        "boot-not-mounted",
        "There is no kernel in /boot",
        "Boot menu and initramfs are made there. Where /boot is a file system of its own that is not "
        "mounted, they would be made below its mount point, and no start would see them.",
        ("Mount it, then plan again: mount /boot",),
        "update-grub(8), update-initramfs(8), dracut(8)",
    ),
    _start(
        "entry-edited",
        "A boot entry was edited that a tool makes anew",
        "Debian's hook for systemd-boot writes every entry anew whenever an initramfs is made, of "
        "/etc/kernel/cmdline. What an entry says beside that would be lost, and not come back with undo.",
        ("Say in /etc/kernel/cmdline what the entries say, then plan again",),
        "Debian's systemd-boot: /etc/initramfs/post-update.d/systemd-boot; kernel-install(8)",
    ),
    _start(
        "entries-not-made",
        "Nothing makes the boot entries anew",
        "Where systemd-boot starts Debian, a hook of update-initramfs makes the entries of "
        "/etc/kernel/cmdline. Without it that file would be changed, and the next start told nothing of it. "
        "Where systemd-boot starts Proxmox VE and that file is not there, the running kernel's arguments are "
        "taken, and none that a plan adds.",
        (
            "Install it, then plan again: apt install systemd-boot",
            "On Proxmox VE write the file with the line that the refusal names, then plan again",
        ),
        "Debian's systemd-boot: /etc/initramfs/post-update.d/systemd-boot; update-initramfs(8); "
        "Proxmox VE's zz-proxmox-boot",
    ),
    _start(
        "arguments-too-long",
        "The kernel's arguments would be longer than the kernel takes",
        "What goes beyond 2,047 characters is cut off without a word: the last ones, which are gpucloud's.",
        ("Take arguments out that are no longer needed, then plan again",),
        "Linux arch/x86/include/asm/setup.h: COMMAND_LINE_SIZE",
    ),
    _start(
        "id-unknown",
        "What is at the address could not be read",
        "At every start a card is known again by its address and its ids: a card that was moved must not "
        "cost the host another device.",
        _AS_ROOT,
        "Linux Documentation/ABI/testing/sysfs-bus-pci: vendor, device",
    ),
)
