"""Kinds of values that a spec holds: each reads a node strictly, and says in words what it wants."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar

from gpucloud.model.pci import ParentName, PciAddress, PciId
from gpucloud.spec.error import SpecError, suggest
from gpucloud.spec.nodes import Items, Node, Scalar, Table

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
R = TypeVar("R")
E = TypeVar("E", bound=Enum)


class Kind(Protocol[T_co]):
    """Reads one kind of value."""

    @property
    def wants(self) -> str:
        """What it reads, in words: ``true or false``."""

    def read(self, node: Node, name: str) -> T_co:
        """Read it; ``name`` is how errors call it."""


def text_of(node: Node, name: str, wants: str) -> str:
    """The text of a scalar.

    Raises:
        SpecError: it is a list, a table, empty, or cannot be printed.
    """
    if isinstance(node, Scalar) and not node.is_null:
        if len(node.text) > 256 or not node.text.isprintable():
            raise SpecError(node.line, f"{name} is too long or cannot be printed", f"it must be {wants}")
        return node.text
    found = "a list" if isinstance(node, Items) else "a table" if isinstance(node, Table) else "empty"
    raise SpecError(node.line, f"{name} is {found}", f"it must be {wants}")


@dataclass(frozen=True, slots=True)
class Word:
    """Text of one form."""

    wants: str
    pattern: re.Pattern[str]

    def read(self, node: Node, name: str) -> str:
        text = text_of(node, name, self.wants)
        if not self.pattern.fullmatch(text):
            raise SpecError(node.line, f"{name} is {text!r}", f"it must be {self.wants}")
        return text


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    @property
    def wants(self) -> str:
        return f"one of: {', '.join(f'`{word}`' for word in self.words)}"

    def read(self, node: Node, name: str) -> str:
        text = text_of(node, name, self.wants)
        if text not in self.words:
            raise SpecError(node.line, f"{name} is {text!r}", suggest(text, self.words))
        return text


@dataclass(frozen=True, slots=True)
class Member(Generic[E]):
    """One of the members of an enumeration, by its value."""

    enum: type[E]

    @property
    def wants(self) -> str:
        return self._choice.wants

    @property
    def _choice(self) -> Choice:
        return Choice(tuple(member.value for member in self.enum))

    def read(self, node: Node, name: str) -> E:
        return self.enum(self._choice.read(node, name))


@dataclass(frozen=True, slots=True)
class Flag:
    """``true`` or ``false``; also ``yes`` and ``no``, as in YAML before 1.2 and in nova."""

    wants: str = "`true` or `false`"

    def read(self, node: Node, name: str) -> bool:
        text = text_of(node, name, self.wants)
        if text in ("true", "yes"):
            return True
        if text in ("false", "no"):
            return False
        raise SpecError(node.line, f"{name} is {text!r}", f"it must be {self.wants}")


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number, written in decimal."""

    allowed: range

    @property
    def wants(self) -> str:
        return f"a whole number from {self.allowed.start} to {self.allowed.stop - 1}"

    def read(self, node: Node, name: str) -> int:
        text = text_of(node, name, self.wants)
        if not re.fullmatch("[0-9]{1,9}", text, re.ASCII) or int(text) not in self.allowed:
            raise SpecError(node.line, f"{name} is {text!r}", f"it must be {self.wants}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Ids:
    """Vendor and device as lspci prints them."""

    wants: str = "vendor and device as lspci -nn prints them: `10de:20b0`"

    def read(self, node: Node, name: str) -> PciId:
        text = text_of(node, name, self.wants)
        if not re.fullmatch("[0-9a-fA-F]{4}:[0-9a-fA-F]{4}", text, re.ASCII):
            raise SpecError(node.line, f"{name} is {text!r}", f"it must be {self.wants}")
        vendor, device = (int(part, 16) for part in text.split(":"))
        return PciId(vendor, device)


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent of mediated devices that is no PCI function."""

    wants: str = "a name of `/sys/class/mdev_bus` that is no PCI address: `mtty`"

    def read(self, node: Node, name: str) -> ParentName:
        text = text_of(node, name, self.wants)
        try:
            return ParentName.parse(text)
        except ValueError as error:
            raise SpecError(node.line, f"{name} is {text!r}", f"it must be {self.wants}") from error


_PATTERN = frozenset("*?[")
_PLACE = re.compile(r"\[[^]]*\]|.")
"""One character of a pattern: a set of them, or itself."""


@dataclass(frozen=True, slots=True)
class Address:
    """A PCI address or a pattern of one; without its domain it is in domain 0000."""

    wants: str = "a PCI address (`3b:00.0`, `0000:3b:00.0`) or a pattern of one (`0000:3b:*`)"

    def read(self, node: Node, name: str) -> str:
        text = text_of(node, name, self.wants).lower()
        if not re.fullmatch(r"[0-9a-f:.*?\[\]!-]{1,64}", text, re.ASCII):
            raise SpecError(node.line, f"{name} is {text!r}", f"it must be {self.wants}")
        first = text.partition(":")[0]
        has_domain = text.count(":") >= 2 or text.startswith("*") or len(_PLACE.findall(first)) >= 4
        whole = text if has_domain else f"0000:{text}"
        if not _PATTERN & {*text}:
            try:
                PciAddress.parse(whole)
            except ValueError as error:
                raise SpecError(node.line, f"{name} is {text!r}", f"it must be {self.wants}") from error
        return whole


@dataclass(frozen=True, slots=True)
class Many(Generic[T]):
    """A list, or one value alone."""

    kind: Kind[T]
    is_required: bool = False

    @property
    def wants(self) -> str:
        return f"one or a list of: {self.kind.wants}"

    def read(self, node: Node, name: str) -> tuple[T, ...]:
        items = node.items if isinstance(node, Items) else [node]
        if self.is_required and not items:
            raise SpecError(node.line, f"{name} is an empty list", f"it must be {self.wants}")
        return tuple(dict.fromkeys(self.kind.read(item, name) for item in items))


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table: what stands under it, and what it means."""

    name: str
    kind: Kind[object]
    about: str
    """For the reference page: one or two sentences."""
    field: str | None = None
    """The field of the value that it fills, where it is not called the same."""
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """A table whose keys are known; it becomes one value."""

    title: str
    keys: tuple[Key, ...]
    build: Callable[..., T]

    @property
    def wants(self) -> str:
        return f"a table: [{self.title}](#{self.title.lower().replace(' ', '-')})"

    def read(self, node: Node, name: str) -> T:
        table = _table(node, name)
        for word, line in table.key_lines.items():
            if all(key.name != word for key in self.keys):
                raise SpecError(line, _unknown(word, name), suggest(word, (key.name for key in self.keys)))
        fields = {}
        for key in self.keys:
            if key.name in table.entries:
                fields[key.field or key.name] = key.kind.read(table.entries[key.name], _under(name, key.name))
            elif key.is_required:
                raise SpecError(
                    table.line, f"{_under(name, key.name)} is missing", f"it must be {key.kind.wants}"
                )
        return self.build(**fields)


@dataclass(frozen=True, slots=True)
class Named(Generic[T, R]):
    """A table whose keys are names of the user's choice."""

    kind: Kind[T]
    names: Word
    join: Callable[[str, T], R]
    """Makes one value of a name and what stands under it."""
    part: str | None = None
    """The field of that value that stands under the name; None: all of it does."""

    @property
    def wants(self) -> str:
        return f"names, each with {self.kind.wants}"

    def read(self, node: Node, name: str) -> tuple[R, ...]:
        table = _table(node, name)
        for word, line in table.key_lines.items():
            self.names.read(Scalar(line, word, is_quoted=True), f"a name in {name}")
        return tuple(
            self.join(word, self.kind.read(entry, f"{name}.{word}")) for word, entry in table.entries.items()
        )


def _table(node: Node, name: str) -> Table:
    if isinstance(node, Table):
        return node
    found = "a list" if isinstance(node, Items) else "empty" if node.is_null else "a single value"
    raise SpecError(node.line, f"{name or 'the file'} is {found}", "it must be a table: keys with values")


def _unknown(word: str, name: str) -> str:
    where = f"{name} has" if name else "there is"
    return f"{where} no key {word[:80]!r}"


def _under(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
