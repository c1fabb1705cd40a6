"""Kernel modules that passthrough needs, and what the kernel refuses on principle."""

from __future__ import annotations

from gpucloud.doctor.case import Blind, Case
from gpucloud.doctor.remedy import REBOOT, install
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Finding, Fix, Level
from gpucloud.model.unknown import Unknown

_NEEDED = ("vfio_pci", "vfio_iommu_type1")


@rule
def vfio_absent(case: Case) -> Answers:
    """The running kernel has no vfio: neither built in nor as a module that could be loaded."""
    kernel = case.host.kernel
    loaded = frozenset() if isinstance(kernel.loaded_modules, Unknown) else kernel.loaded_modules
    missing = tuple(module for module in _NEEDED if module not in loaded)
    if not missing:
        return
    if isinstance(kernel.available_modules, Unknown):
        yield Blind("wrong-kernel-module", "modules of the running kernel", kernel.available_modules.why)
        return
    absent = tuple(module for module in missing if module not in kernel.available_modules)
    if not absent or (case.host.cpu.vendor not in ("intel", "amd") and absent == _NEEDED[1:]):
        return
    yield Finding(
        cause="wrong-kernel-module",
        level=Level.BLOCKER,
        title=f"The running kernel has no {' and no '.join(absent)}: no device can be given to a guest",
        evidence=(case.cite("/lib/modules", f"{_release(case)}: no {', '.join(absent)}"),),
        why="vfio-pci holds the device for the guest and vfio_iommu_type1 maps the guest's memory for it; "
        "cloud and minimal kernels leave them out.",
        fix=Fix(
            "Install and boot the distribution's full kernel (Debian: linux-image-amd64 in place of "
            "linux-image-cloud-amd64; Ubuntu: linux-modules-extra for the running release).",
            (*install(case.host.distribution, "kernel-modules"), "reboot"),
            REBOOT,
        ),
        confidence=0.95,
    )


@rule
def kernel_locked_down(case: Case) -> Answers:
    """Lockdown or Secure Boot is on: unsigned modules and raw access to PCI memory are refused."""
    security = case.host.security
    locked = security.lockdown not in (None, "none") and not isinstance(security.lockdown, Unknown)
    if not locked and security.is_secure_boot is not True:
        return
    shown = [
        case.cite("/sys/kernel/security/lockdown", f"lockdown: {security.lockdown}") if locked else None,
        case.cite("/sys/firmware/efi/efivars", "Secure Boot: on")
        if security.is_secure_boot is True
        else None,
    ]
    yield Finding(
        cause="secure-boot",
        level=Level.INFO,
        title="Secure Boot or kernel lockdown is on: vfio works, unsigned modules (vendor drivers, "
        "vendor-reset) do not",
        evidence=tuple(one for one in shown if one is not None),
        why="A locked-down kernel loads signed modules only and refuses raw writes to PCI memory and "
        "registers.",
        fix=Fix(
            "Nothing for plain passthrough. For vendor modules: sign them with a key enrolled by mokutil, or "
            "turn Secure Boot off in the firmware.",
            costs="enrolling a key takes one reboot with somebody at the console",
        ),
        confidence=0.5,
    )


def _release(case: Case) -> str:
    release = case.host.kernel.release
    return release if isinstance(release, str) else "this kernel"
