"""A line of prose broken between words, so that it fits a terminal."""

from __future__ import annotations

import re
from textwrap import TextWrapper

_LABEL = re.compile(r"^\s*(?:[-*] |\d+\. |[a-z]{1,8}: |\S+ {2,})")
"""What stands before the text of a line, under which its rest is put: ``why  ``, ``1. ``, ``risk: ``."""
_INDENT = 2
_WHOLE = re.compile(
    r"`[^`]+`"
    r"|systemctl(?: --[a-z]+)* [a-z-]+ \S+(?: \S+\.(?:service|socket))*"
    r"|plymouth quit|virsh [a-z]+ \S+|kill \d+"
    r"|(?:sudo )?gpucloud(?: (?:lab cloud|lab|nova|cloud))?(?: [a-z]+)"
    r"(?: --?[a-z][-a-z]*(?: [^-\s]\S*)?| \S*[-./\d]\S*)*"
)
"""What is copied into a terminal, and therefore stays on one line: what stands in backticks, and commands."""
_GLUE = "\0"
"""For a space that is not broken at; text that is printed has no control characters."""


def wrap(line: str, width: int) -> str:
    """Break a line of prose between words; what follows its first part is put under its text.

    Words that are longer than the width, commands too, are never broken.

    Args:
        line: clean text without newlines.
        width: columns.
    """
    if len(line) <= width:
        return line
    hang = _hang(line, width)
    glued = _WHOLE.sub(_glue, _LABEL.sub(_glue, line, count=1))
    wrapper = TextWrapper(
        width,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(wrapper.wrap(glued)).replace(_GLUE, " ")


def _glue(found: re.Match[str]) -> str:
    return found[0].replace(" ", _GLUE)


def _hang(line: str, width: int) -> int:
    label = _LABEL.match(line)
    if label is not None and label.end() <= width // 2:
        return label.end()
    indent = len(line) - len(line.lstrip())
    is_paragraph = not indent and line.endswith(".")  # what a message says has no full stop at its end
    return 0 if is_paragraph else indent + _INDENT
