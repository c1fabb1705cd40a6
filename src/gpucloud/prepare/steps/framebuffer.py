"""Boot framebuffers taken from their driver, which frees the memory inside the card's BAR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import ReleaseFramebuffer
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import Difference, StepError, known

if TYPE_CHECKING:
    from gpucloud.prepare.system import System


def do_release(change: ReleaseFramebuffer, system: System) -> None:
    """Unbind the framebuffer's driver; nothing to do where it has none."""
    if _driver(change, system) is not None:
        _write(change, "unbind", system)
        if not system.settles(lambda: _driver(change, system) is None):
            raise StepError(f"{change.driver} still has {change.device}")


def undo_release(change: ReleaseFramebuffer, system: System) -> str | None:
    """Give the framebuffer back; gives the reason where the kernel has removed the device meanwhile.

    Kernels from 6.0 on remove it when vfio-pci takes the boot display (drivers/vfio/pci/vfio_pci_core.c,
    ``vfio_pci_vga_init``, drivers/firmware/sysfb.c, ``sysfb_disable``).
    """
    if known(system.list_dir(f"{sysfs.PLATFORM}/devices/{change.device}")) is None:
        return f"the kernel has removed {change.device}: the boot framebuffer comes back at the next boot"
    if _driver(change, system) is None:
        _write(change, "bind", system)
        if not system.settles(lambda: _driver(change, system) is not None):
            raise StepError(f"{change.driver} did not take {change.device} back")
    return None


def _driver(change: ReleaseFramebuffer, system: System) -> str | None:
    return known(system.read_link(f"{sysfs.PLATFORM}/devices/{change.device}/driver"))


def _write(change: ReleaseFramebuffer, attribute: str, system: System) -> None:
    path = sysfs.platform_driver(change.driver, attribute)
    try:
        system.write(path, change.device)
    except OSError as error:
        raise StepError(f"{path}: {error.strerror or error}") from error


def preview_release(change: ReleaseFramebuffer) -> Difference:
    """The file that it changes."""
    return Difference(f"{sysfs.PLATFORM}/devices/{change.device}/driver", change.driver, None)
