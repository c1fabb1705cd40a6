"""The order of entries: the first that matches a device has it, with its tags alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from gpucloud.model.finding import Level
from gpucloud.nova.check.case import Case
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.lines import spec_lines
from gpucloud.nova.device_spec import DeviceSpec
from gpucloud.nova.device_spec.address import GlobAddress, RegexAddress
from gpucloud.nova.machine import Machine
from gpucloud.nova.refusal import Refusal

HIDDEN = Kind(
    "nova-device-spec-hidden",
    Level.WARNING,
    "An entry behind one that takes its devices",
    "The first entry that matches a device has it. Keys of a later one (resource_class, managed, traits) "
    "do not count for that device.",
    ("devices without the tags of their entry",),
    ("Put the narrower entry first",),
    ("nova/pci/whitelist.py: Whitelist.get_devspec",),
)
_ANY = "*"
_MOST = 200
"""Entries that are compared each with each: more is no file that a person wrote."""
_LITERAL = re.compile(r"\^?([0-9a-f]+)\$", re.ASCII)
_EVERY = frozenset(("", ".*", "^.*", ".*$", "^.*$"))


def hidden(case: Case) -> Iterator[Finding]:
    """An entry all of whose devices, or some of them, an earlier one takes."""
    if isinstance(case.specs, Refusal):
        return
    for place, later in enumerate(case.specs[: _MOST + 1]):
        earlier = [one for one in case.specs[:place] if dict(one.tags) != dict(later.tags)]
        above = next((one for one in earlier if covers(one, later, case.machine)), None)
        if above is not None:
            what = f"{dict(later.written)} stands behind {_place(case, above)}, which takes its devices"
            fix = spec_lines(case.release, later.written, above.written)
            yield HIDDEN.at(case.spec_settings[later.value], what, fix=fix)
            continue
        near = next((one for one in earlier if overlaps(one, later)), None)
        if near is not None and case.machine is None and not covers(later, near, None):
            what = f"{dict(later.written)}: devices that {_place(case, near)} matches, too, are that entry's"
            yield HIDDEN.at(case.spec_settings[later.value], what, level=Level.INFO)


def _place(case: Case, spec: DeviceSpec) -> str:
    setting = case.spec_settings[spec.value]
    return f"{setting.file}:{setting.line}"


def covers(earlier: DeviceSpec, later: DeviceSpec, machine: Machine | None) -> bool:
    """Whether each device of the later entry is surely one of the earlier.

    A function with VFs brings those with it, wherever they are: then the machine's devices decide.
    """
    fields = _fields(earlier, later)
    if fields is None or earlier.remote_managed > later.remote_managed:
        return False
    is_pf = later.address is not None and later.address.is_pf
    if is_pf and machine is not None and earlier.trouble is None and later.trouble is None:
        return all(earlier.matches(one) for one in machine.devices.values() if later.matches(one))
    return all(_takes(mine, its) for mine, its in fields)


def overlaps(earlier: DeviceSpec, later: DeviceSpec) -> bool:
    """Whether there may be a device that both match."""
    fields = _fields(earlier, later)
    return fields is not None and all(_may_meet(mine, its) for mine, its in fields)


Field: TypeAlias = re.Pattern[str] | str
"""Digits, ``*``, or an expression that is neither."""


def _fields(earlier: DeviceSpec, later: DeviceSpec) -> list[tuple[Field, Field]] | None:
    """Fields of both side by side; None where one names an interface, or has an expression not tried."""
    if earlier.address is None or later.address is None or earlier.untried or later.untried:
        return None
    mine, its = (_parts(one.address.form) for one in (earlier, later) if one.address is not None)
    ids = [(earlier.vendor_id, later.vendor_id), (earlier.product_id, later.product_id)]
    return [*ids, *zip(mine, its, strict=True)]


def _parts(form: GlobAddress | RegexAddress) -> list[Field]:
    if isinstance(form, GlobAddress):
        return list(form.parts)
    return [_field(part) for part in form.parts]


def _field(pattern: str) -> Field:
    if pattern in _EVERY:
        return _ANY
    digits = _LITERAL.fullmatch(pattern)
    return digits[1] if digits is not None else re.compile(pattern)


def _takes(mine: Field, its: Field) -> bool:
    if mine in (_ANY, its):
        return True
    return isinstance(mine, re.Pattern) and isinstance(its, str) and its != _ANY and bool(mine.match(its))


def _may_meet(mine: Field, its: Field) -> bool:
    if _ANY in (mine, its) or mine == its:
        return True
    if isinstance(mine, str):
        mine, its = its, mine
    return isinstance(mine, re.Pattern) and (isinstance(its, re.Pattern) or bool(mine.match(its)))


RULES = (hidden,)
