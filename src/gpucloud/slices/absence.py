"""Why a card offers no slices: the first link of the chain that is missing, as a finding. Pure.

The chain of NVIDIA's vGPUs: a host driver of the vGPU software (NVIDIA vGPU software documentation,
"Installing and Configuring the NVIDIA Virtual GPU Manager"), its module ``nvidia_vgpu_vfio``, virtual
functions where the card has them, then types. Causes are the doctor's.
"""

from __future__ import annotations

import re

from gpucloud.model.finding import Evidence, Finding, Fix, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host, Kernel
from gpucloud.model.pci import PciFunction, PciId, Sriov
from gpucloud.model.unknown import Unknown
from gpucloud.slices.interface import AMD, INTEL, NVIDIA, Functions, seen_vfs, vendor_of

VFS_OFF = "sriov-vfs-not-enabled"
"""The cause where virtual functions are all that is missing."""
UNSUPPORTED = "vgpu-unsupported-board"
"""The cause where no setting helps."""
MANAGER = "nvidia_vgpu_vfio"
"""The module of NVIDIA's vGPU manager."""
GIM = "gim"
"""AMD's driver that makes virtual functions (amd/MxGPU-Virtualization), and its module."""
_GVT_OPTION = "enable_gvt="
_YES = ("1", "y", "t", "on")
"""What the kernel takes as true, in small letters (lib/kstrtox.c kstrtobool)."""
_MANAGER_MISSING = "vgpu-manager-not-loaded"
_NO_TYPES = "vgpu-no-mdev-types"
_GIVEN_WHOLE = ("vfio-pci", "pci-stub")
_DISPLAY_ONLY = ("nouveau", "nova_core", "nvidiafb")
_NO_VGPUS = ("GeForce", "TITAN")
"""Product lines that vGPU software does not support (NVIDIA Virtual GPU Software Supported Products)."""
_VFS_IN_VAIN = frozenset((0x1EB8,))
"""Devices that announce virtual functions and have none: the T4, which vGPU software cuts itself."""
_RELEASE = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})", re.ASCII)
_NEW_INTERFACE = (6, 8)
"""Kernels on which its driver has its own VFIO interface and no mdev (Ubuntu 24.04)."""
_REBOOT = "one reboot of the host"
_INSTALL = Fix(
    "Install the host package of the vGPU software, from NVIDIA's licensing portal, and keep nouveau away",
    ("systemctl status nvidia-vgpud nvidia-vgpu-mgr", "lsmod | grep nvidia_vgpu_vfio"),
    _REBOOT,
)


def why_none(unit: GpuUnit, host: Host) -> Finding | Unknown:
    """Why a card for which ``recognise`` found no interface has none.

    Returns:
        The finding, or what could not be read and would tell.
    """
    card = unit.primary
    if isinstance(card.driver, Unknown):
        return card.driver
    if card.is_management_display:
        title = "it shows the server's console and cannot be cut"
        return _found(unit, UNSUPPORTED, title, "its ids", _whole())
    if card.driver in _GIVEN_WHOLE:
        return _given_whole(unit, card.driver)
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    vendor = vendor_of(card)
    if vendor == NVIDIA:
        return _nvidia(unit, host.kernel, functions)
    if vendor == AMD:
        return _amd(unit, host.kernel)
    return _intel(unit, host) if vendor == INTEL else _none_known(unit)


def _nvidia(unit: GpuUnit, kernel: Kernel, functions: Functions) -> Finding | Unknown:
    driver = unit.primary.driver
    line = next((line for line in _NO_VGPUS if line in (unit.primary.device_name or "")), None)
    if line is not None:
        title = f"vGPU software supports no {line}: it can be used whole only"
        return _found(unit, UNSUPPORTED, title, unit.primary.name, _whole(), 0.9)
    if driver in _DISPLAY_ONLY:
        return _found(
            unit,
            "host-driver-grabbed-gpu",
            f"{driver} has it, and NVIDIA's own driver makes vGPUs",
            _driver(driver),
            Fix("Keep the driver away and start again", (f"blacklist {driver}",), _REBOOT),
        )
    if driver != "nvidia":
        seen = "no driver has it" if driver is None else f"{driver} has it"
        title = f"{seen}: the vGPU manager is not installed, or does not run"
        return _found(unit, _MANAGER_MISSING, title, _driver(driver), _INSTALL)
    missing = _manager(unit, kernel)
    return _nvidia_vfs(unit, kernel, functions) if missing is None else missing


def _manager(unit: GpuUnit, kernel: Kernel) -> Finding | Unknown | None:
    if isinstance(kernel.loaded_modules, Unknown):
        return kernel.loaded_modules
    if MANAGER in kernel.loaded_modules:
        return None
    is_there = isinstance(kernel.available_modules, frozenset) and MANAGER in kernel.available_modules
    title = (
        "the vGPU manager is installed, and its module is not loaded"
        if is_there
        else "NVIDIA's driver is the one for computing: the vGPU manager is not installed for this kernel"
    )
    load = Fix("Load the module, and see why it was not", ("modprobe nvidia_vgpu_vfio", "dmesg | grep NVRM"))
    return _found(
        unit, _MANAGER_MISSING, title, f"no /sys/module/{MANAGER}", load if is_there else _INSTALL, 0.8
    )


def _nvidia_vfs(unit: GpuUnit, kernel: Kernel, functions: Functions) -> Finding | Unknown:
    sriov = unit.primary.sriov
    if isinstance(sriov, Unknown):
        return sriov
    if _has_vfs_in_vain(unit.primary):
        title = (
            "the vGPU manager knows it and offers no types: nvidia-vgpud, which adds them, is down or failed"
        )
        again = Fix(
            "See what the services say, and start the one that adds types again",
            ("systemctl status nvidia-vgpud nvidia-vgpu-mgr", "systemctl restart nvidia-vgpud"),
        )
        return _found(unit, _MANAGER_MISSING, title, "no mdev_supported_types", again, 0.8)
    if sriov is None or sriov.total == 0:
        title = "it offers no vGPU types: the board is not supported, or nvidia-vgpud does not run"
        look = Fix(
            "See what the service says; a board that it does not know can be used whole",
            ("systemctl status nvidia-vgpud", "nvidia-smi vgpu -s"),
        )
        return _found(unit, UNSUPPORTED, title, "no mdev_supported_types", look, 0.6)
    if sriov.enabled == 0:
        return _vfs_off(unit, sriov, f"/usr/lib/nvidia/sriov-manage -e {unit.address}")
    if isinstance(sriov.enabled, Unknown):
        return sriov.enabled
    return _silent_vfs(unit, kernel, seen_vfs(unit.primary, functions))


def _has_vfs_in_vain(card: PciFunction) -> bool:
    return isinstance(card.id, PciId) and card.id.device in _VFS_IN_VAIN


def _silent_vfs(unit: GpuUnit, kernel: Kernel, vfs: tuple[PciFunction, ...]) -> Finding:
    """Virtual functions are on and none offers a type."""
    strange = [each for each in vfs if each.driver != "nvidia" and not isinstance(each.driver, Unknown)]
    if strange:
        seen = f"{strange[0].driver or 'no driver'} has {strange[0].address.short}"
        title = "NVIDIA's driver left its virtual functions: it is not vGPU software's, or the IOMMU is off"
        look = Fix("See what the driver says of them", ("dmesg | grep 'probe for VF'",))
        return _found(unit, _MANAGER_MISSING, title, seen, look, 0.8)
    release = kernel.release if isinstance(kernel.release, str) else ""
    match = _RELEASE.match(release)
    if match and (int(match[1]), int(match[2])) >= _NEW_INTERFACE:
        title = "its virtual functions have no types: this kernel needs the newer interface of vGPU software"
        newer = Fix("Install vGPU software 17 or later, or an older kernel with mdev", (), _REBOOT)
        return _found(unit, _NO_TYPES, title, f"kernel {release}, no folder nvidia in the VFs", newer, 0.7)
    look = Fix("See whether the services run", ("systemctl status nvidia-vgpud nvidia-vgpu-mgr",))
    return _found(unit, _NO_TYPES, "its virtual functions have no types", "no types in sysfs", look, 0.7)


def _amd(unit: GpuUnit, kernel: Kernel) -> Finding | Unknown:
    sriov, driver = unit.primary.sriov, unit.primary.driver
    if isinstance(sriov, Unknown):
        return sriov
    if sriov is None or sriov.total == 0:
        return _none_known(unit)
    if driver == GIM:
        where = "in /etc/modprobe.d: gim makes them when it is loaded"
        return _vfs_off(unit, sriov, "options gim vf_num=8", where)
    is_there = isinstance(kernel.available_modules, frozenset) and GIM in kernel.available_modules
    seen = f"{driver} makes none" if isinstance(driver, str) else "no driver has it"
    made = "gim does, which is installed" if is_there else "gim does"
    title = f"it could have {sriov.total} virtual functions, and {seen}: {made}"
    first = "Keep amdgpu away" if is_there else "Install gim (amd/MxGPU-Virtualization), keep amdgpu away"
    install = Fix(
        f"{first}, and start again",
        ("blacklist amdgpu", "options gim vf_num=8"),
        _REBOOT,
    )
    return _found(unit, VFS_OFF, title, _driver(driver), install, 0.8)


def _intel(unit: GpuUnit, host: Host) -> Finding | Unknown:
    sriov, asks_gvt = unit.primary.sriov, _asks_gvt(host)
    if isinstance(sriov, Unknown):
        return sriov
    if sriov is not None and sriov.total != 0:
        path = f"/sys/bus/pci/devices/{unit.address}/sriov_numvfs"
        return _vfs_off(unit, sriov, f"echo {sriov.total} > {path}")
    if isinstance(asks_gvt, Unknown):
        return asks_gvt
    if unit.primary.driver == "i915" and asks_gvt:
        return _gvt(unit, host.kernel)
    if unit.primary.driver == "i915":
        title = "it has no SR-IOV, and GVT-g, which Broadwell to Comet Lake have, is not on"
        switch = Fix(
            "Where it is of that age: add the argument and load kvmgt",
            ("i915.enable_gvt=1", "modprobe kvmgt"),
            _REBOOT,
        )
        return _found(unit, _NO_TYPES, title, "no enable_gvt=1 given to i915", switch, 0.6)
    return _none_known(unit)


def _asks_gvt(host: Host) -> bool | Unknown:
    """Whether i915 is told to offer GVT-g: in modprobe's files, or after them on the kernel's own line."""
    arguments, directives = host.kernel.arguments, host.distribution.module_configuration
    if isinstance(arguments, Unknown):
        return arguments
    filed = () if isinstance(directives, Unknown) else directives
    lines = (line.text.split("#", 1)[0].split() for line in filed)
    given = [word for line in lines if line[:2] == ["options", "i915"] for word in line[2:]]
    given += [word.removeprefix("i915.") for word in arguments if word.startswith("i915.")]
    said = [word for word in given if word.startswith(_GVT_OPTION)]
    if said:  # of a repeated option the last counts
        return said[-1].removeprefix(_GVT_OPTION).strip("\"'").lower().startswith(_YES)
    unread = (directives, *host.distribution.unread_configuration)
    return next((each for each in unread if isinstance(each, Unknown)), False)


def _gvt(unit: GpuUnit, kernel: Kernel) -> Finding | Unknown:
    """GVT-g is asked for, and there are no types (drivers/gpu/drm/i915/gvt: Broadwell to Comet Lake)."""
    if isinstance(kernel.loaded_modules, Unknown):
        return kernel.loaded_modules
    if "kvmgt" not in kernel.loaded_modules:
        title = "GVT-g is asked for, and kvmgt, which offers its types, is not loaded"
        load = Fix(
            "Load it, now and at every start",
            ("modprobe kvmgt", "echo kvmgt > /etc/modules-load.d/kvmgt.conf"),
        )
        return _found(unit, _NO_TYPES, title, "no /sys/module/kvmgt", load, 0.9)
    title = "GVT-g is on and offers no types: it knows graphics from Broadwell to Comet Lake alone"
    look = Fix(
        "See what i915 says of it; a newer one can be used whole, or has SR-IOV", ("dmesg | grep -i gvt",)
    )
    return _found(unit, UNSUPPORTED, title, "no mdev_supported_types", look, 0.8)


def _vfs_off(unit: GpuUnit, sriov: Sriov, command: str, where: str = "") -> Finding | Unknown:
    if isinstance(sriov.enabled, Unknown):
        return sriov.enabled
    if sriov.enabled:
        return Unknown(f"{sriov.enabled} virtual functions of {unit.address.short} are on and were not read")
    title = f"it could have {sriov.total} virtual functions, and none is on"
    text = f"Make them{f', {where}' if where else ''}"
    return _found(unit, VFS_OFF, title, f"sriov_numvfs is {sriov.enabled}", Fix(text, (command,)))


def _given_whole(unit: GpuUnit, driver: str) -> Finding:
    title = f"{driver} has it: it is for one guest as a whole"
    back = Fix("Give it back to its own driver first", ("gpucloud undo --list",), "the guest with it ends")
    return _found(unit, "mdev-assumed", title, _driver(driver), back)


def _none_known(unit: GpuUnit) -> Finding:
    return _found(unit, UNSUPPORTED, "it can be used whole only", "no mdev types, no SR-IOV", _whole(), 0.8)


def _whole() -> Fix:
    return Fix("Use it whole, or another card")


def _driver(driver: str | None | Unknown) -> str:
    return f"driver: {driver or 'none'}" if not isinstance(driver, Unknown) else "driver: unknown"


def _found(unit: GpuUnit, cause: str, title: str, seen: str, fix: Fix, confidence: float = 0.95) -> Finding:
    place = f"/sys/bus/pci/devices/{unit.address}"
    return Finding(
        cause=cause,
        level=Level.INFO,
        title=f"{unit.address.short}: {title}",
        evidence=(Evidence(place, seen),),
        why="Without an interface of the host no slice can be made of the card.",
        fix=fix,
        confidence=confidence,
        units=(unit.address,),
    )
