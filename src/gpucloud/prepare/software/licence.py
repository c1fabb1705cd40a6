"""Where a guest's licence comes from, as a plan: its files, and its service started anew with them."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.model.change import FileState, RunTool, WriteFile
from gpucloud.model.failure import Failure
from gpucloud.model.plan import Fact, Licence, LicenceFile, Plan, Step
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.steps.file import is_same
from gpucloud.prepare.system import System
from gpucloud.slices.licence.render import LINUX_RESTART

_UNITS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_MAKES = "the licence of this guest, asked for anew"
_BECAUSE = "the licence is to come from there"


def plan_licence(source: str, system: System, licence: Licence) -> Plan:
    """Plan the files that are not as wanted; where all are, nothing is done.

    Args:
        source: what this machine is called.
        system: this machine, a guest.
        licence: what it is to have.

    Raises:
        Failure: it has no driver for guests, or a file cannot be read.
    """
    unit = f"{LINUX_RESTART[-1]}.service"
    if all(system.read_bytes(f"{folder}/{unit}") is None for folder in _UNITS):
        what = f"{unit} is not on this machine: it is no guest with NVIDIA's driver for vGPUs"
        raise Failure(what, "install the driver for guests first; in user data: --for cloud-init")
    writes = tuple(_writes(system, licence))
    facts = tuple(Fact(each.path, "there" if each.before else "none") for each in writes)
    steps = tuple(Step(each, _BECAUSE, None) for each in writes)
    if steps:
        first, last = (RunTool(argv=LINUX_RESTART, when=when, makes=_MAKES) for when in ("undo", "apply"))
        steps = (Step(first, _BECAUSE, None), *steps, Step(last, _BECAUSE, None))
    return Plan(source, (), False, facts, steps, licence=licence)


def _writes(system: System, licence: Licence) -> Iterator[WriteFile]:
    for file in licence.files:
        now, after = system.look(file.path), FileState(file.text, file.mode)
        if isinstance(now, Unknown):
            raise Failure(f"{file.path} cannot be read: {now.why}", "run it as root")
        if not is_same(now, after):
            yield WriteFile(path=file.path, before=now, after=after, folders=_missing(file, system))


def _missing(file: LicenceFile, system: System) -> tuple[str, ...]:
    """Folders that have to be made for it, outermost first."""
    parts = file.path.split("/")[1:-1]
    folders = ["/" + "/".join(parts[: number + 1]) for number in range(len(parts))]
    return tuple(each for each in folders if system.list_dir(each) is None)
