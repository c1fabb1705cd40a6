"""The exact lines that mend a cause, for the system at hand, where a rule has none of its own.

What cannot be a line (a switch in the firmware setup, another slot) stays a sentence. A word in capitals is
for the reader to fill in. Sources are those of the causes; package names are those of the distributions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from gpucloud.doctor.case import Case
from gpucloud.doctor.intent import cards
from gpucloud.doctor.options import kernel_arguments
from gpucloud.doctor.remedy import (
    install,
    rebuild_initramfs,
    remove_boot_arguments,
    restart_nova,
    set_boot_arguments,
)
from gpucloud.model.finding import Finding
from gpucloud.model.host import Distribution
from gpucloud.model.pci import PciId

Lines = tuple[str, ...]
_Make = Callable[[Case, Finding], Lines]


def with_lines(case: Case, finding: Finding) -> Finding:
    """The finding, whose fix has the lines for its cause where the rule gave none."""
    make = _LINES.get(finding.cause)
    if finding.fix.commands or make is None:
        return finding
    return replace(finding, fix=replace(finding.fix, commands=make(case, finding)))


def _fixed(*lines: str) -> _Make:
    return lambda _case, _finding: lines


def _here(make: Callable[[Distribution], Lines]) -> _Make:
    return lambda case, _finding: make(case.host.distribution)


def _nova(*lines: str) -> _Make:
    return lambda case, _finding: _in_nova(case, *lines)


def _in_nova(case: Case, *lines: str) -> Lines:
    is_kolla = _is_kolla(case)
    place = "/etc/kolla/config/nova.conf" if is_kolla else "/etc/nova/nova.conf"
    return (f"# in {place}", *lines, *restart_nova(case.host.distribution, is_kolla=is_kolla))


def _is_kolla(case: Case) -> bool:
    told = "" if case.paper is None else case.paper.about("deploy", "openstack", "os", "kolla")
    return "kolla" in told or "kolla" in case.host.source


def _unit(finding: Finding) -> str:
    return finding.units[0].short if finding.units else "ADDRESS"


def _function(finding: Finding) -> str:
    return str(finding.units[0]) if finding.units else "ADDRESS"


def _iommu_argument(case: Case, _finding: Finding) -> Lines:
    if case.host.cpu.vendor == "amd":
        return remove_boot_arguments(case.host.distribution, "amd_iommu=off", "iommu=off")
    return set_boot_arguments(case.host.distribution, "intel_iommu=on", "iommu=pt")


def _by_address(_case: Case, finding: Finding) -> Lines:
    unit = _unit(finding)
    return (f"gpucloud plan --unit {unit}", f"gpucloud apply --unit {unit}")


def _without_override(case: Case, _finding: Finding) -> Lines:
    given = [one for one in kernel_arguments(case) if one.startswith("pcie_acs_override=")]
    return remove_boot_arguments(case.host.distribution, *(given or ["pcie_acs_override=VALUE"]))


def _filters(case: Case, finding: Finding) -> Lines:
    """The list of the report with the filter added; that of nova's defaults where it shows none."""
    written = (line.text.partition("=")[2].strip() for line in finding.evidence if "filters" in line.text)
    filters = next((text for text in written if text), _DEFAULT_FILTERS)
    return _in_nova(case, "[filter_scheduler]", f"enabled_filters = {filters},PciPassthroughFilter")


def _device_spec(case: Case, _finding: Finding) -> Lines:
    specs = (
        f'device_spec = {{ "vendor_id": "{vendor}", "product_id": "{product}" }}'
        for vendor, product in _products(case)
    )
    return (*_look_up(case), *_in_nova(case, "[pci]", *specs))


def _products(case: Case) -> list[tuple[str, str]]:
    """Vendor and product of the report's cards; words to fill in where it shows none."""
    idents = {unit.primary.id for unit in cards(case) if isinstance(unit.primary.id, PciId)}
    pairs = [(f"{one.vendor:04x}", f"{one.device:04x}") for one in sorted(idents)[:_FEW]]
    return pairs or [("VENDOR", "PRODUCT")]


def _look_up(case: Case) -> Lines:
    has_ids = any(isinstance(unit.primary.id, PciId) for unit in cards(case))
    return () if has_ids else (r"lspci -nn | grep -E '\[03|\[12'  # the last brackets: vendor:product",)


def _alias(case: Case, finding: Finding) -> Lines:
    """The alias of the report, as it has to be; an example where none can be read."""
    asked = re.search(r"as (type-(?:PF|VF|PCI))", finding.title)
    for line in finding.evidence:
        alias = _object(line.text.partition("=")[2]) if "alias" in line.text else None
        if alias is not None and asked is not None:
            return _in_nova(case, "[pci]", f"alias = {json.dumps({**alias, 'device_type': asked[1]})}")
    examples = (
        f'alias = {{ "name": "NAME", "vendor_id": "{vendor}", "product_id": "{product}", '
        '"device_type": "type-PF" }'
        for vendor, product in _products(case)
    )
    note = "# type-PF where lspci -v shows SR-IOV, type-VF for a virtual function, else type-PCI"
    return (*_look_up(case), *_in_nova(case, "[pci]", *examples, note))


def _object(text: str) -> dict[str, object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


_DEFAULT_FILTERS = (
    "ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,"
    "ServerGroupAffinityFilter"
)
"""Source: nova/conf/scheduler.py, since 24."""
_FEW = 4
_LOOK_AT_GROUPS = 'for d in /sys/kernel/iommu_groups/*/devices/*; do echo "$d"; done | sort -V'
_SERVICE = "nvidia-vgpud nvidia-vgpu-mgr"
_LINES: Mapping[str, _Make] = {
    "iommu-missing-kernel-arg": _iommu_argument,
    "interrupt-remapping-missing": _here(lambda d: remove_boot_arguments(d, "nointremap", "intremap=off")),
    "unsafe-interrupts": _here(
        lambda d: (
            "grep -rn allow_unsafe_interrupts /etc/modprobe.d /etc/default/grub",
            *rebuild_initramfs(d),
        )
    ),
    "iommu-address-width": _fixed("<maxphysaddr mode='emulate' bits='39'/>  <!-- in <cpu>, for libvirt -->"),
    "bar-allocation": _here(lambda d: set_boot_arguments(d, "pci=realloc")),
    "kvm-unavailable": _fixed(
        "grep -cE 'vmx|svm' /proc/cpuinfo", "modprobe kvm_intel || modprobe kvm_amd", "ls -l /dev/kvm"
    ),
    "companion-function-not-bound": _by_address,
    "group-not-viable": _fixed("gpucloud doctor", _LOOK_AT_GROUPS),
    "acs-override": _without_override,
    "host-driver-grabbed-gpu": _by_address,
    "boot-framebuffer-holds-gpu": _fixed(
        "echo 0 > /sys/class/vtconsole/vtcon1/bind",
        "echo efi-framebuffer.0 > /sys/bus/platform/drivers/efi-framebuffer/unbind",
        "echo simple-framebuffer.0 > /sys/bus/platform/drivers/simple-framebuffer/unbind",
    ),
    "vfio-ids-wrong": _here(
        lambda d: (
            "lspci -nn | grep -E '\\[03|\\[12'",
            "options vfio-pci ids=VENDOR:DEVICE,VENDOR:DEVICE  # /etc/modprobe.d/vfio.conf",
            *rebuild_initramfs(d),
        )
    ),
    "bind-before-unbind": _by_address,
    "config-file-not-read": _here(lambda d: (*set_boot_arguments(d, "ARGUMENTS"), *rebuild_initramfs(d))),
    "initramfs-not-updated": _here(rebuild_initramfs),
    "wrong-kernel-module": _here(
        lambda d: (*install(d, "kernel-modules"), "dkms autoinstall", *rebuild_initramfs(d))
    ),
    "gpu-in-use": lambda _case, finding: (
        f"gpucloud doctor --unit {_unit(finding)}",
        "fuser -v /dev/nvidia* /dev/dri/* /dev/vfio/*",
    ),
    "memlock-limit": _fixed(
        "<memtune><hard_limit unit='GiB'>GUEST_MEMORY_PLUS_2</hard_limit></memtune>  <!-- libvirt -->",
        "ulimit -l unlimited  # by hand; a unit of systemd: LimitMEMLOCK=infinity",
    ),
    "host-memory-short": _here(
        lambda d: (
            "grep -H . /sys/devices/system/node/node*/hugepages/hugepages-*/free_hugepages",
            *set_boot_arguments(d, "hugepagesz=1G", "hugepages=COUNT"),
        )
    ),
    "mac-denied": _here(
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
    "hostdev-check-misleading": _fixed("modprobe vfio-pci", "ls -l /dev/vfio/vfio"),
    "secure-boot": _fixed(
        "mokutil --sb-state", "mokutil --import KEY.der", "cat /sys/kernel/security/lockdown"
    ),
    "power-state-d3": lambda case, finding: (
        f"echo on > /sys/bus/pci/devices/{_function(finding)}/power/control",
        "echo 'options vfio-pci disable_idle_d3=1' > /etc/modprobe.d/vfio-d3.conf",
        *rebuild_initramfs(case.host.distribution),
    ),
    "vbios-rom": _fixed("<rom file='/usr/share/vgabios/CARD.rom'/>  <!-- in the <hostdev> -->"),
    "uefi-needed-by-guest": _fixed(
        "<os firmware='efi'>  <!-- libvirt -->",
        "openstack image set --property hw_firmware_type=uefi --property hw_machine_type=q35 IMAGE",
    ),
    "guest-mmio-window": _fixed(
        "<cpu mode='host-passthrough'><maxphysaddr mode='passthrough'/></cpu>  <!-- libvirt 8.7 on -->",
        "openstack flavor set --property hw:maxphysaddr_mode=passthrough FLAVOR  # nova 29 and later",
    ),
    "error-43": _fixed(
        "<kvm><hidden state='on'/></kvm>  <!-- in <features>, for libvirt -->",
        "<hyperv><vendor_id state='on' value='gpucloud'/></hyperv>",
        "openstack image set --property img_hide_hypervisor_id=true IMAGE",
    ),
    "msi-not-enabled": _fixed(
        "echo 'options snd_hda_intel enable_msi=1' > /etc/modprobe.d/msi.conf  # in the guest"
    ),
    "guest-too-small": _fixed("openstack image set --min-ram 8192 --min-disk 40 IMAGE"),
    "guest-driver-not-loaded": _here(
        lambda d: (
            *install(d, "kernel-headers"),
            "echo 'blacklist nouveau' > /etc/modprobe.d/nouveau.conf",
            *rebuild_initramfs(d),
        )
    ),
    "driver-kind-or-version": _fixed(
        "cat /proc/driver/nvidia/version",
        "nvidia-smi --version",
        "dpkg -l | grep -i nvidia || rpm -qa | grep -i nvidia",
    ),
    "vgpu-licence-missing": _fixed(
        "install -m 0744 TOKEN.tok /etc/nvidia/ClientConfigToken/",
        "systemctl restart nvidia-gridd",
        "nvidia-smi -q | grep -i licen",
    ),
    "vgpu-manager-not-loaded": _here(
        lambda d: (
            "echo 'blacklist nouveau' > /etc/modprobe.d/nouveau.conf",
            *rebuild_initramfs(d),
            f"systemctl status {_SERVICE}",
        )
    ),
    "mdev-assumed": _fixed(
        "/usr/lib/nvidia/sriov-manage -e ADDRESS",
        "cat /sys/bus/pci/devices/VF_ADDRESS/nvidia/creatable_vgpu_types",
        "echo TYPE > /sys/bus/pci/devices/VF_ADDRESS/nvidia/current_vgpu_type",
    ),
    "mdev-not-present": _fixed("mdevctl list -d", "mdevctl start -u UUID", "mdevctl modify -u UUID --auto"),
    "vgpu-type-or-capacity": _fixed("nvidia-smi vgpu -c", "nvidia-smi vgpu"),
    "sriov-vfs-not-enabled": lambda _case, finding: (
        f"/usr/lib/nvidia/sriov-manage -e {_function(finding)}",
        f"cat /sys/bus/pci/devices/{_function(finding)}/sriov_numvfs",
    ),
    "fabric-manager-missing": _fixed(
        "systemctl enable --now nvidia-fabricmanager", "nvidia-smi -q | grep -A3 -i fabric"
    ),
    "whitelist-mismatch": _device_spec,
    "filter-not-enabled": _filters,
    "alias-missing-on-api": _alias,
    "alias-definition-invalid": _alias,
    "alias-device-type-mismatch": _alias,
    "numa-policy-no-host": _fixed(
        "openstack flavor set --property hw:pci_numa_affinity_policy=preferred FLAVOR"
    ),
    "not-enough-devices": _fixed(
        "gpucloud scan", "openstack allocation candidate list --resource CUSTOM_CLASS=COUNT"
    ),
    "quota": _fixed(
        "openstack quota show PROJECT", "openstack quota set --cores N --ram N --instances N PROJECT"
    ),
    "pci-in-placement": _nova(
        "[pci]",
        "report_in_placement = true  # on computes",
        "[filter_scheduler]",
        "pci_in_placement = true  # on schedulers, once every compute reports",
    ),
    "stale-pci-devices-row": _nova("nova-manage placement heal_allocations --dry-run"),
    "device-lost": _fixed("openstack server reboot --hard SERVER"),
    "live-migration-unsupported": _fixed(
        "openstack server migrate SERVER", "openstack server resize confirm SERVER"
    ),
}
