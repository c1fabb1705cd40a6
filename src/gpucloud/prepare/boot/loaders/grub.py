"""GRUB's configuration in the shell's language: /etc/default/grub and, in Debian's family, its drop-ins.

grub-mkconfig sources /etc/default/grub; Debian's and Ubuntu's then source /etc/default/grub.d/*.cfg, so that
a later file's assignment wins (util/grub-mkconfig.in as they patch it). A kernel gets ``GRUB_CMDLINE_LINUX``,
and all but a recovery entry also ``GRUB_CMDLINE_LINUX_DEFAULT``: gpucloud adds to the latter, so a recovery
entry is left.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gpucloud.inventory.shell import NotToldError, commands, values
from gpucloud.model.boot import BootFiles
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.arguments import Argument
from gpucloud.prepare.boot.loaders.loader import Texts, add_words
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
_KEPT = "\0"
"""Stands for what a variable has before a drop-in; no file has it."""


@dataclass(frozen=True, slots=True)
class GrubDropIn:
    """Debian's family: a drop-in of gpucloud's own."""

    tools: tuple[tuple[str, ...], ...] = (("update-grub",),)
    name: str = "GRUB: a drop-in of its own in `/etc/default/grub.d`"
    own: tuple[str, ...] = (GRUB_DROP_IN,)

    def arguments(self, files: BootFiles) -> tuple[Argument, ...] | Unknown:
        drop_ins = files.matching(GRUB_DROP_INS, ".cfg")
        if isinstance(drop_ins, Unknown):
            return drop_ins
        for path in (path for path in drop_ins if path > GRUB_DROP_IN):
            if (why := _hides(files, path)) is not None:
                return Unknown(why)
        return _evaluate(files, (GRUB, *(path for path in drop_ins if path != GRUB_DROP_IN)))

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        del files
        if not words:
            return {GRUB_DROP_IN: None}
        return {GRUB_DROP_IN: f'{HEADER}{_NORMAL}="${_NORMAL} {" ".join(words)} {_TRIAL}"\n'}


@dataclass(frozen=True, slots=True)
class GrubFile:
    """Others: the line in /etc/default/grub, with words added at its end."""

    tools: tuple[tuple[str, ...], ...]
    variable: str = _NORMAL
    name: str = "GRUB: the line in `/etc/default/grub`"
    own: tuple[str, ...] = ()

    def arguments(self, files: BootFiles) -> tuple[Argument, ...] | Unknown:
        return _evaluate(files, (GRUB,))

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        return add_to_file(files, self.variable, words) if words else {}


def why_not_told(files: BootFiles) -> str | None:
    """Why it cannot be told what /etc/default/grub assigns; None where it can, or nothing was read of it."""
    found = _evaluate(files, (GRUB,)) if isinstance(files.text(GRUB), str) else ()
    return found.why if isinstance(found, Unknown) else None


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
        return text[: last.begin] + _with_words(plain, words) + text[last.end :]
    gap = "" if not text or text.endswith("\n") else "\n"
    before = f"${variable} " if named else ""
    return f'{text}{gap}{variable}="{before}{" ".join(words)}"\n'


def _with_words(plain: re.Match[str], words: Sequence[str]) -> str:
    """``X="a b"`` as ``X="a b c"``, in the line's own quotes and with its comment."""
    head, double, in_double, single, in_single, bare, tail = plain.groups()
    quote = double or single or '"'
    return f"{head}{quote}{add_words(in_double or in_single or bare or '', words)}{quote}{tail}"


def _evaluate(files: BootFiles, paths: Sequence[str]) -> tuple[Argument, ...] | Unknown:
    """The arguments as the shell would leave them after all files."""
    have = dict.fromkeys(_BOTH, "")
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
        new = {word for name in _BOTH for word in have[name].split()}
        said_in |= dict.fromkeys(new - {word for name in _BOTH for word in before[name].split()}, path)
    found = tuple(Argument(word, said_in[word]) for name in _BOTH for word in have[name].split())
    last = next((each for each in found if each.text == "--" or each.text.startswith("#")), None)
    if last is not None:  # GRUB's own language has comments, too
        return Unknown(f"{last.path}: what stands behind {last.text} never gets to the kernel: take both out")
    return found


def _hides(files: BootFiles, path: str) -> str | None:
    """Why a drop-in after gpucloud's leaves nothing of what was said before it, or may; None: it does not."""
    text = files.text(path)
    try:
        kept = values(text if isinstance(text, str) else "", dict.fromkeys(_BOTH, _KEPT), _BOTH)[_NORMAL]
    except NotToldError as error:
        return _refused(path, error)
    is_kept = _KEPT in kept
    return None if is_kept else f"{path} is read after {GRUB_DROP_IN}, and sets {_NORMAL} anew: rename it"


def _refused(path: str, error: NotToldError) -> str:
    return f"{path}: {error}: write {_ALWAYS} and {_NORMAL} there as plain assignments"
