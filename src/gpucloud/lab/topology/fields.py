"""Strict reading of a table of a TOML file: each key once, known, and of the right kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gpucloud.model.failure import Exit, Failure


class Fields:
    """A table that is read key by key; `done` refuses keys that nobody asked for.

    Args:
        where: how errors name the table.
        data: the table as ``tomllib`` gives it.
    """

    def __init__(self, where: str, data: Mapping[str, object]) -> None:
        self._where = where
        self._data = data
        self._asked: set[str] = set()

    def wrong(self, key: str, wanted: str) -> Failure:
        """The error for a key that is not what it must be."""
        return Failure(f"{self._where}: {key} is wrong", f"it must be {wanted}", code=Exit.USAGE)

    def has(self, key: str) -> bool:
        return key in self._data

    def done(self) -> None:
        """Refuse what was not asked for.

        Raises:
            Failure: naming the first unknown key and the known ones.
        """
        unknown = sorted(set(self._data) - self._asked)
        if unknown:
            known = ", ".join(sorted(self._asked))
            raise Failure(
                f"{self._where}: unknown key {unknown[0]!r}", f"known are: {known}", code=Exit.USAGE
            )

    def text(self, key: str, default: str | None = None) -> str:
        value = self._get(key, default)
        if not isinstance(value, str) or len(value) > 4000:
            raise self.wrong(key, "text")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def number(self, key: str, allowed: range, default: int | None = None) -> int:
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
            raise self.wrong(key, f"a whole number from {allowed.start} to {allowed.stop - 1}")
        return value

    def word(self, key: str, pattern: re.Pattern[str]) -> str:
        value = self._get(key, None)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self.wrong(key, f"a word of the form {pattern.pattern}")
        return value

    def one_of(self, key: str, allowed: Sequence[str]) -> str:
        value = self._get(key, None)
        if not isinstance(value, str) or value not in allowed:
            raise self.wrong(key, f"one of: {', '.join(allowed)}")
        return value

    def words(self, key: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        """A list of words, by default empty; order and repeats are kept: the kernel reads both."""
        values = self._list(key)
        if len(values) > 64 or not all(
            isinstance(value, str) and pattern.fullmatch(value) for value in values
        ):
            raise self.wrong(key, f"a list of words, each of the form {pattern.pattern}")
        return tuple(str(value) for value in values)

    def choices(self, key: str, allowed: Sequence[str], count: range) -> tuple[str, ...]:
        values = self._list(key)
        if len(values) not in count or not all(value in allowed for value in values):
            raise self.wrong(key, f"a list of {count.start} to {count.stop - 1} of: {', '.join(allowed)}")
        return tuple(str(value) for value in values)

    def tables(self, key: str, most: int) -> tuple[Fields, ...]:
        """An array of tables, by default empty, each to be read the same way."""
        values = self._list(key)
        if len(values) > most or not all(isinstance(value, dict) for value in values):
            raise self.wrong(key, f"at most {most} tables, written [[{key}]]")
        return tuple(
            Fields(f"{self._where}: {key} {number}", value)
            for number, value in enumerate(values, 1)
            if isinstance(value, dict)
        )

    def _list(self, key: str) -> Sequence[object]:
        value = self._get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return value

    def _get(self, key: str, default: object) -> object:
        self._asked.add(key)
        value = self._data.get(key, default)
        if value is None:
            raise Failure(f"{self._where}: {key} is missing", "add it", code=Exit.USAGE)
        return value
