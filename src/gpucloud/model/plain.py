"""Values of the model as plain data for JSON: the one place that decides how a value is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import PurePath

from gpucloud.model.pci import ParentName, PciAddress, PciClass, PciId
from gpucloud.model.unknown import Unknown

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

_LISTS = (tuple, list)
_BARE = (str, int, float)  # and bool, which is an int
_PRINTED = (PciAddress, ParentName, PciId, PciClass, PurePath)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def to_plain(value: object) -> Plain:
    """Turn a value of the model into data that ``json.dumps`` takes.

    Dataclasses become objects with their field names; ``Unknown`` becomes ``{"unknown": why}``;
    addresses, ids and classes are written as the kernel prints them, paths as text; sets are sorted.

    Raises:
        TypeError: the value is of a kind that the model does not have.
    """
    if value is None or isinstance(value, _BARE):
        return value
    if isinstance(value, _PRINTED):
        return str(value)
    if isinstance(value, Unknown):
        return {"unknown": value.why}
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted((to_plain(item) for item in value), key=str)
    if isinstance(value, _LISTS):
        return [to_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in _names(type(value))}
    raise TypeError(f"no plain form for {type(value).__name__}")
