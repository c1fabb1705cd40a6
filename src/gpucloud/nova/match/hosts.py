"""Matches of several hosts side by side: which flavor can be built where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ByHost = Mapping[str, Mapping[str, Any]]
"""Host to what ``match_object`` gives of it."""


def hosts_object(by_host: ByHost) -> dict[str, Any]:
    """Matches of hosts for JSON; the keys never change their meaning.

    ``aliases`` says how many devices serve an alias on each host, ``flavors`` where a flavor can be built.
    """
    return {
        "hosts": {name: dict(shown) for name, shown in by_host.items()},
        "aliases": {name: _served(by_host, name) for name in _names(by_host, "aliases")},
        "flavors": {text: _places(by_host, text) for text in _names(by_host, "flavors")},
    }


def hosts_rows(by_host: ByHost) -> tuple[list[str], list[list[str]]]:
    """The same as a table: its headings, and a row for each alias and each flavor."""
    together = hosts_object(by_host)
    rows = [[f"alias {name}", *map(str, row.values())] for name, row in together["aliases"].items()]
    for text, where in together["flavors"].items():
        rows.append([f"flavor {text}", *("yes" if name in where else "no" for name in by_host)])
    return ["", *by_host], rows


def _served(by_host: ByHost, alias: str) -> dict[str, int]:
    found = {name: shown["aliases"].get(alias) for name, shown in by_host.items()}
    return {name: 0 if each is None else each["devices"] for name, each in found.items()}


def _places(by_host: ByHost, flavor: str) -> list[str]:
    return [name for name, shown in by_host.items() if shown["flavors"][flavor]["devices"] is not None]


def _names(by_host: ByHost, key: str) -> list[str]:
    return list(dict.fromkeys(name for shown in by_host.values() for name in shown[key]))
