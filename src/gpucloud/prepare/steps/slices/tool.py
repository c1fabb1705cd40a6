"""NVIDIA's virtual functions, which its own tool alone can make: all of a card, or none.

The tool takes the card from its driver and gives it back. It cannot while a program has the card open, which
some do only for a moment; and where it fails midway the card is left without driver, so it is given back here
before the tool is run once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import SwitchVfs
from gpucloud.model.pci import PciAddress
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.driver import give, read_driver
from gpucloud.prepare.steps.seen import Difference, NotAsPlannedError, StepError
from gpucloud.prepare.steps.slices.users import refuse_used_vfs
from gpucloud.prepare.steps.slices.vfs import count_vfs

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

TOOL = "/usr/lib/nvidia/sriov-manage"
_DRIVER = "nvidia"
_TRIES = 5
_ATTRIBUTE = "sriov_numvfs"


def do_switch(change: SwitchVfs, system: System) -> None:
    """Make them; nothing to do where as many are there already."""
    now = count_vfs(change.address, system)
    if now not in (change.before, change.after):
        raise NotAsPlannedError(f"{change.address} has {now} virtual functions, not {change.before}")
    _switch(change.address, change.after, system)


def undo_switch(change: SwitchVfs, system: System) -> None:
    """Have as many as before."""
    _switch(change.address, change.before, system)


def preview_switch(change: SwitchVfs) -> Difference:
    """The file that shows it."""
    return Difference(sysfs.function(change.address, _ATTRIBUTE), str(change.before), str(change.after))


def _switch(address: PciAddress, wanted: int, system: System) -> None:
    said = ""
    for _ in range(_TRIES):
        now = count_vfs(address, system)
        if now == wanted:
            return
        if now:
            refuse_used_vfs(address, system)
        try:
            system.run_tool((TOOL, "-e" if wanted else "-d", str(address)))
        except OSError as error:
            said = f": {error}"
        if read_driver(address, system) is None:
            give(address, _DRIVER, system)
        if system.settles(lambda: count_vfs(address, system) == wanted):
            return
    raise StepError(
        f"{address} has {count_vfs(address, system)} virtual functions and not {wanted} after "
        f"{TOOL} was run {_TRIES} times{said}; end what has the card open (nvidia-persistenced, dcgm)"
    )
