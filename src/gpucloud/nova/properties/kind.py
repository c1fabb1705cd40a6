"""Values of properties, as nova's validators of flavors and its fields of images take them."""

from __future__ import annotations

import re

from gpucloud.nova.reading import strict_yes
from gpucloud.nova.releases.properties import Property


def api_complaint(known: Property, value: str) -> str | None:
    """What a validator of the API says of a value; None where it takes it.

    Source: nova/api/validation/extra_specs/base.py.
    """
    form, _, rest = known.kind.partition(":")
    match form:
        case "int":
            return _number(value, *(rest.split(":") if rest else ("", "")))
        case "bool":
            return _boolean(value)
        case "one" if value not in known.values:
            return f"'{value}' is not one of: {', '.join(known.values)}."
        case "like" if re.fullmatch(rest, value) is None:
            return f"'{value}' is not of the format '{rest}'."
        case _:
            return None


def field_complaint(known: Property, value: str) -> str | None:
    """What the field of an image says of a value; None where it takes it, or where it is not judged.

    Source: oslo.versionedobjects fields.py (Enum, Integer), nova/objects/fields.py.
    """
    form, _, rest = known.kind.partition(":")
    match form:
        case "one":
            is_taken = value in known.values
        case "lower":
            value = value.lower()
            is_taken = value in known.values
        case "part":
            is_taken = value in rest
        case "int":
            return _not_a_number(value)
        case _:
            is_taken = True
    return None if is_taken else f"Field value {value} is invalid"


def _number(value: str, least: str, most: str) -> str | None:
    if _not_a_number(value) is not None:
        return f"'{value}' is not a valid integer value."
    number = int(value)
    if most and number > int(most):
        return f"'{number}' is greater than the max value of '{most}'."
    if least and number < int(least):
        return f"'{number}' is less than the min value of '{least}'."
    return None


def _boolean(value: str) -> str | None:
    try:
        strict_yes(value)
    except ValueError:
        return f"'{value}' is not a valid boolean-like value."
    return None


def _not_a_number(value: str) -> str | None:
    try:
        int(value)
    except ValueError as error:
        return str(error)
    return None
