"""GRUB's configuration in the shell's language: /etc/default/grub and, in Debian's family, its drop-ins.

grub-mkconfig sources /etc/default/grub; Debian's and Ubuntu's then source /etc/default/grub.d/*.cfg, so that
a later file's assignment wins (util/grub-mkconfig.in as they patch it). A kernel gets ``GRUB_CMDLINE_LINUX``,
and all but a recovery entry also ``GRUB_CMDLINE_LINUX_DEFAULT``: gpucloud adds to the latter, so a recovery
entry is left.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpucloud.inventory.shell import NotToldError, commands, values
from gpucloud.inventory.system.kernel import parse_arguments
from gpucloud.model.boot import BootFiles
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.arguments import Argument
from gpucloud.prepare.boot.loaders.loader import (
    Texts,
    add_words,
    end_of_arguments,
    ends_arguments,
    in_all,
    kernel_words,
)
from gpucloud.prepare.boot.own.paths import GRUB_DROP_IN, HEADER
from gpucloud.prepare.boot.paths import GRUB, GRUB_DROP_INS

_ALWAYS, _NORMAL = "GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"
_BOTH = (_ALWAYS, _NORMAL)
_TRIAL = "\\$gpucloud_trial"
"""A variable of GRUB's own language, for the shell to leave alone: empty but while a start is tried."""
_PLAIN = re.compile(
    r"""(\s*(?:export\s+)?\w+=)(?:(")((?:[^"\\\n]|\\[^\n])*)"|(')([^'\n]*)'|([\w./:,=@%+-]*))"""
    r"([ \t\r]*(?:[ \t]#[^\n]*)?)"
)
"""An assignment of one value in one pair of quotes, or in none, on one line."""
_NOTHING = dict.fromkeys(_BOTH, "")
_KEPT = "\0"
"""Stands for what a variable has before a drop-in; no file has it."""


@dataclass(frozen=True, slots=True)
class GrubDropIn:
    """Debian's family: a drop-in of gpucloud's own."""

    tools: tuple[tuple[str, ...], ...] = (("update-grub",),)
    name: str = "GRUB: a drop-in of its own in `/etc/default/grub.d`"
    own: tuple[str, ...] = (GRUB_DROP_IN,)

    def arguments(self, files: BootFiles) -> tuple[Argument, ...] | Unknown:
        drop_ins = _drop_ins(files)
        if isinstance(drop_ins, Unknown):
            return drop_ins
        for path in (path for path in drop_ins if path > GRUB_DROP_IN):
            if (why := _hides(files, path, _NORMAL)) is not None:
                return Unknown(f"{path} is read after {GRUB_DROP_IN}{why}: rename it")
        return _told(_said(files, _others(drop_ins)), _NORMAL)

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        if not words:
            return {GRUB_DROP_IN: None}
        drop_ins = _drop_ins(files)
        said = _said(files, _others(() if isinstance(drop_ins, Unknown) else drop_ins))
        has_end = not isinstance(said, Unknown) and _end_in(said[_NORMAL]) is not None
        return {GRUB_DROP_IN: HEADER + _adding(_NORMAL, (*words, _TRIAL), is_before=has_end)}


@dataclass(frozen=True, slots=True)
class GrubFile:
    """Others: the line in /etc/default/grub, with words added at its end."""

    tools: tuple[tuple[str, ...], ...]
    variable: str = _NORMAL
    name: str = "GRUB: the line in `/etc/default/grub`"
    own: tuple[str, ...] = ()

    def arguments(self, files: BootFiles) -> tuple[Argument, ...] | Unknown:
        drop_ins = _drop_ins(files)
        if isinstance(drop_ins, Unknown) or files.text(GRUB) is None:
            return drop_ins if isinstance(drop_ins, Unknown) else Unknown(f"{GRUB} is not there")
        for path in drop_ins:
            if (why := _hides(files, path, self.variable)) is not None:
                do = f"say in {GRUB} what it says, and take it away"
                return Unknown(f"{path} counts where grub2-mkconfig reads it{why}: {do}")
        alone, joined = (_told(_said(files, paths), self.variable) for paths in ((GRUB,), _others(drop_ins)))
        if isinstance(alone, Unknown) or isinstance(joined, Unknown):
            return alone if isinstance(alone, Unknown) else joined
        return alone if alone == joined else in_all((alone, joined))

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        return add_to_file(files, self.variable, words) if words else {}


def why_not_told(files: BootFiles) -> str | None:
    """Why it cannot be told what /etc/default/grub assigns; None where it can, or nothing was read of it."""
    found = _said(files, (GRUB,)) if isinstance(files.text(GRUB), str) else {}
    return found.why if isinstance(found, Unknown) else None


def makes_entries(files: BootFiles) -> bool:
    """Claims that grub2-mkconfig writes the menu itself, and takes none of the boot entries there are."""
    text = files.text(GRUB)
    have = values(text, _NOTHING, ()) if isinstance(text, str) and why_not_told(files) is None else {}
    return have.get("GRUB_ENABLE_BLSCFG") == "false"


def add_to_file(files: BootFiles, variable: str, words: Sequence[str]) -> Texts:
    """/etc/default/grub with words added, where it is there and its assignments can be told."""
    text = files.text(GRUB)
    if not isinstance(text, str) or why_not_told(files) is not None:
        return {}
    return {GRUB: add_to_line(text, variable, words)}


def add_to_line(text: str, variable: str, words: Sequence[str]) -> str:
    """The text with words added: to the last assignment of the variable, or in a new line at the end.

    Raises:
        NotToldError: the text is none whose assignments can be told.
    """
    named = [command for command in commands(text) if variable in command.may_change]
    last = named[-1] if named else None
    plain = _PLAIN.fullmatch(last.text) if last is not None and last.is_certain else None
    if last is not None and plain is not None and plain[1].endswith(f"{variable}="):
        changed = text[: last.begin] + _with_words(plain, words) + text[last.end :]
        if {*words} <= {*kernel_words(values(changed, _NOTHING, _BOTH)[variable], is_grubs=True)}:
            return changed
    before = values(text, _NOTHING, _BOTH)[variable]
    is_cut = end_of_arguments(before) < len(before)
    new = _adding(variable, words, is_before=is_cut) if named else f'{variable}="{" ".join(words)}"\n'
    return f"{_ended(text)}{new}"


def _ended(text: str) -> str:
    """The text with its last line ended, also where that would go on behind a backslash."""
    text = text if not text or text.endswith("\n") else f"{text}\n"
    return f"{text}\n" if text.endswith("\\\n") else text


def _with_words(plain: re.Match[str], words: Sequence[str]) -> str:
    """``X="a b"`` as ``X="a b c"``, in the line's own quotes and with its comment."""
    head, double, in_double, single, in_single, bare, tail = plain.groups()
    quote = double or single or '"'
    return f"{head}{quote}{add_words(in_double or in_single or bare or '', words)}{quote}{tail}"


def _adding(variable: str, words: Sequence[str], *, is_before: bool) -> str:
    """A line that adds words behind, or before, what the variable has."""
    parts = (*words, f"${variable}") if is_before else (f"${variable}", *words)
    return f'{variable}="{" ".join(parts)}"\n'


def _others(drop_ins: Sequence[str]) -> tuple[str, ...]:
    """The files of others, in the order in which they are read."""
    return (GRUB, *(path for path in drop_ins if path != GRUB_DROP_IN))


_Said = Mapping[str, tuple[Argument, ...]]
"""All words that each of the two variables has."""


def _said(files: BootFiles, paths: Sequence[str]) -> _Said | Unknown:
    """The words as the shell would leave them after all files."""
    have = dict(_NOTHING)
    said_in: dict[str, str] = {}
    for path in paths:
        text = files.text(path)
        if isinstance(text, Unknown):
            return text
        before = have
        try:
            have = values(text or "", have, _BOTH)
        except NotToldError as error:
            return Unknown(_refused(path, error))
        new = {word for name in _BOTH for word in parse_arguments(have[name])}
        old = {word for name in _BOTH for word in parse_arguments(before[name])}
        said_in |= dict.fromkeys(new - old, path)
    if is_open := next((name for name in _BOTH if have[name].count('"') % 2), None):
        return Unknown(f"{is_open} has a quote without its end after {', '.join(paths)}: give it one")
    return {
        name: tuple(Argument(word, said_in[word]) for word in parse_arguments(have[name])) for name in _BOTH
    }


def _told(said: _Said | Unknown, variable: str) -> tuple[Argument, ...] | Unknown:
    """What the kernel itself is told; Unknown where nothing that is added to the variable would be."""
    if isinstance(said, Unknown):
        return said
    end = _end_in(said[_ALWAYS])
    if end is not None and variable == _NORMAL:
        why = f"{end.path}: {_ALWAYS} has {end.text}, behind which {_NORMAL} never gets to the kernel"
        return Unknown(f"{why}: move it, and what follows it, to {_NORMAL}")
    words = (*said[_ALWAYS], *said[_NORMAL])
    end = _end_in(words)
    return words if end is None else words[: words.index(end)]


def _end_in(words: Sequence[Argument]) -> Argument | None:
    """The word behind which nothing is for the kernel, as GRUB reads it."""
    return next((word for word in words if ends_arguments(word.text)), None)


def _drop_ins(files: BootFiles) -> tuple[str, ...] | Unknown:
    """As ``*.cfg`` names them to the shell: without those whose names begin with a dot."""
    found = files.matching(GRUB_DROP_INS, ".cfg")
    hidden = f"{GRUB_DROP_INS}/."
    return found if isinstance(found, Unknown) else tuple(p for p in found if not p.startswith(hidden))


def _hides(files: BootFiles, path: str, variable: str) -> str | None:
    """Why a drop-in leaves nothing of what was said before it, or may; None: it does not."""
    text = files.text(path)
    try:
        kept = values(text if isinstance(text, str) else "", dict.fromkeys(_BOTH, _KEPT), _BOTH)[variable]
    except NotToldError as error:
        return f", and its {error}"
    return None if _KEPT in kernel_words(kept, is_grubs=True) else f", and sets {variable} anew"


def _refused(path: str, error: NotToldError) -> str:
    return f"{path}: {error}: write {_ALWAYS} and {_NORMAL} there as plain assignments"
