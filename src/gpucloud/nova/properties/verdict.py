"""What a release makes of one property."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from gpucloud.nova.releases.fact import Fact
from gpucloud.nova.releases.release import Release


class Verdict(StrEnum):
    """Read, passed over, refused; or a property that this table does not have."""

    KNOWN = "known"
    IGNORED = "ignored"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judged:
    """A property with what becomes of it.

    Args:
        name: as it was given.
        value: the same.
        verdict: what the release makes of it.
        why: in a sentence; empty where it is simply read.
    """

    name: str
    value: str
    verdict: Verdict
    why: str = ""


def all_names(known: Fact[tuple[str, ...]]) -> frozenset[str]:
    """The names that any release has."""
    return frozenset({*known.first, *(name for _, names in known.changes for name in names)})


def since(known: Fact[tuple[str, ...]], name: str) -> str:
    """The version that brought a name."""
    return next((str(each) for each, names in known.changes if name in names), "13.0.0")


def suggestion(name: str, known: Iterable[str]) -> str:
    """The name that was meant, of those that a release reads, as the end of a sentence; or nothing."""
    near = get_close_matches(name, [each for each in known if each != name], n=1, cutoff=0.8)
    return f"; is it {near[0]}?" if near else ""


def has(known: Fact[tuple[str, ...]], name: str, release: Release) -> bool:
    """Whether a release has a name."""
    return name in known.at(release)
