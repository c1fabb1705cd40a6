"""A release of nova: number, point version, names; and what people type for one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpucloud.model.failure import Exit, Failure

_NEWEST: dict[int, tuple[str, str | None, tuple[int, int]]] = {
    13: ("Mitaka", None, (1, 4)),
    14: ("Newton", None, (1, 0)),
    15: ("Ocata", None, (1, 5)),
    16: ("Pike", None, (1, 8)),
    17: ("Queens", None, (0, 13)),
    18: ("Rocky", None, (3, 0)),
    19: ("Stein", None, (3, 2)),
    20: ("Train", None, (6, 1)),
    21: ("Ussuri", None, (2, 4)),
    22: ("Victoria", None, (4, 0)),
    23: ("Wallaby", None, (2, 2)),
    24: ("Xena", None, (2, 1)),
    25: ("Yoga", None, (3, 0)),
    26: ("Zed", None, (3, 0)),
    27: ("Antelope", "2023.1", (5, 1)),
    28: ("Bobcat", "2023.2", (3, 1)),
    29: ("Caracal", "2024.1", (4, 0)),
    30: ("Dalmatian", "2024.2", (3, 0)),
    31: ("Epoxy", "2025.1", (3, 1)),
    32: ("Flamingo", "2025.2", (2, 1)),
    33: ("Gazpacho", "2026.1", (0, 2)),
    34: ("Hibiscus", "2026.2", (0, 0)),
}
"""Series to code name, cycle and the newest point version that was published."""
_VERSION = re.compile(r"([0-9]{2})(?:\.([0-9]{1,3}))?(?:\.([0-9]{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """One point version of nova. Prints as ``31.3.1``; releases compare by age."""

    number: int
    """The series: 13 (Mitaka) to 34 (2026.2)."""
    minor: int
    patch: int

    @property
    def codename(self) -> str:
        """``Epoxy``."""
        return _NEWEST[self.number][0]

    @property
    def cycle(self) -> str | None:
        """``2025.1``; None before 2023.1, when releases had only code names."""
        return _NEWEST[self.number][1]

    @property
    def title(self) -> str:
        """How people call the series: ``2025.1 Epoxy``, ``Mitaka``."""
        return f"{self.cycle} {self.codename}" if self.cycle else self.codename

    def __str__(self) -> str:
        return f"{self.number}.{self.minor}.{self.patch}"


SERIES = tuple(Release(number, *point) for number, (_, _, point) in _NEWEST.items())
"""The newest point version of every series, oldest first."""
_NAMED = {
    name.casefold(): release
    for release in SERIES
    for name in (release.codename, release.cycle, release.title)
    if name is not None
}


def parse_release(text: str) -> Release:
    """Read a release as people name it: ``31``, ``31.3.1``, ``2025.1``, ``epoxy``, ``Mitaka``.

    A series alone, by number or name, means its newest point version.

    Raises:
        Failure: no release of nova that this table knows has that name.
    """
    named = _NAMED.get(" ".join(text.split()).casefold())
    if named is not None:
        return named
    match = _VERSION.fullmatch(text.strip())
    if match is None or int(match[1]) not in _NEWEST:
        raise Failure(
            f"{text!r} is no release of nova that is known here",
            f"name one from {SERIES[0].number} ({SERIES[0].title}) to {SERIES[-1].number} "
            f"({SERIES[-1].title}), as a number, a version or a name",
            code=Exit.USAGE,
        )
    if match[2] is None:
        return next(release for release in SERIES if release.number == int(match[1]))
    return Release(int(match[1]), int(match[2]), int(match[3] or 0))
