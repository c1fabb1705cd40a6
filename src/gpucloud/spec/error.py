"""What is wrong with a spec, and on which line."""

from __future__ import annotations

from collections.abc import Iterable


class SpecError(ValueError):
    """One thing that is wrong.

    Args:
        line: where, from 1.
        what: what is wrong there.
        then: what to do about it.
    """

    def __init__(self, line: int, what: str, then: str) -> None:
        self.line, self.what, self.then = line, what, then
        super().__init__(f"line {line}: {what}; {then}")


def suggest(word: str, known: Iterable[str]) -> str:
    """What was meant, if one of the known words is near; else all of them."""
    words = list(known)
    near = nearest(word, words)
    return f"known are: {', '.join(words)}" if near is None else f"did you mean {near!r}?"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like it; case and ``-`` for ``_`` do not matter. None: none is near."""
    from difflib import get_close_matches

    plain = {each.lower().replace("-", "_"): each for each in known}
    near = get_close_matches(word[:80].lower().replace("-", "_"), plain, n=1, cutoff=0.6)
    return plain[near[0]] if near else None
