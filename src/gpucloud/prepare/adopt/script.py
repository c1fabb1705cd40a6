"""Shell scripts that set a host up by hand, line by line: which lines are understood, and which are not.

A loop or a condition is one chunk from its first line to its last: it is understood whole, or not at all.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from gpucloud.model.pci import PciAddress
from gpucloud.prepare.adopt.setting import VFIO_MODULES, Ask, plain
from gpucloud.prepare.adopt.statement import Scripts, Values, asks_of, commands_of

_FOR = re.compile(r"for\s+(\w+)\s+in\s+([^;&|]+?)\s*(?:;\s*do)?")
"""The head of a loop and nothing behind it: what follows ``do`` on its line does other work."""
_ASSIGNMENT = re.compile(r"(?:export\s+)?(\w+)=(.*)")
_FRAME = re.compile(
    r"#.*|PREREQ(?:S)?=.*|prereqs\s*\(\)(?:\s*\{)?|\{|\}|echo \"?\$PREREQS?\"?|case \"?\$\{?1\}?\"? in"
    r"|prereqs\)|exit 0|;;|esac|\. /(?:usr/share/initramfs-tools/hook-functions|scripts/functions)"
    r"|prereqs\)\s*prereqs;?\s*exit 0\s*;;|prereqs|set -eu?|set -x|do|then"
)
"""Lines that every hook and script has, and that do nothing by themselves."""
_HOOK = re.compile(
    r"(?:copy_exec|copy_file\s+\w+)\s+(\S+)(?:\s+\S+)?|(?:manual_add_modules|force_load)\s+(.+)"
)
_FUNCTION = re.compile(r"\s*(?:function\s+[\w-]+|[\w-]+\s*\(\))")
_OPENS, _CLOSES = ("for", "while", "until", "if", "case"), ("done", "fi", "esac")
_LENGTH_LIMIT, _LINE_LIMIT = 65536, 1000
"""Characters of a script and of a line of it: scripts that bind devices have some hundred."""


class Meaning(Enum):
    """What a chunk is."""

    OURS = "sets the host up for guests"
    IDLE = "does nothing by itself"
    FOREIGN = "not understood"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines that stay or go together."""

    first: int
    last: int
    text: str
    meaning: Meaning
    asks: tuple[Ask, ...] = ()
    runs: str | None = None
    """A script that it runs, or brings into the initramfs."""


def chunks_of(text: str, scripts: Scripts) -> tuple[Chunk, ...]:
    """The chunks of a script, in order.

    Args:
        text: the script.
        scripts: others that it may run.
    """
    lines = text.splitlines()
    ranges = list(_ranges(lines))
    if not _is_plain(lines) or sum(last - first + 1 for first, last in ranges) != len(lines):
        return (Chunk(1, len(lines), "", Meaning.FOREIGN),)
    values = dict(_values(lines))
    chunks = tuple(_chunk(lines, first, last, values, scripts) for first, last in ranges)
    foreign = "\n".join(chunk.text for chunk in chunks if chunk.meaning is Meaning.FOREIGN)
    return tuple(_kept_if_used(chunk, foreign) for chunk in chunks)


def understood(text: str, scripts: Scripts) -> tuple[Ask, ...] | None:
    """What a script asks for; None where a line of it is not understood, or none sets anything up."""
    chunks = chunks_of(text, scripts)
    if not any(chunk.meaning is Meaning.OURS for chunk in chunks):
        return None
    if any(chunk.meaning is Meaning.FOREIGN for chunk in chunks):
        return None
    return tuple(dict.fromkeys(ask for chunk in chunks for ask in chunk.asks))


def _is_plain(lines: Sequence[str]) -> bool:
    """Claims that every line can be told by itself: no functions, no text of other files, no open quotes."""
    bare = [line for line in lines if not line.lstrip().startswith("#")]
    return sum(map(len, lines)) + len(lines) <= _LENGTH_LIMIT and not any(
        "<<" in line
        or len(line) > _LINE_LIMIT
        or (_FUNCTION.match(line) and not line.lstrip().startswith("prereqs"))
        or commands_of(line.removesuffix("\\")) is None
        for line in bare
    )


def _ranges(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last line of each chunk, counted from 1; of a block that does not end there is none."""
    first, depth, goes_on = 1, 0, False
    for number, line in enumerate(lines, 1):
        words = re.split(r"[\s;]+", line.strip())
        first = first if depth or goes_on else number
        if not (words[0] in ("case", "esac") and _is_prerequisites(lines)):
            depth = max(depth + (words[0] in _OPENS) - sum(word in _CLOSES for word in words), 0)
        goes_on = line.endswith("\\")
        if not depth and not goes_on:
            yield first, number


def _is_prerequisites(lines: Sequence[str]) -> bool:
    """Claims the case with which every script of an initramfs says what it waits for (initramfs-tools(7))."""
    cases = [number for number, line in enumerate(lines) if line.lstrip().startswith("case ")]
    return len(cases) == 1 and any("prereqs)" in line for line in lines[cases[0] : cases[0] + 2])


def _chunk(lines: Sequence[str], first: int, last: int, values: Values, scripts: Scripts) -> Chunk:
    inside = " ".join(line.rstrip("\\") for line in lines[first - 1 : last])
    if last == first or lines[first - 1].endswith("\\"):
        meanings = [_line(inside.strip(), values, scripts)]
    else:
        scope = {**values, **dict(_loops(lines[first - 1 : last], values))}
        meanings = [_line(line.strip(), scope, scripts) for line in lines[first - 1 : last]]
    if any(found is None for found in meanings):
        return Chunk(first, last, inside, Meaning.FOREIGN)
    known = [found for found in meanings if found is not None]
    asks = tuple(dict.fromkeys(ask for found in known for ask in found.asks))
    runs = next((found.runs for found in known if found.runs), None)
    is_ours = any(found.is_ours for found in known)
    return Chunk(first, last, " ".join(inside.split()), Meaning.OURS if is_ours else Meaning.IDLE, asks, runs)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that is understood."""

    is_ours: bool = False
    asks: tuple[Ask, ...] = ()
    runs: str | None = None


def _line(line: str, values: Values, scripts: Scripts) -> _Line | None:
    """What one line is; None: not understood."""
    if not line or _FRAME.fullmatch(line) or line in ("done", "fi") or _is_condition(line):
        return _Line()
    if (match := _FOR.fullmatch(line)) is not None:
        return _Line() if match[1] in values else None
    if (match := _ASSIGNMENT.fullmatch(line)) is not None:
        return _Line(is_ours=True) if match[1] in values else None
    if (match := _HOOK.fullmatch(line)) is not None:
        return _hook(match, scripts)
    return _commands(line, values, scripts)


def _is_condition(line: str) -> bool:
    """Claims an ``if`` that only looks: one test, of a variable or of what is below /sys."""
    test = line.removesuffix("then").rstrip("; ")
    runs = test.replace("$(ls -A /sys/", "")
    is_test = line.startswith("if [") and test.endswith("]") and ("/sys/" in test or "$" in test)
    return is_test and not any(sign in runs for sign in ("$(", "`", ";", "&", "|", "<", ">"))


def _hook(match: re.Match[str], scripts: Scripts) -> _Line | None:
    if match[1] is not None:
        return _Line(True, scripts[match[1]], match[1]) if match[1] in scripts else None
    return _Line(is_ours=True) if {plain(word) for word in match[2].split()} <= VFIO_MODULES else None


def _commands(line: str, values: Values, scripts: Scripts) -> _Line | None:
    commands = commands_of(line)
    if commands is None:
        return None
    asks: list[Ask] = []
    is_ours, runs = False, None
    for command in commands:
        found = asks_of(command, values, scripts)
        if found is None:
            return None
        runs = next((word for word in command if word in scripts), runs)
        is_ours = is_ours or bool(found) or command[0].rpartition("/")[2] == "modprobe" or runs is not None
        asks += found
    return _Line(is_ours, tuple(asks), runs)


def _values(lines: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Variables that hold addresses and nothing else; one that is assigned twice is none of them."""
    found: dict[str, list[tuple[str, ...] | None]] = {}
    for line in lines:
        if match := _ASSIGNMENT.fullmatch(line.strip()):
            found.setdefault(match[1], []).append(_addresses(match[2]))
    for name, words in found.items():
        if len(words) == 1 and words[0] is not None:
            yield name, words[0]


def _loops(lines: Sequence[str], values: Values) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Variables of loops over addresses."""
    for line in lines:
        match = _FOR.fullmatch(line.strip())
        if match is None:
            continue
        reference = re.fullmatch(r"\"?\$\{?(\w+)\}?\"?", match[2])
        words = values.get(reference[1]) if reference else _addresses(match[2])
        if words:
            yield match[1], words


def _addresses(text: str) -> tuple[str, ...] | None:
    try:
        words = tuple(word for part in shlex.split(text, comments=True) for word in part.split())
        return tuple(str(PciAddress.parse(word)) for word in words) or None
    except ValueError:
        return None


def _kept_if_used(chunk: Chunk, foreign: str) -> Chunk:
    """A variable that lines which stay still use stays, too."""
    match = _ASSIGNMENT.fullmatch(chunk.text)
    if match is None or chunk.meaning is not Meaning.OURS or not re.search(rf"\$\{{?{match[1]}\b", foreign):
        return chunk
    return Chunk(chunk.first, chunk.last, chunk.text, Meaning.FOREIGN)
