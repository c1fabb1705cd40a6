"""Plain data into the values of a plan, strictly: no other keys, none missing, nothing of another kind.

The counterpart of ``model.plain``. Small enough to be here: the libraries that do this take longer to load
than a whole plan takes to be applied.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from gpucloud.model.change import Content
from gpucloud.model.pci import ParentName, PciAddress, Place

_T = TypeVar("_T")
_WORDS = {str: "text", int: "a whole number", bool: "true or false"}


class StructureError(ValueError):
    """The data is not what is wanted; the text says where and why."""


def structure(kind: type[_T], value: object) -> _T:
    """Read a dataclass from what ``json.loads`` gave.

    Dataclasses in a union are told apart by their field ``kind``.

    Raises:
        StructureError: the data has another shape.
    """
    return cast("_T", _read(kind, value, ""))


def _read(kind: Any, value: object, where: str) -> Any:
    origin = get_origin(kind)
    if kind in _WORDS:
        return _exactly(kind, value, where)
    if kind is Content:
        _demand(isinstance(value, str) and "\0" not in value, where, "the text of a file is wanted")
        return value
    if kind == Place:
        return _place(value, where)
    if kind is PciAddress:
        return _address(value, where)
    if origin is tuple:
        items = _of(list, value, where, "a list")
        return tuple(_read(get_args(kind)[0], item, f"{where}[{n}]") for n, item in enumerate(items))
    if origin in (UnionType, Union):  # a NewType makes a Union of its own kind
        return _one_of(get_args(kind), value, where)
    if origin is Literal:
        _demand(value in get_args(kind), where, f"{get_args(kind)[0]!r} is wanted")
        return value
    _demand(is_dataclass(kind), where, f"no such thing as {kind}")
    return _fields(kind, value, where)


def _exactly(kind: type, value: object, where: str) -> object:
    _demand(type(value) is kind, where, f"{_WORDS[kind]} is wanted")
    if isinstance(value, str):
        _demand(value.isprintable(), where, "there are control characters in the text")
    return value


def _address(value: object, where: str) -> PciAddress:
    try:
        return PciAddress.parse(cast("str", _exactly(str, value, where)))
    except StructureError:
        raise
    except ValueError as error:
        raise StructureError(f"{where}: {error}") from error


def _place(value: object, where: str) -> Place:
    """An address has colons, and the name of a parent has none."""
    text = _exactly(str, value, where)
    if isinstance(text, str) and ":" in text:
        return _address(text, where)
    try:
        return ParentName.parse(cast("str", text))
    except ValueError as error:
        raise StructureError(f"{where}: {error}") from error


def _one_of(kinds: tuple[Any, ...], value: object, where: str) -> Any:
    if NoneType in kinds:
        (other,) = (kind for kind in kinds if kind is not NoneType)
        return None if value is None else _read(other, value, where)
    by_name = {_hints(kind)["kind"].__args__[0]: kind for kind in kinds}
    name = _of(dict, value, where, "an object").get("kind")
    _demand(isinstance(name, str) and name in by_name, where, f"a kind of change is wanted, not {name!r}")
    return _read(by_name[name], value, where)


def _fields(kind: Any, value: object, where: str) -> Any:
    given, wanted = _of(dict, value, where, "an object"), _hints(kind)
    odd = given.keys() - wanted.keys() | wanted.keys() - given.keys() - _later(kind)
    _demand(not odd, where, f"{', '.join(sorted(map(repr, odd)))} is missing or too much")
    return kind(**{name: _read(wanted[name], given[name], f"{where}.{name}".lstrip(".")) for name in given})


@cache
def _later(kind: Any) -> frozenset[str]:
    """Fields that a plan of an earlier release may lack: those for which there is a default."""
    return frozenset(each.name for each in fields(kind) if each.default is not MISSING)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _of(kind: type[_T], value: object, where: str, word: str) -> _T:
    if not isinstance(value, kind):
        raise StructureError(f"{where or 'the whole'}: {word} is wanted")
    return value


def _demand(claim: bool, where: str, why: str) -> None:
    if not claim:
        raise StructureError(f"{where or 'the whole'}: {why}")
