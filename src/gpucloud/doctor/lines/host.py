"""Lines for the host: boot arguments, modules, bindings, vGPUs."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.doctor.case import Case
from gpucloud.doctor.lines.make import Lines, Make, fixed, here
from gpucloud.doctor.options import kernel_arguments
from gpucloud.doctor.remedy import install, rebuild_initramfs, remove_boot_arguments, set_boot_arguments
from gpucloud.doctor.rules.iommu import maker, offs
from gpucloud.model.finding import Finding
from gpucloud.model.unknown import Unknown

_LOOK_AT_GROUPS = 'for d in /sys/kernel/iommu_groups/*/devices/*; do echo "$d"; done | sort -V'
_SERVICE = "nvidia-vgpud nvidia-vgpu-mgr"


def _unit(finding: Finding) -> str:
    return finding.units[0].short if finding.units else "ADDRESS"


def _function(finding: Finding) -> str:
    return str(finding.units[0]) if finding.units else "ADDRESS"


def _iommu_argument(case: Case, _finding: Finding) -> Lines:
    if maker(case) == "amd":
        # Words that the shown command line lacks cannot be taken from it.
        is_shown = not isinstance(case.host.kernel.arguments, Unknown)
        words = offs(case) if is_shown else ("amd_iommu=off", "iommu=off")
        return remove_boot_arguments(case.host.distribution, *words) if words else ()
    return set_boot_arguments(case.host.distribution, "intel_iommu=on", "iommu=pt")


def _by_address(_case: Case, finding: Finding) -> Lines:
    unit = _unit(finding)
    return (f"gpucloud plan --unit {unit}", f"gpucloud apply --unit {unit}")


def _without_override(case: Case, _finding: Finding) -> Lines:
    given = [one for one in kernel_arguments(case) if one.startswith("pcie_acs_override=")]
    return remove_boot_arguments(case.host.distribution, *(given or ["pcie_acs_override=VALUE"]))


def _address_width(case: Case, _finding: Finding) -> Lines:
    """Proxmox VE starts QEMU itself; its kernels say so (qm(1), ``cpu``: ``phys-bits``)."""
    release = case.host.kernel.release
    if isinstance(release, str) and release.endswith("-pve"):
        return ("qm set VMID --cpu host,phys-bits=39  # and take -cpu out of its args:, which would win",)
    return ("<maxphysaddr mode='emulate' bits='39'/>  <!-- in <cpu>, for libvirt -->",)


HOST: Mapping[str, Make] = {
    "iommu-missing-kernel-arg": _iommu_argument,
    "interrupt-remapping-missing": here(lambda d: remove_boot_arguments(d, "nointremap", "intremap=off")),
    "unsafe-interrupts": here(
        lambda d: (
            "grep -rn allow_unsafe_interrupts /etc/modprobe.d /etc/default/grub",
            *rebuild_initramfs(d),
        )
    ),
    "iommu-address-width": _address_width,
    "bar-allocation": here(lambda d: set_boot_arguments(d, "pci=realloc")),
    "kvm-unavailable": fixed(
        "grep -cE 'vmx|svm' /proc/cpuinfo", "modprobe kvm_intel || modprobe kvm_amd", "ls -l /dev/kvm"
    ),
    "companion-function-not-bound": _by_address,
    "group-not-viable": fixed("gpucloud doctor", _LOOK_AT_GROUPS),
    "acs-override": _without_override,
    "host-driver-grabbed-gpu": _by_address,
    "boot-framebuffer-holds-gpu": fixed(
        "echo 0 > /sys/class/vtconsole/vtcon1/bind",
        "echo efi-framebuffer.0 > /sys/bus/platform/drivers/efi-framebuffer/unbind",
        "echo simple-framebuffer.0 > /sys/bus/platform/drivers/simple-framebuffer/unbind",
    ),
    "vfio-ids-wrong": here(
        lambda d: (
            "lspci -nn | grep -E '\\[03|\\[12'",
            "options vfio-pci ids=VENDOR:DEVICE,VENDOR:DEVICE  # /etc/modprobe.d/vfio.conf",
            *rebuild_initramfs(d),
        )
    ),
    "bind-before-unbind": _by_address,
    "config-file-not-read": here(lambda d: (*set_boot_arguments(d, "ARGUMENTS"), *rebuild_initramfs(d))),
    "initramfs-not-updated": here(rebuild_initramfs),
    "wrong-kernel-module": here(
        lambda d: (*install(d, "kernel-modules"), "dkms autoinstall", *rebuild_initramfs(d))
    ),
    "gpu-in-use": lambda _case, finding: (
        f"gpucloud doctor --unit {_unit(finding)}",
        "fuser -v /dev/nvidia* /dev/dri/* /dev/vfio/*",
    ),
    "memlock-limit": fixed(
        "<memtune><hard_limit unit='GiB'>GUEST_MEMORY_PLUS_2</hard_limit></memtune>  <!-- libvirt -->",
        "ulimit -l unlimited  # by hand; a unit of systemd: LimitMEMLOCK=infinity",
    ),
    "host-memory-short": here(
        lambda d: (
            "grep -H . /sys/devices/system/node/node*/hugepages/hugepages-*/free_hugepages",
            *set_boot_arguments(d, "hugepagesz=1G", "hugepages=COUNT"),
        )
    ),
    "mac-denied": here(
        lambda d: (
            ("ausearch -m avc -ts recent | audit2allow -M gpucloud-local", "semodule -i gpucloud-local.pp")
            if d.family in ("rhel", "suse")
            else (
                "journalctl -k -g apparmor=.DENIED",
                "echo '  FILE r,' >> /etc/apparmor.d/local/abstractions/libvirt-qemu",
                "systemctl reload apparmor",
            )
        )
    ),
    "hostdev-check-misleading": fixed("modprobe vfio-pci", "ls -l /dev/vfio/vfio"),
    "secure-boot": fixed(
        "mokutil --sb-state", "mokutil --import KEY.der", "cat /sys/kernel/security/lockdown"
    ),
    "power-state-d3": lambda case, finding: (
        f"echo on > /sys/bus/pci/devices/{_function(finding)}/power/control",
        "echo 'options vfio-pci disable_idle_d3=1' > /etc/modprobe.d/vfio-d3.conf",
        *rebuild_initramfs(case.host.distribution),
    ),
    "vgpu-manager-not-loaded": here(
        lambda d: (
            "echo 'blacklist nouveau' > /etc/modprobe.d/nouveau.conf",
            *rebuild_initramfs(d),
            f"systemctl status {_SERVICE}",
        )
    ),
    "mdev-assumed": fixed(
        "/usr/lib/nvidia/sriov-manage -e ADDRESS",
        "cat /sys/bus/pci/devices/VF_ADDRESS/nvidia/creatable_vgpu_types",
        "echo TYPE > /sys/bus/pci/devices/VF_ADDRESS/nvidia/current_vgpu_type",
    ),
    "mdev-not-present": fixed("mdevctl list -d", "mdevctl start -u UUID", "mdevctl modify -u UUID --auto"),
    "vgpu-type-or-capacity": fixed("nvidia-smi vgpu -c", "nvidia-smi vgpu"),
    "sriov-vfs-not-enabled": lambda _case, finding: (
        f"/usr/lib/nvidia/sriov-manage -e {_function(finding)}",
        f"cat /sys/bus/pci/devices/{_function(finding)}/sriov_numvfs",
    ),
    "fabric-manager-missing": fixed(
        "systemctl enable --now nvidia-fabricmanager", "nvidia-smi -q | grep -A3 -i fabric"
    ),
}
