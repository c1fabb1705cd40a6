"""The QEMU of this machine: whether it is there, and what distributions build differently."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from gpucloud.cloud.definition.parts import Accelerator, UserNetwork
from gpucloud.cloud.packages import install_line
from gpucloud.cloud.programs import SYSTEM_PATH
from gpucloud.model.failure import Failure
from gpucloud.model.host import Kvm

_RHEL_QEMU = Path("/usr/libexec/qemu-kvm")
_FIRMWARE = Path("/usr/share/qemu/firmware")
"""Where firmware packages tell what they hold (QEMU, docs/interop/firmware.json)."""


def _is_program(name: str) -> bool:
    return shutil.which(name, path=SYSTEM_PATH) is not None


def find_user_network(
    has_program: Callable[[str], bool] = _is_program, is_there: Callable[[Path], bool] = Path.exists
) -> UserNetwork:
    """Find QEMU, and say how it connects guests to the network without rights.

    Raises:
        Failure: there is no QEMU.
    """
    if has_program("qemu-system-x86_64"):
        return UserNetwork.SLIRP
    if is_there(_RHEL_QEMU):
        return UserNetwork.PASST
    raise Failure("guests need QEMU, which is missing", install_line("qemu-system-x86_64"))


def has_uefi(firmware: Path = _FIRMWARE) -> bool:
    """Claims that firmware for UEFI images is installed."""
    return any(firmware.glob("*.json"))


def choose_accelerator(kvm: Kvm) -> Accelerator:
    """KVM where its device is there and the kernel has not refused to make a virtual machine."""
    is_refused = isinstance(kvm.refusal, str)
    return Accelerator.KVM if kvm.has_device is True and not is_refused else Accelerator.EMULATION
