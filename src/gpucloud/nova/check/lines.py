"""Exact lines of nova.conf for a fix."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from gpucloud.nova.config import Setting
from gpucloud.nova.reading import Json
from gpucloud.nova.releases.options import OptionName


def under(option: OptionName, *values: str) -> tuple[str, ...]:
    """A section's heading and one line for each value."""
    return (f"[{option.section}]", *(f"{option.name} = {value}" for value in values))


def objects(option: OptionName, written: Iterable[Mapping[str, Json]]) -> tuple[str, ...]:
    """The same for JSON objects, each on a line of its own."""
    return under(option, *(json.dumps(one) for one in written))


def shown(setting: Setting) -> str:
    """A setting's name as it stands there."""
    return f"[{setting.section}]{setting.name}"


def with_key(written: Mapping[str, Json], **changes: Json) -> dict[str, Json]:
    """An object with values changed, in its own order."""
    return {**written, **changes}


def without(written: Mapping[str, Json], *keys: str) -> dict[str, Json]:
    """An object without some keys."""
    return {key: value for key, value in written.items() if key not in keys}
