"""Text consoles taken off the frame buffer console and given back.

Source: drivers/tty/vt/vt.c, ``store_bind``; writes always succeed, so the file is read back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import DetachConsole
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import Difference, StepError, known

if TYPE_CHECKING:
    from gpucloud.prepare.system import System


def do_detach(change: DetachConsole, system: System) -> None:
    """Take the text consoles from the driver; the console driver before it takes over."""
    for name in _consoles(change.driver, system, is_bound=True):
        _write(name, "0", system)
    if not system.settles(lambda: not _consoles(change.driver, system, is_bound=True)):
        raise StepError(f"the text consoles are still shown by the {change.driver}")


def undo_detach(change: DetachConsole, system: System) -> str | None:
    """Give the text consoles back; gives the reason where the driver has no screen to show them on.

    The driver takes them by itself when a framebuffer is registered again (``do_fb_registered``), which some
    DRM drivers do later than their probe.
    """
    if not system.settles(lambda: bool(_consoles(change.driver, system))):
        return f"no framebuffer is left for the {change.driver}: the text console comes back at the next boot"
    if not system.settles(lambda: bool(_consoles(change.driver, system, is_bound=True))):
        for name in _consoles(change.driver, system):
            _write(name, "1", system)
    if not _consoles(change.driver, system, is_bound=True):
        raise StepError(f"the {change.driver} does not take the text consoles back")
    return None


def _consoles(driver: str, system: System, *, is_bound: bool = False) -> list[str]:
    """Names of the console drivers of that description: the number in ``vtcon1`` may change."""
    names = known(system.list_dir(sysfs.CONSOLES)) or ()
    found = [name for name in names if _read(name, "name", system).endswith(f") {driver}")]
    return [name for name in found if not is_bound or _read(name, "bind", system) == "1"]


def _read(name: str, attribute: str, system: System) -> str:
    return (known(system.read_text(f"{sysfs.CONSOLES}/{name}/{attribute}")) or "").strip()


def _write(name: str, value: str, system: System) -> None:
    path = f"{sysfs.CONSOLES}/{name}/bind"
    try:
        system.write(path, value)
    except OSError as error:
        raise StepError(f"{path}: {error.strerror or error}") from error


def preview_detach(change: DetachConsole) -> Difference:
    """The file that it changes."""
    return Difference(f"{sysfs.CONSOLES}/{change.console}/bind", "1", "0")
