"""Makes the table of options out of nova's own code: ``python -m tests.nova.oracle.option_table``.

Of 13 and 14 there is no package: ``git archive 13.1.4 nova`` must be unpacked where ``source_of`` has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.nova.oracle.ask import ask
from tests.nova.oracle.environment import PACKAGES
from tests.nova.oracle.workers.known_options import SCATTERED

import gpucloud.nova.releases

WITHOUT_PACKAGE: Mapping[str, tuple[str, ...]] = {"13.1.4": (SCATTERED,), "14.1.0": ()}
"""Releases to what their worker is told."""
_TABLE = Path(gpucloud.nova.releases.__file__).with_name("known_options.txt")
Options = Mapping[str, Mapping[str, list[str]]]


def table_of(by_series: Mapping[int, Options]) -> str:
    """The text of the table: sections in the order of the newest series, names sorted."""
    lines: list[str] = []
    for section in _sections(by_series.values()):
        lines.append(f"[{section}]")
        names = {name for options in by_series.values() for name in options.get(section, {})}
        lines += [line for name in sorted(names) for line in _ages(by_series, section, name)]
    return "\n".join(lines) + "\n"


def _sections(series: Iterable[Options]) -> list[str]:
    """All sections; one that the newer series lack stands behind the one that it stood behind."""
    order: list[str] = []
    for options in reversed(list(series)):
        place = 0
        for section in options:
            if section in order:
                place = order.index(section) + 1
            else:
                order.insert(place, section)
                place += 1
    return order


def _ages(by_series: Mapping[int, Options], section: str, name: str) -> Iterable[str]:
    ages: list[tuple[int, int, list[str]]] = []
    for number, options in by_series.items():
        known = options.get(section, {}).get(name)
        if known is None:
            continue
        goes_on = bool(ages) and ages[-1][1:] == (number - 1, known)
        first = ages.pop()[0] if goes_on else number
        ages.append((first, number, known))
    for first, last, (kind, default) in ages:
        yield f"{name} {first}-{last} {kind}" + (f"\t{default}" if default else "")


def main() -> None:
    """Ask the newest release of each series."""
    newest = {int(version.partition(".")[0]): version for version in (*WITHOUT_PACKAGE, *PACKAGES)}
    asked = {n: ask(v, "known_options", (), *WITHOUT_PACKAGE.get(v, ()))[0] for n, v in newest.items()}
    _TABLE.write_text(table_of(asked), encoding="ascii")


if __name__ == "__main__":
    main()
