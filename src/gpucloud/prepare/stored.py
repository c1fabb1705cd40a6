"""Plans in files: written as plain JSON, read back strictly. A file is never taken for a plan on its word."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gpucloud import __version__
from gpucloud.model.failure import Failure
from gpucloud.model.plain import Plain, to_plain
from gpucloud.model.plan import Plan
from gpucloud.prepare.structure import StructureError, structure

PLAN_LIMIT = 4 * 1024 * 1024
"""Bytes: some hundred times what a plan for sixteen cards needs."""

_FORMAT = 1
_NAMES = ("module", "console", "device", "driver", "type", "uuid")
"""Fields of changes that become part of a path."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A plan as it is kept in a file."""

    format: int
    made_by: str
    boot: str | None
    """The kernel's boot id when the plan was applied; None for a plan that was only written down."""
    fingerprint: str
    """SHA-256 over the plan: an edited or damaged file is noticed."""
    plan: Plan


def fingerprint(plan: Plan) -> str:
    """SHA-256 of a plan, in hexadecimal: the same facts and steps give the same."""
    return _hash(to_plain(plan))


def _hash(plain: Plain) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def render_stored(plan: Plan, boot: str | None = None) -> bytes:
    """A plan as the content of a file."""
    stored = Stored(_FORMAT, f"gpucloud {__version__}", boot, fingerprint(plan), plan)
    return json.dumps(to_plain(stored), indent=2, ensure_ascii=False).encode() + b"\n"


def parse_stored(data: bytes, name: str) -> Stored:
    """Read what ``render_stored`` wrote.

    Args:
        data: the content of the file.
        name: what to call it in errors.

    Raises:
        Failure: it is anything else, or it was changed since.
    """
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _no_plan(name, f"no JSON ({error})") from error
    if not isinstance(fields, dict) or fields.get("format") != _FORMAT:
        raise _no_plan(name, f"no plan of format {_FORMAT}")
    stored = _structure(fields, name)
    if stored.fingerprint != _hash(fields["plan"]):
        raise Failure(f"{name} was changed since it was written", "make the plan anew: gpucloud plan")
    return stored


def _structure(fields: dict[str, Any], name: str) -> Stored:
    try:
        stored = structure(Stored, fields)
    except StructureError as error:
        raise _no_plan(name, str(error)) from error
    for word in _path_parts(stored.plan):
        if not word or word in (".", "..") or "/" in word:
            raise _no_plan(name, f"{word!r} is no name of a driver, module or device")
    return stored


def _no_plan(name: str, why: str) -> Failure:
    return Failure(f"{name} is not a plan that gpucloud wrote: {why}", "make the plan anew: gpucloud plan")


def _path_parts(plan: Plan) -> Iterator[str]:
    for step in plan.steps:
        for field in _NAMES:
            if isinstance(word := getattr(step.change, field, None), str):
                yield word
