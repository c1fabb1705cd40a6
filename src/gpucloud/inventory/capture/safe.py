"""Words of kernel arguments and module configuration that are everybody's, and tell of no host.

What decides whether a GPU can reach a guest must stay readable in a capture; all else is replaced.
Names: Documentation/admin-guide/kernel-parameters.txt, modprobe.d(5), dracut.cmdline(7).
"""

from __future__ import annotations

import re

_MODULES = (
    "amd_iommu amdgpu amdkfd ast bochs drm efifb fbcon gim gvt i915 iommu iommufd irqbypass kvm"
    " kvm_amd kvm_intel kvmgt mdev mgag200 mxm_wmi nouveau nova_core nvidia nvidia_drm nvidia_modeset"
    " nvidia_uvm nvidia_vgpu_vfio nvidiafb pci pci_stub pcie_acs_override pcie_aspm pcie_port_pm"
    " pciehp radeon simpledrm snd_hda_codec_hdmi snd_hda_core snd_hda_intel i2c_nvidia_gpu ucsi_ccg"
    " typec_ucsi vesafb vfio vfio_iommu_type1 vfio_mdev vfio_pci vfio_pci_core vfio_virqfd vga vga16fb"
    " vgaarb xe xen_pciback xhci_hcd xhci_pci"
)
_ARGUMENTS = (
    "acpi apparmor biosdevname clocksource console consoleblank crashkernel debug default_hugepagesz"
    " efi enforcing hugepages hugepagesz initcall_blacklist intel_iommu intremap isolcpus lockdown"
    " loglevel lsm maxcpus mem mitigations modprobe.blacklist module.sig_enforce module_blacklist"
    " nmi_watchdog noapic noefi nohz_full nointremap nokaslr nolapic nomodeset nomodule nosmt"
    " nowatchdog nox2apic nr_cpus panic quiet rcu_nocbs rd.driver.blacklist rd.driver.post"
    " rd.driver.pre rdblacklist reboot rhgb ro rootfstype rootwait rw security selinux single splash"
    " swiotlb transparent_hugepage tsc video x2apic_phys"
)
_ARGUMENT_FAMILIES = ("acpi_", "amd_iommu_", "ivrs_", "numa_")
_DIRECTIVES = (
    "options blacklist softdep weakdep alias install remove pre: post: /bin/true /bin/false /usr/bin/true"
    " \\ install_items"
)
_DRACUT = (
    "drivers add_drivers force_drivers omit_drivers dracutmodules add_dracutmodules omit_dracutmodules"
    " force_add_dracutmodules hostonly early_microcode MODULES HOOKS"
)
_KEYS = frozenset(f"{_MODULES} {_ARGUMENTS} {_DRACUT}".split())
_WORDS = frozenset(_DIRECTIVES.split())
_RELEVANT_MODULES = frozenset(_MODULES.split())
_VALUE = re.compile(
    r"on|off|yes|no|true|false|[yn]|[0-9]{1,4}|[0-9a-f]{4}:[0-9a-f]{4}", re.ASCII | re.IGNORECASE
)
_SCRIPT = re.compile(r"/(?:usr/local/s?bin|sbin)/[\w.-]*(?:vfio|passthrough)[\w.-]*", re.ASCII)
"""Scripts that a capture holds by their names (``by_hand.SCRIPTS``)."""
_ALIAS = re.compile(r"(?:pci|vfio_pci|mdev|char-major|net-pf|acpi|usb|of):?[A-Za-z0-9*?_-]*", re.ASCII)


def is_safe_key(key: str) -> bool:
    """Claims an argument whose value may be shown; ``module.option`` where the module is relevant."""
    name = key.removesuffix("+").replace("-", "_")
    return name in _KEYS or name.startswith(_ARGUMENT_FAMILIES) or is_relevant_module(name.partition(".")[0])


def is_relevant_module(name: str) -> bool:
    """Claims a module whose options decide about GPUs."""
    return name.replace("-", "_") in _RELEVANT_MODULES


def is_safe_word(word: str) -> bool:
    """Claims a word without a value that may be shown: a flag, a directive, a pattern of device aliases."""
    if is_safe_key(word) or word in _WORDS or is_safe_value(word):
        return True
    return _ALIAS.fullmatch(word) is not None or _SCRIPT.fullmatch(word) is not None


def is_safe_value(value: str) -> bool:
    """Claims a value too plain to tell anything: a switch, a small number, vendor and device of a model."""
    return _VALUE.fullmatch(value) is not None
