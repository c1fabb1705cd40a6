"""Hosts of every family as trees: what their installers leave, and stand-ins for their tools."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.prepare.fake_host import BMC, Function, build, card, host_of, picture
from tests.prepare.fake_kernel import FakeKernel

from gpucloud.inventory.live import LiveReader
from gpucloud.model.plan import Plan
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot import plan_boot, read_boot_files
from gpucloud.prepare.reach.tree import Tree
from gpucloud.spec import parse_spec

INTEL = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: vmx\n"
AMD = INTEL.replace("GenuineIntel", "AuthenticAMD").replace("vmx", "svm")
SPEC = """\
pools:
  a100:
    use: passthrough
    match: {address: '3b:00.0'}
"""
CARDS = (*card(0x3B, 11), *card(0x3C, 12), BMC)
ENTRY = "title Linux\nlinux /vmlinuz-5.14\ninitrd /initramfs-5.14.img\noptions root=UUID=1 ro quiet\n"
GRUB_DEBIAN = (
    "GRUB_DEFAULT=0\nGRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`\n"
    'GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\nGRUB_CMDLINE_LINUX=""\n'
)
GRUB_RHEL = 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="crashkernel=auto rhgb quiet"\nGRUB_ENABLE_BLSCFG=true\n'
INITRAMFS_TOOLS = {"usr/share/initramfs-tools/init": "#!/bin/sh\n", "etc/initramfs-tools/modules": "# none\n"}
DRACUT = {"usr/lib/dracut/dracut-functions.sh": "# functions\n", "etc/dracut.conf": "# empty\n"}
KERNELOPTS = "# GRUB Environment Block\nsaved_entry=a\nkernelopts=root=/dev/mapper/rl-root ro quiet\n"
RELEASE = "6.1.0-42-amd64"
CMDLINE = f"BOOT_IMAGE=/boot/vmlinuz-{RELEASE} root=UUID=1 ro quiet\n"
PROGRAMS = (
    "update-initramfs",
    "update-grub",
    "dracut",
    "grub2-mkconfig",
    "kernelstub",
    "proxmox-boot-tool",
)
BLOCK = "# GRUB Environment Block\n".ljust(1024, "#")


def grub(folder: str, initramfs: str) -> Mapping[str, str]:
    """What GRUB and the running kernel have in /boot."""
    return {
        f"{folder}/grub.cfg": "source $prefix/custom.cfg\n",
        f"{folder}/grubenv": BLOCK,
        "etc/grub.d/41_custom": "#!/bin/sh\n",
        f"boot/vmlinuz-{RELEASE}": "a kernel\n",
        f"boot/{initramfs}": "the initramfs of before\n",
    }


DEBIANS_GRUB = grub("boot/grub", f"initrd.img-{RELEASE}")
RED_HATS_GRUB = grub("boot/grub2", f"initramfs-{RELEASE}.img")
KERNELSTUB = {
    "default": {"kernel_options": ["quiet"], "config_rev": 4},
    "user": {"kernel_options": ["quiet", "splash"], "esp_path": "/boot/efi", "config_rev": 4},
}

FAMILIES: Mapping[str, Mapping[str, str]] = {
    "debian-12": {
        "etc/os-release": "ID=debian\nVERSION_ID=12\n",
        "etc/default/grub": GRUB_DEBIAN,
        **DEBIANS_GRUB,
        **INITRAMFS_TOOLS,
    },
    "ubuntu-24.04-cloud": {
        "etc/os-release": "ID=ubuntu\nID_LIKE='debian'\nVERSION_ID=24.04\n",
        "etc/default/grub": GRUB_DEBIAN,
        "etc/default/grub.d/50-cloudimg-settings.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0"\n',
        **DEBIANS_GRUB,
        **INITRAMFS_TOOLS,
    },
    "debian-dracut": {
        "etc/os-release": "ID=debian\nVERSION_ID=13\n",
        "etc/default/grub": GRUB_DEBIAN,
        **DEBIANS_GRUB,
        **DRACUT,
    },
    "debian-systemd-boot": {
        "etc/os-release": "ID=debian\nVERSION_ID=13\n",
        "boot/efi/loader/loader.conf": "timeout 3\n",
        "boot/efi/loader/entries/1-6.12.conf": ENTRY,
        "boot/vmlinuz-6.12": "a kernel\n",
        "etc/kernel/cmdline": "root=UUID=1 ro quiet\n",
        "etc/initramfs/post-update.d/systemd-boot": "#!/bin/sh\n",
        **INITRAMFS_TOOLS,
    },
    "pop-22.04": {
        "etc/os-release": "ID=pop\nID_LIKE='ubuntu debian'\nVERSION_ID=22.04\n",
        "etc/kernelstub/configuration": json.dumps(KERNELSTUB, indent=2),
        "boot/efi/loader/loader.conf": "timeout 3\n",
        **INITRAMFS_TOOLS,
    },
    "proxmox-8": {
        "etc/os-release": "ID=debian\nVERSION_ID=12\n",
        "etc/default/grub": GRUB_DEBIAN,
        "etc/kernel/proxmox-boot-uuids": "4242-4242\n",
        "etc/kernel/cmdline": "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n",
        **INITRAMFS_TOOLS,
    },
    "centos-7": {
        "etc/os-release": "ID=centos\nID_LIKE='rhel fedora'\nVERSION_ID=7\n",
        "etc/default/grub": 'GRUB_CMDLINE_LINUX="crashkernel=auto rhgb quiet"\n',
        **RED_HATS_GRUB,
        **DRACUT,
    },
    "centos-7-uefi": {
        "etc/os-release": "ID=centos\nID_LIKE='rhel fedora'\nVERSION_ID=7\n",
        "etc/default/grub": 'GRUB_CMDLINE_LINUX="crashkernel=auto rhgb quiet"\n',
        "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c": "\6\0\0\0\0",
        **DRACUT,
    },
    "rocky-8": {
        "etc/os-release": "ID=rocky\nID_LIKE='rhel centos fedora'\nVERSION_ID=8.10\n",
        "etc/default/grub": GRUB_RHEL,
        "boot/loader/entries/a-4.18.conf": ENTRY.replace("root=UUID=1 ro quiet", "$kernelopts $tuned_params"),
        **RED_HATS_GRUB,
        "boot/grub2/grubenv": KERNELOPTS.ljust(1024, "#"),
        **DRACUT,
    },
    "alma-9": {
        "etc/os-release": "ID=almalinux\nID_LIKE='rhel centos fedora'\nVERSION_ID=9.4\n",
        "etc/default/grub": GRUB_RHEL,
        "etc/kernel/cmdline": "root=UUID=1 ro quiet\n",
        "boot/loader/entries/a-5.14.conf": ENTRY,
        "boot/loader/entries/a-0-rescue.conf": ENTRY,
        **RED_HATS_GRUB,
        **DRACUT,
    },
    "fedora-41": {
        "etc/os-release": "ID=fedora\nVERSION_ID=41\n",
        "etc/default/grub": GRUB_RHEL,
        "boot/loader/entries/a-6.11.conf": ENTRY,
        **RED_HATS_GRUB,
        **DRACUT,
    },
    "sles-15": {
        "etc/os-release": "ID=sles\nID_LIKE='suse'\nVERSION_ID=15.6\n",
        "etc/default/grub": "GRUB_CMDLINE_LINUX_DEFAULT='splash=silent mitigations=off'  # YaST\n",
        **grub("boot/grub2", f"initrd-{RELEASE}"),
        **DRACUT,
    },
}


@dataclass
class Tools:
    """Stand-ins: each makes one file of all that a tool reads, beside its place, then renamed.

    What the real ones make of the files is recorded (``boot_tools``).
    """

    root: Path
    runs: list[str]

    def __call__(self, argv: Sequence[str]) -> None:
        self.runs.append(argv[0])
        if argv[0] != "systemctl":
            self.make(argv[0])

    def make(self, program: str) -> None:
        texts = {
            f"{folder}/{name}": text
            for folder in ("etc", "usr/lib/dracut")
            if (self.root / folder).is_dir()
            for name, text in picture(self.root / folder).items()
            if "gpucloud-new" not in name
        }
        made = self.root / f"boot/made-by-{program}.new"
        made.parent.mkdir(exist_ok=True)
        made.write_text(repr(sorted(texts.items())))
        made.rename(made.with_suffix(""))
        if program == "update-initramfs":
            self._make_entries()

    def _make_entries(self) -> None:
        """As Debian's hook for systemd-boot lets kernel-install do: 90-loaderentry.install."""
        line, told = self.root / "etc/kernel/cmdline", self.root / "proc/cmdline"
        words = (line if line.exists() else told).read_text().split()
        for entry in self.root.glob("boot/efi/loader/entries/1-6.12.conf"):
            before, _, _ = entry.read_text().partition("options")
            entry.write_text(f"{before}options    {' '.join(words)} systemd.machine_id=1\n")


def build_family(
    root: Path, name: str, *, processor: str = INTEL, functions: Sequence[Function] = CARDS
) -> FakeKernel:
    """A host of a family, with two equal cards and the server's own screen."""
    kernel = build(root, functions)
    own = {"proc/cpuinfo": processor, "proc/cmdline": CMDLINE, "usr/local/bin/gpucloud": "#!/bin/sh\n"}
    own[f"boot/vmlinuz-{RELEASE}"] = "a kernel\n"
    own |= {f"usr/sbin/{program}": "#!/bin/sh\n" for program in PROGRAMS}
    for path, text in {**FAMILIES[name], **own}.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    _add_drivers(root)
    (root / "etc/modprobe.d").mkdir(parents=True, exist_ok=True)
    (root / "boot").mkdir(exist_ok=True)
    kernel.tools = Tools(root, [])
    return kernel


def plan_for(
    kernel: FakeKernel, spec: str = SPEC, *, force: bool = False, name: str | Unknown = "gpu01"
) -> Plan:
    """The plan for a host's next start, read as on a live host."""
    files = read_boot_files(LiveReader(kernel.root), Tree(kernel.root).look)
    return plan_boot(host_of(kernel), files, parse_spec(spec), name, force=force)


def _add_drivers(root: Path) -> None:
    """Modules that state which devices they serve."""
    folder = root / "lib/modules/6.1.0-42-amd64"
    (folder / "modules.alias").write_text(
        "alias pci:v000010DEd*sv*sd*bc03sc*i* nvidia\n"
        "alias pci:v000010DEd*sv*sd*bc03sc*i* nouveau\n"
        "alias pci:v*d*sv*sd*bc04sc03i00* snd_hda_intel\n"
    )
    for device in (root / "sys/bus/pci/devices").iterdir():
        vendor, number, code = (
            (device / name).read_text().strip()[2:].upper() for name in ("vendor", "device", "class")
        )
        (device / "modalias").write_text(
            f"pci:v0000{vendor}d0000{number}sv00000000sd00000000bc{code[:2]}sc{code[2:4]}i{code[4:]}\n"
        )
