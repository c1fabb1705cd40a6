"""What variables have after the certain assignments of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpucloud.inventory.shell.commands import commands, names_in
from gpucloud.inventory.shell.parts import NotToldError, past_unit

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_DYNAMIC = frozenset(
    ("_", "LINENO", "RANDOM", "SRANDOM", "SECONDS", "OPTIND", "BASHPID", "EPOCHSECONDS", "EPOCHREALTIME")
)
"""A shell gives them other values than they are given (bash(1), Shell Variables)."""
_DEFAULTED = re.compile(r"([A-Za-z_]\w*)(:?)([-+])(.*)", re.ASCII | re.DOTALL)


def values(text: str, before: Mapping[str, str], of: tuple[str, ...]) -> dict[str, str]:
    """What all variables have after a file whose assignments are certain.

    Args:
        text: the file.
        before: what they have before it; of these and of no others is it known that they are set.
        of: those that have to be told; what cannot be told of others is left out of the result.

    Raises:
        NotToldError: one of them cannot be told.
    """
    have = dict(before)
    made = [(command, command.assignments) for command in commands(text)]
    doubtful = _DYNAMIC | {name for command, assigned in made if not assigned for name in command.may_change}
    for command, assigned in made:
        if name := next((name for name in of if not assigned and name in command.may_change), None):
            raise NotToldError(f"line {command.line} sets {name} only at times, or in a way that is not read")
        for name, adds, word in assigned:
            value = _expand(word, have)
            if value is None and {name, *names_in(word)} & {*of}:
                raise NotToldError(f"line {command.line} gives {name} what no reading of the file tells")
            if value is None or name in doubtful or (adds and name not in have):
                have.pop(name, None)
            else:
                have[name] = have[name] + value if adds else value
    return have


def _expand(word: str, have: Mapping[str, str]) -> str | None:
    """What the shell makes of a word; None where that cannot be told."""
    found: list[str] = []
    at, is_quoted = 0, False
    while at < len(word):
        character = word[at]
        end = at + 1 if character == '"' or (character == "'" and is_quoted) else past_unit(word, at)
        if character == '"':
            is_quoted = not is_quoted
        elif character == "'" and not is_quoted:
            found.append(word[at + 1 : end - 1])
        elif character == "\\":
            found.append(_escaped(word[at:end], is_quoted))
        elif character in "$`":
            value, end = _reference(word, at, end, have)
            if value is None:
                return None
            found.append(value)
        else:
            found.append(character)
        at = end
    return "".join(found)


def _escaped(pair: str, is_quoted: bool) -> str:
    if pair == "\\\n":
        return ""
    return pair if is_quoted and pair[1:] not in ("$", "`", '"', "\\") else pair[1:] or pair


def _reference(word: str, at: int, end: int, have: Mapping[str, str]) -> tuple[str | None, int]:
    """The value of what a dollar sign begins, and where that ends."""
    if word.startswith("${", at):
        return _in_braces(word[at + 2 : end - 1], have), end
    if name := _NAME.match(word, at + 1):
        return have.get(name[0]), name.end()
    is_plain = word[at] == "$" and not re.match(r"[\w@*#?$!('\"{-]", word[at + 1 : at + 2])
    return ("$" if is_plain else None), end


def _in_braces(inner: str, have: Mapping[str, str]) -> str | None:
    if _NAME.fullmatch(inner):
        return have.get(inner)
    match = _DEFAULTED.fullmatch(inner)
    if match is None or match[1] not in have or "\\}" in inner:  # that, each shell reads as it likes
        return None
    has = bool(have[match[1]]) if match[2] else True
    if match[3] == "-":
        return have[match[1]] if has else _expand(f'"{match[4]}"', have)
    return _expand(f'"{match[4]}"', have) if has else ""
