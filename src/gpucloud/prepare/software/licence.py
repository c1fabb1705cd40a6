"""Where a guest's licence comes from, as a plan: its files, and its service started anew with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpucloud.model.change import Content, FileState, RunTool, WriteFile
from gpucloud.model.failure import Failure
from gpucloud.model.plan import Fact, Licence, LicenceFile, Plan, Step
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.steps.file import is_same
from gpucloud.prepare.steps.replaced import refusals_of_files
from gpucloud.prepare.system import System
from gpucloud.slices.licence.render import CONF, LINUX_RESTART, TOKENS, with_others

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
        Failure: it has no driver for guests, or a file cannot be read or replaced.
    """
    unit = f"{LINUX_RESTART[-1]}.service"
    if all(system.read_bytes(f"{folder}/{unit}") is None for folder in _UNITS):
        what = f"{unit} is not on this machine: it is no guest with NVIDIA's driver for vGPUs"
        raise Failure(what, "install the driver for guests first; in user data: --for cloud-init")
    writes = tuple(_writes(system, licence))
    facts = tuple(Fact(each.path, "there" if each.before else "none") for each in writes)
    steps = tuple(Step(each, _BECAUSE, None) for each in writes)
    for refusal in refusals_of_files(steps):
        raise Failure(refusal.why, refusal.instead)
    if steps:
        first, last = (RunTool(argv=LINUX_RESTART, when=when, makes=_MAKES) for when in ("undo", "apply"))
        steps = (Step(first, _BECAUSE, None), *steps, Step(last, _BECAUSE, None))
    return Plan(source, (), False, facts, steps, notes=tuple(_notes(system, licence)), licence=licence)


def _notes(system: System, licence: Licence) -> Iterator[str]:
    """Other tokens stay: whose they are is not known."""
    mine = {file.path for file in licence.files}
    there = system.list_dir(TOKENS)
    names = there if isinstance(there, tuple) else ()
    others = [each for name in sorted(names) if (each := f"{TOKENS}/{name}") not in mine]
    tokens = [each for each in others if each.endswith(".tok")]
    if tokens and any(path.startswith(TOKENS) for path in mine):
        yield f"{', '.join(tokens)} stays beside the new token: remove it where it is not meant any more"


def _writes(system: System, licence: Licence) -> Iterator[WriteFile]:
    for file in licence.files:
        now = system.look(file.path)
        if isinstance(now, Unknown):
            raise Failure(f"{file.path} cannot be read: {now.why}", "run it as root")
        after = FileState(file.text, file.mode)
        if file.path == CONF and now is not None:
            after = replace(now, text=Content(with_others(file.text, now.text)))
        if not is_same(now, after):
            yield WriteFile(path=file.path, before=now, after=after, folders=_missing(file, system))


def _missing(file: LicenceFile, system: System) -> tuple[str, ...]:
    """Folders that have to be made for it, outermost first."""
    parts = file.path.split("/")[1:-1]
    folders = ["/" + "/".join(parts[: number + 1]) for number in range(len(parts))]
    return tuple(each for each in folders if system.list_dir(each) is None)
