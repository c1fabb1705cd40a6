"""The form of an alias: which keys, which values; with the complaints that nova's validator would print.

Nova validates with the jsonschema package, whose words changed over time. These are those of jsonschema 4.26,
which nova 34.0.0 installs: of several complaints it shows one, by ``jsonschema.exceptions.best_match``.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from gpucloud.nova.machine import DeviceType
from gpucloud.nova.reading import Json
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release

_ID_PATTERN = r"^([\da-fA-F]{4})$"
_ID = re.compile(_ID_PATTERN)
_NAME_MAXIMUM = 256
_TYPES = (DeviceType.PCI.value, DeviceType.PF.value, DeviceType.VF.value)


def complain(alias: Json, release: Release) -> str | None:
    """What the validator says of the alias; None where it is content."""
    if not isinstance(alias, dict):
        return f"{alias!r} is not of type 'object'"
    extras = sorted(set(alias) - set(pci.ALIAS_KEYS.at(release)))
    if extras:
        verb = "was" if len(extras) == 1 else "were"
        return f"Additional properties are not allowed ({', '.join(map(repr, extras))} {verb} unexpected)"
    if "name" not in alias:
        return "'name' is a required property"
    complaints = {key: _complain_of(key, value, release) for key, value in alias.items()}
    # Among complaints of one depth, best_match takes the one whose path comes last in the alphabet.
    return next((complaints[key] for key in sorted(complaints, reverse=True) if complaints[key]), None)


def _complain_of(key: str, value: Json, release: Release) -> str | None:
    if not isinstance(value, str):
        return f"{value!r} is not of type 'string'"
    if key == "name":
        return _complain_of_name(value)
    if key in ("vendor_id", "product_id"):
        return None if _ID.search(value) else f"{value!r} does not match {_ID_PATTERN!r}"
    allowed = _choices(key, release)
    if allowed is not None and value not in allowed:
        return f"{value!r} is not one of {list(allowed)!r}"
    return None


def _complain_of_name(name: str) -> str | None:
    if not name:
        return "'' should be non-empty"
    return f"{name!r} is too long" if len(name) > _NAME_MAXIMUM else None


def _choices(key: str, release: Release) -> Collection[str] | None:
    """The values that a key may have; None where any text will do."""
    match key:
        case "capability_type":
            return ("pci",)
        case "device_type":
            return _TYPES
        case "numa_policy":
            return pci.NUMA_POLICIES.at(release)
        case _:
            return None
