"""A host that was set up by hand: its spec, the clean-up, and the plan of the spec, as one plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from gpucloud.doctor.intent import is_given_away
from gpucloud.model.change import Content, FileState, WriteFile
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.host import Host
from gpucloud.model.plan import Adopted, ByHand, Plan, Step
from gpucloud.model.spec import Spec
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.adopt.clear import Clearance, clear
from gpucloud.prepare.adopt.decide import Decision, Verdict, decide
from gpucloud.prepare.adopt.read import FilesByHand
from gpucloud.prepare.adopt.recognise import recognise
from gpucloud.prepare.adopt.spec import adopted_spec
from gpucloud.prepare.boot import plan_boot
from gpucloud.prepare.steps.replaced import refusals_of_files
from gpucloud.spec import edit_spec, parse_spec, render_spec
from gpucloud.spec.unmatched import NO_POOLS

_TEXT_LIMIT = 160
_HEAD = "# What was set up by hand on the host before. Written by gpucloud; taken back by: gpucloud undo\n"


@dataclass(frozen=True, slots=True)
class SpecFile:
    """The spec as it lies on the disk."""

    path: str
    """Absolute."""
    state: FileState | None | Unknown
    """None: there is none yet."""


def plan_adoption(
    host: Host,
    found: FilesByHand,
    file: SpecFile,
    host_name: str | Unknown,
    *,
    force: bool = False,
    is_captured: bool = False,
) -> Plan:
    """Steps after which a spec says what was set up by hand, and nothing else does.

    Args:
        host: the host.
        found: the files that were looked through.
        file: the spec that is extended, or begun.
        host_name: as pools are to call the host; needed where pools of the spec are on some hosts only.
        force: the user accepts to lose the last console.
        is_captured: as of ``plan_boot``.

    Raises:
        Failure: the spec cannot be read, is wrong, or contradicts itself on this host.
    """
    text = _text(file)
    before = parse_spec(text or "", file.path)
    recognised = recognise(host, found)
    decision = decide(host, recognised.settings, before, host_name)
    spec = adopted_spec(before, decision, host_name)
    clearance = clear(found.files, decision.verdicts, recognised.scripts, found.callers)
    files = replace(found.files, files={**found.files.files, file.path: file.state})
    rest = _without(host, decision)
    plan = plan_boot(
        rest, files, spec, host_name, force=force, cleared=clearance.cleared, is_captured=is_captured
    )
    plan = replace(plan, notes=tuple(_notes(plan, host)))
    return _joined(plan, file, _new_text(text, spec, before, file), found, decision, clearance)


def _notes(plan: Plan, host: Host) -> Iterator[str]:
    """Those of the plan, and cards that are given away already though nothing of the spec says so."""
    given = [unit for unit in host.units if unit.address not in plan.units and is_given_away(unit.primary)]
    yield from (note for note in plan.notes if not given or note != NO_POOLS)
    for unit in given:
        yield (
            f"{unit.address.short} is with {unit.primary.driver} now, and nothing taken over says so: "
            "it stays"
        )


def _text(file: SpecFile) -> str | None:
    if isinstance(file.state, Unknown):
        raise Failure(
            f"the spec cannot be read: {file.state.why}", "name another with --spec", code=Exit.USAGE
        )
    return file.state.text if file.state is not None else None


def _new_text(text: str | None, spec: Spec, before: Spec, file: SpecFile) -> str | None:
    """The text of the spec; None: it stays as it is."""
    if spec == before:
        return None
    return edit_spec(text, spec, file.path) if text is not None else _HEAD + render_spec(spec)


def _without(host: Host, decision: Decision) -> Host:
    """The host without the directives that go: what they said is not said already."""
    directives = host.distribution.module_configuration
    if isinstance(directives, Unknown):
        return host
    gone = {(each.setting.path, each.setting.line) for each in decision.verdicts if each.left is None}
    kept = tuple(each for each in directives if (each.path, each.line) not in gone)
    return replace(host, distribution=replace(host.distribution, module_configuration=kept))


def _joined(
    plan: Plan, file: SpecFile, text: str | None, found: FilesByHand, decision: Decision, clearance: Clearance
) -> Plan:
    unread = tuple(_shown(each.why) for each in found.unread)
    settings = sorted((*_by_hand(decision.verdicts), *_scripts(clearance)), key=_place)
    wanted = (
        replace(plan.wanted, adopted=Adopted(file.path, tuple(_collapsed(settings)), unread))
        if plan.wanted
        else None
    )
    steps = plan.steps
    if text is not None and not plan.refusals:
        steps = (_spec_step(file, text), *steps)
    if held := tuple(refusals_of_files(steps)):
        return replace(plan, steps=(), refusals=held, wanted=wanted, needs_reboot=False, at_start=())
    return replace(plan, steps=steps, wanted=wanted)


def _spec_step(file: SpecFile, text: str) -> Step:
    before = file.state if isinstance(file.state, FileState) else None
    after = replace(before or FileState(Content("")), text=Content(text))
    because = "what was set up by hand is said here from now on"
    return Step(WriteFile(path=file.path, before=before, after=after), because, None)


def _by_hand(verdicts: Sequence[Verdict]) -> Iterator[ByHand]:
    for verdict in verdicts:
        setting = verdict.setting
        shown = ByHand(
            _shown(setting.path), setting.line, _shown(setting.text), setting.does, verdict.units, None
        )
        if verdict.left is not None:
            yield replace(shown, left=_shown(verdict.left))
        elif verdict.entries:
            yield shown
            yield replace(
                shown, text=_shown(",".join(verdict.entries)), units=(), left=_shown(verdict.why_entries)
            )
        else:
            yield shown


def _scripts(clearance: Clearance) -> Iterator[ByHand]:
    for path, why in clearance.kept_scripts.items():
        yield ByHand(_shown(path), None, path.rpartition("/")[2], "gives devices to guests", (), _shown(why))


def _place(setting: ByHand) -> tuple[str, int]:
    return setting.path, setting.line or 0


def _collapsed(settings: Sequence[ByHand]) -> Iterator[ByHand]:
    """Lines of one file that do the same one after another, as one."""
    for _, group in groupby(settings, lambda each: (each.path, each.does, each.units, each.left)):
        lines = list(group)
        if len(lines) == 1 or lines[0].line is None:
            yield from lines
        else:
            yield replace(lines[0], text=f"{lines[0].text} (and {len(lines) - 1} more)")


def _shown(text: str) -> str:
    """Text from a host's files, fit for one line."""
    cut = text if len(text) <= _TEXT_LIMIT else f"{text[:_TEXT_LIMIT]}..."
    return "".join(character if character.isprintable() else "?" for character in cut)
