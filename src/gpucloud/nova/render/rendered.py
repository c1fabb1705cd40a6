"""A spec and its hosts into the files of a layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.host import Host
from gpucloud.model.spec import Spec
from gpucloud.nova.releases.release import Release
from gpucloud.nova.render.build import settings_for
from gpucloud.nova.render.layouts import LAYOUTS, Layout
from gpucloud.nova.render.rollout import steps_of

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}", re.ASCII)
_TAKEN = ("all", "controllers", "computes")


@dataclass(frozen=True, slots=True)
class Rendered:
    """What there is to write, and to do.

    Args:
        release: which nova.
        layout: the layout's name.
        files: text by path below the folder that they go to.
        steps: what to restart and to look at, in order.
        warnings: what is lost or left to the operator.
        missing: what could not be decided, for want of which fact.
    """

    release: Release
    layout: str
    files: Mapping[str, str]
    steps: tuple[str, ...]
    warnings: tuple[str, ...]
    missing: tuple[str, ...]


def render(spec: Spec, hosts: Mapping[str, Host], release: Release, layout: Layout) -> Rendered:
    """Make the files of a layout.

    Raises:
        Failure: a name of a host is none, the layout cannot hold the settings, or see ``settings_for``.
    """
    for name in hosts:
        if not _HOST.fullmatch(name) or name in _TAKEN:
            raise Failure(f"{name!r} cannot be a host's name here", "use NAME=CAPTURE", code=Exit.USAGE)
    settings = settings_for(spec, hosts, release)
    refusal = layout.refuses(settings)
    if refusal is not None:
        raise Failure(f"layout {layout.name} cannot hold this: {refusal}", "choose another --layout")
    return Rendered(
        release,
        layout.name,
        dict(sorted(layout.files(settings).items())),
        steps_of(settings, layout),
        (*settings.warnings, *layout.warns(settings)),
        settings.missing,
    )


def layout_named(name: str) -> Layout:
    """The layout that a user names.

    Raises:
        Failure: there is none of that name.
    """
    if name not in LAYOUTS:
        raise Failure(f"{name!r} is no layout", f"known are: {', '.join(LAYOUTS)}", code=Exit.USAGE)
    return LAYOUTS[name]
