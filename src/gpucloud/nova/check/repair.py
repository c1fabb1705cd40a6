"""An entry as it should stand for a release: what is surely wrong put right, all at once.

Each fix shows the whole line, so that two findings about one line do not contradict each other.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from gpucloud.nova.match.standard import normal_class, normal_traits, standard_traits
from gpucloud.nova.reading import Json, is_yes
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release

_VENDORS = {"11de": "10de", "01de": "10de", "1d0e": "10de", "10ed": "10de", "10d3": "10de", "1020": "1002"}
"""Vendors that are slips of the finger, to the maker of GPUs that was meant."""
WIDTHS: Mapping[str, int] = {"domain": 4, "bus": 2, "slot": 2, "function": 1}
"""Parts of an address to their digits."""
_CLASS = re.compile(r"CUSTOM_[A-Z0-9_]+")
_TRAIT = re.compile(r"[A-Za-z0-9_]+")
_IDS = ("vendor_id", "product_id")
_PREFIX = re.compile(r"(?<![0-9a-zA-Z])0[xX](?=[0-9a-fA-F])")
_parser: Any = re._parser  # type: ignore[attr-defined]  # noqa: SLF001 - no other gives the tree
_LONGEST = 255
_MOST_KEYS = 64
"""Of an entry whose keys are compared with known ones."""


def repair_spec(written: Mapping[str, Json], release: Release) -> dict[str, Json]:
    """An entry of device_spec: keys that do nothing are left out or spelt right."""
    known = pci.DEVICE_SPEC_KEYS.at(release)
    right: dict[str, Json] = {}
    for key, value in written.items():
        name = key if key in known else nearest(key, known) if len(written) <= _MOST_KEYS else None
        if name is not None and name not in right:
            right[name] = _repaired(name, value)
    if "live_migratable" in right and not is_yes(right["live_migratable"]):
        del right["live_migratable"]
    elif "live_migratable" in right:
        right.setdefault("managed", "no")
    return right


def repair_alias(written: Mapping[str, Json], release: Release) -> dict[str, Json]:
    """An alias: keys that are refused, or with which nothing matches, are left out."""
    known = [key for key in pci.ALIAS_KEYS.at(release) if key != "capability_type"]
    right = {key: _repaired(key, value) for key, value in written.items() if key in known}
    kind = right.get("device_type")
    if isinstance(kind, str) and kind.lower().removeprefix("type-") in ("pci", "pf", "vf"):
        right["device_type"] = f"type-{kind.lower().removeprefix('type-').upper()}"
    if "live_migratable" in right and is_yes(right["live_migratable"]):
        right["live_migratable"] = "yes"
    elif "live_migratable" in right:
        del right["live_migratable"]
    return right


def nearest(key: str, known: tuple[str, ...]) -> str | None:
    """The key that was meant; None where it cannot be told."""
    near = get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.75)
    return near[0] if near else None


def right_vendor(value: Json) -> str | None:
    """The vendor that was meant; None where the id is no known slip."""
    return _VENDORS.get(plain_id(value))


def plain_id(value: Json) -> str:
    """An id in four digits in lower case, without 0x; any other text as it is."""
    text = value.strip().lower().removeprefix("0x") if isinstance(value, str) else ""
    return text.zfill(4) if re.fullmatch(r"[0-9a-f]{1,4}", text) else text


def plain_address(text: str) -> str:
    """An address without 0x before its fields."""
    return _PREFIX.sub("", text)


@lru_cache(maxsize=1000)
def is_open(place: str, part: str) -> bool:
    """Whether a regular expression of an address takes a shorter text than the field, and has no end."""
    if len(part) > _LONGEST:
        return False
    try:
        with warnings.catch_warnings():  # what Python finds odd in a pattern is no error
            warnings.simplefilter("ignore")
            nodes = _parser.parse(part)
            least, most = nodes.getwidth()
    except (re.error, OverflowError, RecursionError):
        return False
    return int(least) < WIDTHS[place] and int(most) <= WIDTHS[place] and not _ends(nodes)


def _ends(nodes: Sequence[tuple[object, Any]]) -> bool:
    """Whether a parsed expression ends with $, in all of its branches."""
    if not nodes:
        return False
    sign, value = nodes[-1]
    if str(sign) == "BRANCH":
        return all(_ends(each) for each in value[1])
    return _ends(value[3]) if str(sign) == "SUBPATTERN" else str(value) in ("AT_END", "AT_END_STRING")


def _closed(place: str, part: str) -> str:
    """The same expression for the whole field: what is digits alone is filled up with zeros."""
    inner = part.removeprefix("^")
    inner = inner[1:-1] if re.fullmatch(r"\([^()]*\)", inner) else inner
    digits = inner.split("|")
    if not all(re.fullmatch(r"[0-9a-fA-F]+", each) for each in digits):
        return f"^(?:{part.removeprefix('^')})$"
    filled = "|".join(each.zfill(WIDTHS[place]) for each in digits)
    return f"^({filled})$" if len(digits) > 1 else f"^{filled}$"


def better_class(value: Json) -> str | None:
    """A resource class as Placement takes it; None where it is fine as it is."""
    if not isinstance(value, str):
        return None
    normal = normal_class(value)
    if not _CLASS.fullmatch(normal) and normal.startswith("CUSTOM_"):
        normal = "CUSTOM_" + re.sub(r"[^A-Z0-9_]+", "_", normal.removeprefix("CUSTOM_"))
    is_same = normal in (value.upper(), f"CUSTOM_{value.upper()}")
    return None if is_same and len(normal) <= _LONGEST else normal[:_LONGEST]


def better_traits(value: Json) -> str | None:
    """Traits in the form that nova splits; None where they are fine as they are."""
    if isinstance(value, str) and all(_TRAIT.fullmatch(part) for part in value.split(",")):
        return None
    parts = value if isinstance(value, list) else str(value).split(",")
    names = [str(part).strip() for part in parts if str(part).strip()]
    known = standard_traits()
    return ",".join(name if name in known else next(iter(normal_traits([name]))) for name in names)


def _repaired(key: str, value: Json) -> Json:
    if key in _IDS and isinstance(value, str) and value != "*":
        return right_vendor(value) or plain_id(value) if key == "vendor_id" else plain_id(value)
    if key == "address" and isinstance(value, str):
        return plain_address(value)
    if key == "address" and isinstance(value, dict):
        plain = {
            place: plain_address(part) if isinstance(part, str) else part for place, part in value.items()
        }
        return {
            place: _closed(place, part) if isinstance(part, str) and is_open(place, part) else part
            for place, part in plain.items()
            if place in WIDTHS
        }
    if key == "resource_class":
        return better_class(value) or value
    if key == "traits":
        return better_traits(value) or value
    return value
