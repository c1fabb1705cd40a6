"""A file parted where operators and newlines stand, but for those in quotes, comments and here-documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HERE = re.compile(r"<<(-?)[ \t]*(['\"]?)([\w.-]+)\2(?=[\s;&|()<>]|\Z)")
_COMMENT = re.compile(r"#[^\n]*")


class NotToldError(Exception):
    """What a variable has cannot be told; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Part:
    """What stands between two operators, but for a comment at its end."""

    begin: int
    text: str
    line: int
    before: str
    after: str


def parts(text: str) -> Iterator[Part]:
    """What operators part, in order.

    Raises:
        NotToldError: a quote, a substitution or a here-document has no end.
    """
    begin = at = 0
    line, before = 1, ""
    here: list[re.Match[str]] = []
    said: int | None = None
    while at < len(text):
        character = text[at]
        if character == "#" and (at == begin or text[at - 1] in " \t"):
            said, at = at, end_of(_COMMENT, text, at)
        elif text.startswith("<<", at):
            here.append(_opened(text, at))
            at = here[-1].end()
        elif character in "\n;&|()" and not (character in "&|" and text[at - 1 : at] in ("<", ">")):
            after = text[at : at + 2] if text[at : at + 2] in ("&&", "||") else character
            yield Part(begin, text[begin : at if said is None else said], line, before, after)
            at += len(after)
            line += text.count("\n", begin, at)
            if character == "\n" and here:
                begin, at, here = at, _past(text, at, here), []
                yield Part(begin, _expanded(text[begin:at]), line, "<<", "\n")
                line += text.count("\n", begin, at)
            begin, before, said = at, after, None
        else:
            at = past_unit(text, at)
    if here:
        raise NotToldError(f"the text up to {here[0][3]} has no end")
    yield Part(begin, text[begin:said], line, before, "")


def _opened(text: str, at: int) -> re.Match[str]:
    opened = _HERE.match(text, at)
    if opened is None:
        raise NotToldError(f"line {text.count(chr(10), 0, at) + 1} opens a text whose end is not read")
    return opened


def _expanded(body: str) -> str:
    """What the shell does in a here-document, as if none of its delimiters were quoted."""
    return body if "$" in body or "`" in body else ""


def _past(text: str, at: int, here: list[re.Match[str]]) -> int:
    """Behind the texts of the here-documents that the last line opened."""
    for opened in here:
        tabs = "\t*" if opened[1] else ""
        end = re.compile(rf"^{tabs}{re.escape(opened[3])}(?:\n|\Z)", re.MULTILINE).search(text, at)
        if end is None:
            raise NotToldError(f"the text up to {opened[3]} has no end")
        at = end.end()
    return at


def past_unit(text: str, at: int) -> int:
    """Behind what stands here: a character, or all that a quote or a substitution holds.

    Raises:
        NotToldError: it has no end.
    """
    character = text[at]
    if character == "\\":
        return min(at + 2, len(text))
    if character == "'":
        return _behind(text, text.find("'", at + 1), at)
    if character == "`":
        closed = re.compile(r"(?:\\.|[^`\\])*`", re.DOTALL).match(text, at + 1)
        return _behind(text, closed.end() - 1 if closed else -1, at)
    if character == '"':
        return _past_group(text, at, at + 1, '"')
    if text.startswith("${", at):
        return _past_group(text, at, at + 2, "}")
    if text.startswith("$(", at):
        return _past_group(text, at, at + 2, ")")
    return at + 1


def _behind(text: str, closed: int, opened: int) -> int:
    if closed < 0:
        raise NotToldError(f"line {text.count(chr(10), 0, opened) + 1} has {text[opened]} without its end")
    return closed + 1


def _past_group(text: str, opened: int, at: int, closer: str) -> int:
    """Behind the closer; groups stand in each other without recursion."""
    closers = [closer]
    while at < len(text) and closers:
        inner = closers[-1]
        if text[at] == inner:
            closers.pop()
            at += 1
        elif text[at] == "(" and inner == ")":
            closers.append(")")
            at += 1
        elif text[at] == '"' or text.startswith(("${", "$("), at):
            closers.append({'"': '"', "{": "}", "(": ")"}[text[at] if text[at] == '"' else text[at + 1]])
            at += 1 if text[at] == '"' else 2
        elif text[at] == "'" and inner == '"':
            at += 1
        else:
            at = past_unit(text, at)
    return at if not closers else _behind(text, -1, opened)


def end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where it ends if it begins here; else here."""
    match = pattern.match(text, at)
    return match.end() if match is not None else at
