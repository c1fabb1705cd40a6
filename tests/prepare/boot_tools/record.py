"""Record what a real tool does to a host's files: its own program, chrooted into a tree of that family.

    python -m tests.prepare.boot_tools.record FAMILY NAME 'TOOL AND VERSION' PROGRAMS ARGV...

``PROGRAMS`` is a folder with the tool, and with a program in front of it where it looks for what this machine
lacks (disks by their ids, UEFI, rpm's order of versions); it comes first on the tool's PATH. Others that
it calls are this machine's. The record holds files and words only, nothing of the tool itself. Needs root.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.prepare.boot_hosts import ENTRY, FAMILIES, GRUB_DEBIAN, GRUB_RHEL
from tests.prepare.fake_host import picture

from gpucloud.model.boot import BootFiles
from gpucloud.model.change import Content, FileState
from gpucloud.prepare.boot.loaders import GrubDropIn
from gpucloud.prepare.boot.own.paths import GRUB_DROP_IN

RECORDS = Path(__file__).parent / "records"
_MACHINE_ID = "0123456789abcdef0123456789abcdef"
_UUID = "01234567-89ab-cdef-0123-456789abcdef"
_OWN = ("usr", "bin", "lib", "lib64", "sbin")
"""Of this machine, so that the tool finds its shell and the programs that it calls."""
_ENTER = """
root=$1 programs=$2; shift 2
for each in usr bin lib lib64 sbin; do
  mkdir -p "$root/$each" && mount --rbind "/$each" "$root/$each" || exit 99
done
mkdir -p "$root/opt/tool" "$root/proc" "$root/dev" "$root/sys" "$root/tmp"
mount --rbind "$programs" "$root/opt/tool" && mount --rbind /dev "$root/dev" || exit 99
mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" || exit 99
echo "root=UUID=1 ro quiet" >"$root/tmp/cmdline"
mount --bind "$root/tmp/cmdline" "$root/proc/cmdline" || exit 99
exec chroot "$root" /usr/bin/env -i PATH=/opt/tool:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp "$@"
"""


_ENTRIES = {
    f"boot/efi/{_MACHINE_ID}/6.12/linux": "a kernel\n",
    f"boot/efi/loader/entries/{_MACHINE_ID}-6.12.conf": ENTRY,
    "boot/efi/loader/entries/1-6.12.conf": None,
}
"""As ``bootctl install`` leaves them: the folder makes kernel-install write entries."""
_TOLD = {"etc/kernel/cmdline": "root=UUID=1 ro quiet intel_iommu=on iommu=pt\n"}
_WITHOUT_LOADER = _ENTRIES | _TOLD | {"boot/initrd.img-6.12": "an initramfs\n"}
_SETTINGS = {
    "kernel_options": ["quiet", "splash"],
    "esp_path": "/boot/efi",
    "setup_loader": True,
    "manage_mode": True,
    "force_update": False,
    "live_mode": False,
    "config_rev": 3,
}


def _stub(words: list[str]) -> str:
    user = {**_SETTINGS, "kernel_options": ["quiet", "splash", *words]}
    return json.dumps({"default": _SETTINGS, "user": user}, indent=2)


_POP = {
    "boot/vmlinuz-6.12.10-76061203-generic": "a kernel\n",
    "boot/initrd.img-6.12.10-76061203-generic": "an initramfs\n",
    "etc/os-release": 'NAME="Pop!_OS"\nID=pop\nID_LIKE="ubuntu debian"\nVERSION_ID="22.04"\n',
    "var/log/none": "",
}
_GRUB = BootFiles({"/etc/default/grub": FileState(Content(GRUB_DEBIAN))}, {"/etc/default/grub.d": ()})
_PROXMOX = {
    "boot/vmlinuz-6.8.12-4-pve": "a kernel\n",
    "boot/initrd.img-6.8.12-4-pve": "an initramfs\n",
    "boot/efi/EFI/proxmox/none": "",
    "boot/efi/loader/loader.conf": "timeout 3\n",
    "boot/efi/loader/entries/none": "",
    "etc/apt/apt.conf.d/none": "",
    "etc/kernel/postinst.d/none": "",
    "etc/kernel/proxmox-boot-manual-kernels": "6.8.12-4-pve\n",
    "var/tmp/none": "",
}
"""As ``proxmox-boot-tool init`` leaves them where the firmware starts systemd-boot."""
_WORDS = {"etc/default/grub": GRUB_RHEL.replace("quiet", "quiet intel_iommu=on iommu=pt")}
_TWO_LINES = "root=ZFS=rpool/ROOT/pve-1 boot=zfs intel_iommu=on\niommu=pt\n"
MORE: Mapping[str, Mapping[str, str | None]] = {
    "kernel-install": _ENTRIES | _TOLD,
    "kernel-install-comment": _ENTRIES
    | {"etc/kernel/cmdline": "# root=/dev/sda1\nroot=UUID=1 ro intel_iommu=on iommu=pt\nquiet\n"},
    "proxmox-boot-tool": _PROXMOX | {"etc/kernel/cmdline": _TWO_LINES},
    "proxmox-boot-tool-comment": _PROXMOX | {"etc/kernel/cmdline": f"# mine\n{_TWO_LINES}"},
    "grub2-mkconfig-rhel-7": _WORDS,
    "grub2-mkconfig-rhel-8": _WORDS,
    "grub2-mkconfig-rhel-9": _WORDS,
    "grub2-mkconfig-rhel-10": _WORDS,
    "grub2-mkconfig-suse": {
        "etc/default/grub": "GRUB_CMDLINE_LINUX_DEFAULT="
        "'splash=silent mitigations=off intel_iommu=on iommu=pt'  # YaST\n"
    },
    "kernel-install-rhel-9": _TOLD,
    "systemd-boot-hook": _WITHOUT_LOADER
    | {"boot/efi/EFI/systemd/systemd-bootx64.efi": "#### LoaderInfo: systemd-boot 252 ####"},
    "systemd-boot-hook-without": _WITHOUT_LOADER,
    "proxmox-boot-tool-grub": _PROXMOX
    | {
        "boot/efi/grub/none": "",
        GRUB_DROP_IN.lstrip("/"): GrubDropIn().add(_GRUB, ["intel_iommu=on", "iommu=pt"])[GRUB_DROP_IN],
        "etc/grub.d/none": "",
        "etc/kernel/cmdline": None,
    },
    "pbl-sles-15": {"etc/sysconfig/bootloader": 'LOADER_TYPE="grub2"\n'},
    "kernelstub-add": _POP | {"etc/kernelstub/configuration": _stub([])},
    "kernelstub-run": _POP | {"etc/kernelstub/configuration": _stub(["intel_iommu=on", "iommu=pt"])},
}
"""What a record's host has besides its family's files; None: has not."""


def record(
    family: str, programs: Path, argv: Sequence[str], more: Mapping[str, str | None]
) -> dict[str, object]:
    """What the command leaves: ``before`` and ``after`` by path, without files that did not change."""
    with tempfile.TemporaryDirectory() as folder, _disks(Path(folder)) as images:
        root = Path(folder)
        texts = {path: text for path, text in FAMILIES[family].items() if not path.startswith(_OWN)}
        _write(root, {**texts, "etc/machine-id": f"{_MACHINE_ID}\n", **more})
        before = _texts(root)
        command = ["unshare", "-m", "sh", "-c", _ENTER, "sh", folder, str(programs), *argv]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        after = {path: text.replace(images, "/disks") for path, text in _texts(root).items()}
    return {
        "family": family,
        "argv": list(argv),
        "code": done.returncode,
        "stdout": done.stdout,
        "stderr": done.stderr.replace(images, "/disks"),
        "before": before,
        "after": {
            path: after.get(path) for path in sorted({*before, *after}) if before.get(path) != after.get(path)
        },
    }


@contextmanager
def _disks(root: Path) -> Iterator[str]:
    """File systems of their own for the root and the EFI system partition, as kernelstub looks for them."""
    with tempfile.TemporaryDirectory() as images:
        places = (root, root / "boot/efi")
        try:
            for number, place in enumerate(places):
                image = f"{images}/{number}"
                place.mkdir(parents=True, exist_ok=True)
                _run("truncate", "-s", "16M", image)
                _run("mke2fs", "-q", "-t", "ext4", "-U", _UUID, image)
                _run("mount", "-o", "loop", image, str(place))
                (place / "lost+found").rmdir()
            yield images
        finally:
            for place in reversed(places):
                subprocess.run(["umount", str(place)], check=False, capture_output=True)


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def _write(root: Path, texts: Mapping[str, str | None]) -> None:
    for path, text in texts.items():
        if text is None:
            continue
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def _texts(root: Path) -> dict[str, str]:
    kept = (name for name in ("etc", "boot", "efi") if (root / name).is_dir())
    return {f"{name}/{path}": text for name in kept for path, text in picture(root / name).items()}


if __name__ == "__main__":
    family, name, tool, programs, *argv = sys.argv[1:]
    found = record(family, Path(programs).resolve(), argv, MORE.get(name, {}))
    RECORDS.mkdir(exist_ok=True)
    (RECORDS / f"{name}.json").write_text(
        json.dumps({"tool": tool, **found}, indent=1, sort_keys=True) + "\n"
    )
    sys.stdout.write(f"{name}: code {found['code']}\n")
