"""The address of an entry: fields with wildcards, or regular expressions; and which devices it covers."""

from __future__ import annotations

import re
import string
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from gpucloud.nova.device_spec.effort import effort
from gpucloud.nova.device_spec.fields import (
    ANY,
    BUS,
    DOMAIN,
    FUNCTION,
    SLOT,
    read_hex,
    read_literal_function,
    wrong_address,
)
from gpucloud.nova.machine import Device, Machine
from gpucloud.nova.reading import Json
from gpucloud.nova.refusal import NovaRaises
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release

_EVERY = ".*"
_HEX = frozenset(string.hexdigits)
_LENGTHS = (5, 2, 2, 1)
"""Characters that the fields have, at most, on a real host; a domain has five behind a VMD controller."""
_MOST_EFFORT = 2_000_000
"""Steps for one field, a tenth of a second at most; of patterns that people write it is some hundred."""

Parts: TypeAlias = tuple[str, str, str, str]
"""Domain, bus, slot, function."""


@dataclass(frozen=True, slots=True)
class GlobAddress:
    """Fields as nova compares them: digits or ``*``, each for itself."""

    parts: Parts

    def covers(self, parts: Parts) -> bool:
        return all(mine in (ANY, its) for mine, its in zip(self.parts, parts, strict=True))


@dataclass(frozen=True, slots=True)
class RegexAddress:
    """Regular expressions, each of which must match the beginning of its field.

    Args:
        parts: the expressions.
        untried: one that could take nova hours to match. It is not tried: the address covers nothing.
    """

    parts: Parts
    untried: str | None = None

    def covers(self, parts: Parts) -> bool:
        return self.untried is None and all(
            _is_soon_done(mine, its) and _compile(mine).match(its)
            for mine, its in zip(self.parts, parts, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Address:
    """The address of an entry, read on a certain machine.

    Args:
        form: the fields.
        is_pf: the fields are one full address, and this machine has a physical function there.
        matches_itself: then the function itself is covered, not its VFs alone.
    """

    form: GlobAddress | RegexAddress
    is_pf: bool
    matches_itself: bool = True

    def covers(self, device: Device) -> bool:
        if self.is_pf and device.parent is not None and self.form.covers(split_address(device.parent)):
            return True
        if self.is_pf and not self.matches_itself:
            return False
        return self.form.covers(split_address(device.address))


def split_address(text: str) -> Parts:
    """A device's address, which the kernel printed, in its four fields."""
    domain, bus, rest = text.split(":")
    slot, _, function = rest.partition(".")
    return domain, bus, slot, function


def parse_address(value: Json, release: Release, machine: Machine) -> Address:
    """Read the value of ``address``.

    Raises:
        NovaRaises: nova refuses it, or falls over its type.
    """
    form = _parse_form(value, release)
    is_pf = _is_single(form.parts) and machine.is_physical_function("{}:{}:{}.{}".format(*form.parts))
    return Address(form, is_pf, pci.PF_MATCHES_ITSELF.at(release))


def _parse_form(value: Json, release: Release) -> GlobAddress | RegexAddress:
    if isinstance(value, str):
        return GlobAddress(_parse_glob(value, release))
    if not pci.REGEX_ADDRESS.at(release):
        kind = type(value).__name__
        raise NovaRaises("AttributeError", f"'{kind}' object has no attribute 'partition'")
    if isinstance(value, dict):
        return _parse_regex(value)
    raise wrong_address(value)


def _parse_glob(text: str, release: Release) -> Parts:
    before, _, function = text.partition(".")
    function = _read_function(function, text, release) if function else ANY
    if not before:
        return ANY, ANY, ANY, function
    written = before.split(":")
    if len(written) > 3:
        raise wrong_address(text)
    domain, bus, slot = [ANY] * (3 - len(written)) + [part.strip() or ANY for part in written]
    return (
        read_hex(domain, DOMAIN, release),
        read_hex(bus, BUS, release),
        read_hex(slot, SLOT, release),
        function,
    )


def _read_function(text: str, address: str, release: Release) -> str:
    if pci.HEX_FIELDS.at(release) == "literal":
        return read_literal_function(text.strip(), address)
    return read_hex(text.strip(), FUNCTION, release)


def _parse_regex(value: dict[str, Json]) -> RegexAddress:
    written = [value.get(key, _EVERY) for key in ("domain", "bus", "slot", "function")]
    try:
        domain, bus, slot, function = (_compile(_text(part)).pattern for part in written)
    except re.error as error:
        raise wrong_address(value) from error
    except (OverflowError, RecursionError) as error:
        raise NovaRaises(type(error).__name__, str(error)) from error
    parts = (domain, bus, slot, function)
    hard = (one for one, length in zip(parts, _LENGTHS, strict=True) if effort(one, length) > _MOST_EFFORT)
    return RegexAddress(parts, next(hard, None))


def _is_soon_done(pattern: str, text: str) -> bool:
    """A list of devices may hold domains that no host has."""
    return len(text) <= _LENGTHS[0] or effort(pattern, len(text)) <= _MOST_EFFORT


def _text(part: Json) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, list | dict):
        raise NovaRaises("TypeError", f"unhashable type: '{type(part).__name__}'")
    raise NovaRaises("TypeError", "first argument must be string or compiled pattern")


@lru_cache(maxsize=1000)
def _compile(pattern: str) -> re.Pattern[str]:
    with warnings.catch_warnings():  # what Python finds odd in a pattern is no error
        warnings.simplefilter("ignore")
        return re.compile(pattern)


def _is_single(parts: Parts) -> bool:
    return all(_HEX.issuperset(part) for part in parts)
