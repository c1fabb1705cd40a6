"""What of GRUB's defaults a capture keeps: assignments that leave the kernel the same arguments.

The files are sourced by a shell (util/grub-mkconfig.in) and may hold anything, passwords too; so none of
their text is kept, but what the two variables have after them, as far as that can be told (``shell``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpucloud.inventory.shell import NotToldError, commands, values
from gpucloud.inventory.system.boot import AT_TIMES
from gpucloud.inventory.system.kernel import parse_arguments

_BOTH = ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT")
_NOTHING = dict.fromkeys(_BOTH, "")
_MARKS = {name: f"\0{number}" for number, name in enumerate(_BOTH)}
"""Stand for what the variables had before; no shell takes that character."""
_SPECIAL = re.compile(r"""["'\\`$\s]""")


def assignments_only(text: str, *, is_first: bool) -> str:
    """The file as one line for each of the two variables that it gives arguments, in a right order.

    Args:
        text: the file.
        is_first: no other file is sourced before it, so that both variables have nothing then.
    """
    doubtful = "\n".join(f"{AT_TIMES}{name}=" for name in _BOTH)
    try:
        said = {name for command in commands(text) for name, _, _ in command.assignments}
        after, alone = (values(text, have, _BOTH) for have in (_NOTHING if is_first else _MARKS, _NOTHING))
    except NotToldError:
        return doubtful
    always, normal = _BOTH
    takes = _MARKS[normal] in after[always], _MARKS[always] in after[normal]
    is_open = any(after[name].count('"') % 2 for name in _BOTH)
    if "\0" in text or is_open or all(takes) or not _is_sure(after, alone):
        return doubtful
    order = (normal, always) if takes[1] else _BOTH
    return "\n".join(f'{name}="{_words(after[name])}"' for name in order if name in said)


def _is_sure(after: Mapping[str, str], alone: Mapping[str, str]) -> bool:
    """Claims that what the variables had before stands among what they have, and changes nothing else."""
    marks = {*_MARKS.values()}
    words = {name: after[name].split() for name in _BOTH}
    is_whole = all(word in marks for each in words.values() for word in each if "\0" in word)
    return is_whole and all(
        [word for word in words[name] if word not in marks] == alone[name].split() for name in _BOTH
    )


def _words(value: str) -> str:
    """The words, each without what the shell, or what redacts them, would part them at."""
    names = {mark: f"${name}" for name, mark in _MARKS.items()}
    words = (names.get(word) or _SPECIAL.sub("", word) for word in parse_arguments(value))
    return " ".join(re.sub("^#(?=.)", "# ", word) for word in words)
