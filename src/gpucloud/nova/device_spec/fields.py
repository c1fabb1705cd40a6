"""Ids and parts of addresses: hexadecimal text with a maximum, as each generation of nova reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpucloud.nova.reading import Json
from gpucloud.nova.refusal import NovaRaises
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release

ANY = "*"
_LITERAL = re.compile(r"[0-9a-fA-F]+[lL]?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """A part of an entry: nova's name for it, the greatest value, the digits it is printed with."""

    name: str
    maximum: int
    digits: int


VENDOR_ID = Field("vendor_id", 0xFFFF, 4)
PRODUCT_ID = Field("product_id", 0xFFFF, 4)
DOMAIN = Field("domain", 0xFFFF, 4)
BUS = Field("bus", 0xFF, 2)
SLOT = Field("slot", 0x1F, 2)
FUNCTION = Field("func", 0x7, 1)


def invalid_spec(reason: str, release: Release) -> NovaRaises:
    """Nova's complaint about a device_spec."""
    exception, beginning = pci.INVALID_SPEC.at(release)
    return NovaRaises(exception, beginning + reason)


def read_hex(value: Json, field: Field, release: Release) -> str:
    """A field in the digits that nova compares, or ``*``.

    Text that Python's ``int`` takes is taken: ``0x10de``, ``1_0``, blanks around, a sign.

    Raises:
        NovaRaises: nova refuses the value, or falls over its type.
    """
    if value == ANY:
        return ANY
    number = _literal(value) if _is_literal(release) else _number(value, field, release)
    if number > field.maximum:
        raise invalid_spec(_too_great(value, field, release), release)
    return f"{number:0{field.digits}x}"


def read_literal_function(text: str, address: str) -> str:
    """The function of an address where fields are Python literals: its complaints are others."""
    if text == ANY:
        return ANY
    if _LITERAL.fullmatch(text) is None:
        raise wrong_address(address)
    number = _literal(text)
    if number > FUNCTION.maximum:
        message = f"Invalid PCI Whitelist: The PCI address {address} has an invalid function."
        raise NovaRaises("PciDeviceInvalidAddressField", message)
    return f"{number:x}"


def wrong_address(address: Json) -> NovaRaises:
    """Nova's complaint about an address as a whole."""
    message = f"The PCI address {address} has an incorrect format."
    return NovaRaises("PciDeviceWrongAddressFormat", message)


def _is_literal(release: Release) -> bool:
    return pci.HEX_FIELDS.at(release) == "literal"


def _literal(value: Json) -> int:
    if not isinstance(value, str):
        kind = type(value).__name__
        raise NovaRaises("TypeError", f"cannot concatenate 'str' and '{kind}' objects")
    if _LITERAL.fullmatch(value) is None:
        raise NovaRaises("SyntaxError", "invalid syntax (<unknown>, line 1)")
    return int(value.rstrip().rstrip("lL"), 16)


def _number(value: Json, field: Field, release: Release) -> int:
    if not isinstance(value, str):
        raise NovaRaises("TypeError", "int() can't convert non-string with explicit base")
    try:
        return int(value, 16)
    except ValueError as error:
        long = f"property {field.name} ('{value}') does not parse as a hex number."
        short = f"invalid {field.name} {value}"
        raise invalid_spec(long if _is_long(release) else short, release) from error


def _too_great(value: Json, field: Field, release: Release) -> str:
    if not _is_long(release):
        return f"invalid {field.name} {value}"
    return f"property {field.name} ({value}) is greater than the maximum allowable value ({field.maximum:X})."


def _is_long(release: Release) -> bool:
    return pci.HEX_FIELDS.at(release) == "long"
