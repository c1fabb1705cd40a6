"""Names that Placement knows by itself, and what nova makes of any other name."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from importlib.resources import files

_CUSTOM = "CUSTOM_"
_OTHER = re.compile(r"[^0-9A-Za-z]+")


@cache
def standard_traits() -> frozenset[str]:
    """Traits of the os-traits package, version 3.9.0, which nova 34.0.0 installs."""
    return _read("traits.txt")


@cache
def standard_classes() -> frozenset[str]:
    """Resource classes of the os-resource-classes package, version 1.1.0."""
    return _read("resource_classes.txt")


def normal_class(name: str) -> str:
    """A resource class as nova writes it into Placement; a name with CUSTOM_ in front is left as it is."""
    upper = name.upper()
    if upper in standard_classes() or upper.startswith(_CUSTOM):
        return upper
    return _custom(upper)


def normal_traits(names: Collection[str]) -> frozenset[str]:
    """Traits as nova writes them: standard ones only in upper case, blanks are not dropped but made ``_``."""
    return frozenset(name if name in standard_traits() else _normal_trait(name) for name in names)


def _normal_trait(name: str) -> str:
    upper = name.upper()
    return upper if upper.startswith(_CUSTOM) else _custom(upper)


def _custom(upper: str) -> str:
    return _CUSTOM + _OTHER.sub("_", upper).upper()


def _read(name: str) -> frozenset[str]:
    text = files("gpucloud.nova.match").joinpath(name).read_text(encoding="ascii")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))
