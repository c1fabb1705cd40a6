"""What is taken out of which file, and which files and scripts go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gpucloud.inventory.system import by_hand
from gpucloud.inventory.system.boot import GRUB_ENVIRONMENT
from gpucloud.model.boot import BootFiles
from gpucloud.model.change import EnableUnit, FileState
from gpucloud.model.plan import Step
from gpucloud.prepare.adopt.arguments import holds_arguments, without_options
from gpucloud.prepare.adopt.decide import Verdict
from gpucloud.prepare.adopt.lines import CutLines, Edit, SwapWord, edit_text
from gpucloud.prepare.adopt.programs import short_of
from gpucloud.prepare.adopt.setting import Lines, Whole, Word
from gpucloud.prepare.boot.cleared import Cleared
from gpucloud.prepare.boot.paths import KERNELSTUB
from gpucloud.prepare.boot.wanted import New

_BECAUSE = "what it did by hand, the spec says from now on"
_OF_FOLDERS = ("/etc/modprobe.d/", "/etc/modules-load.d/", "/etc/dracut.conf.d/", f"{by_hand.UDEV_RULES}/")
"""Folders of drop-in files: one with nothing left in it goes. Others belong to the distribution."""


@dataclass(frozen=True, slots=True)
class Clearance:
    """The clean-up, and scripts that stay though they are understood."""

    cleared: Cleared
    kept_scripts: Mapping[str, str]
    """By path, why they stay."""


def clear(
    files: BootFiles, verdicts: Sequence[Verdict], scripts: Sequence[str], callers: Mapping[str, str]
) -> Clearance:
    """What goes, of the settings that a spec says instead.

    Args:
        files: the files as they are.
        verdicts: what becomes of each setting.
        scripts: scripts that are understood.
        callers: other files that may run them, with what they say.
    """
    going = [verdict for verdict in verdicts if verdict.left is None]
    new = dict(_changed(files, going))
    kept = dict(_kept_scripts(files, new, going, scripts, callers))
    gone = [path for path in scripts if path not in kept]
    new |= {path: New(None, 0, f"{_BECAUSE}, and nothing runs it any more") for path in gone}
    apart = frozenset(path for path in new if not holds_arguments(path))
    outside = (*by_hand.RC_LOCAL, *by_hand.MISNAMED)
    folders = (f"{by_hand.UNITS}/", f"{by_hand.DRIVERCTL}/")
    in_initramfs = frozenset(path for path in apart if path not in outside and not path.startswith(folders))
    return Clearance(Cleared(new, in_initramfs, apart, tuple(_links(going))), kept)


def _changed(files: BootFiles, going: Sequence[Verdict]) -> Iterator[tuple[str, New]]:
    for path in dict.fromkeys(verdict.setting.path for verdict in going):
        state = files.state(path)
        mine = [verdict for verdict in going if verdict.setting.path == path]
        if isinstance(state, FileState):
            text = None if _is_whole(mine) else _edited(path, state.text, mine)
            if text is not None and not text.strip() and _is_ours_to_remove(path):
                text = None
            yield path, New(text, state.mode, _BECAUSE)


def _is_whole(verdicts: Sequence[Verdict]) -> bool:
    return any(isinstance(verdict.setting.cut, Whole) for verdict in verdicts)


def _is_ours_to_remove(path: str) -> bool:
    return path.startswith(_OF_FOLDERS) or path in by_hand.MISNAMED


def _edited(path: str, text: str, verdicts: Sequence[Verdict]) -> str:
    edits = list(dict.fromkeys(_edit(verdict) for verdict in verdicts))
    if path == KERNELSTUB:
        return without_options(text, {each.old: each.new for each in edits if isinstance(each, SwapWord)})
    edited = edit_text(text, edits)
    if path == GRUB_ENVIRONMENT and text.endswith("#"):  # GRUB cannot make the block longer or shorter
        return edited.rstrip("#").ljust(len(text), "#")
    return edited


def _edit(verdict: Verdict) -> Edit:
    cut = verdict.setting.cut
    if isinstance(cut, Lines):
        return CutLines(cut.first, cut.last)
    if not isinstance(cut, Word):
        raise TypeError(f"{verdict.setting.path} has nothing that could be taken out")
    if verdict.entries:
        return SwapWord(cut.first, cut.last, cut.word, cut.prefix + ",".join(verdict.entries))
    return CutLines(cut.first, cut.last) if cut.is_alone else SwapWord(cut.first, cut.last, cut.word)


def _kept_scripts(
    files: BootFiles,
    new: Mapping[str, New],
    going: Sequence[Verdict],
    scripts: Sequence[str],
    callers: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Scripts that nothing here runs, or that something still names."""
    run = {verdict.setting.runs for verdict in going}
    texts = {path: state.text for path, state in files.files.items() if isinstance(state, FileState)}
    for script in scripts:
        if not {script, short_of(script)} & run:
            yield script, "nothing that is known here runs it"
            continue
        others = [
            path
            for path, text in texts.items()
            if path not in scripts and short_of(script) in ((new[path].text or "") if path in new else text)
        ]
        name = script.rpartition("/")[2]
        others += [path for path, text in callers.items() if path not in (script, *texts) and name in text]
        if others:
            yield script, f"{others[0]} still names it"


def _links(going: Sequence[Verdict]) -> Iterator[Step]:
    for verdict in going:
        if isinstance(verdict.setting.cut, Whole):
            for link, target in verdict.setting.cut.links:
                yield Step(EnableUnit(path=link, unit=target, is_on=False), "its unit goes", None)
