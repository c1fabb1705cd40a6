"""Makes the table of options out of nova's own packages: ``python -m tests.nova.oracle.option_table``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.nova.oracle.ask import ask
from tests.nova.oracle.environment import PACKAGES

import gpucloud.nova.releases

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
    newest = {int(version.partition(".")[0]): version for version in PACKAGES}
    _TABLE.write_text(table_of({n: ask(v, "known_options")[0] for n, v in newest.items()}), encoding="ascii")


if __name__ == "__main__":
    main()
