"""Exact lines of nova.conf for a fix."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gpucloud.nova.check.repair import repair_alias, repair_spec
from gpucloud.nova.config import Setting
from gpucloud.nova.reading import Json
from gpucloud.nova.releases import options
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.releases.release import Release


def under(option: OptionName, *values: str) -> tuple[str, ...]:
    """A section's heading and one line for each value."""
    return (f"[{option.section}]", *(f"{option.name} = {value}" for value in values))


def spec_lines(release: Release, *written: Mapping[str, Json]) -> tuple[str, ...]:
    """Entries of device_spec as they should stand, each on a line of its own."""
    return under(options.DEVICE_SPEC.at(release), *(json.dumps(repair_spec(one, release)) for one in written))


def alias_lines(release: Release, *written: Mapping[str, Json]) -> tuple[str, ...]:
    """The same for aliases."""
    return under(options.ALIAS.at(release), *(json.dumps(repair_alias(one, release)) for one in written))


def shown(setting: Setting) -> str:
    """A setting's name as it stands there."""
    return f"[{setting.section}]{setting.name}"
