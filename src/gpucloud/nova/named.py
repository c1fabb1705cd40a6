"""Names in a spec that nothing has, with their lines: of a release of nova, a layout, a pool."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.model.failure import Failure
from gpucloud.model.spec import OpenStack, Spec
from gpucloud.nova.releases.release import SERIES, parse_release
from gpucloud.nova.render.layouts import LAYOUTS
from gpucloud.spec.error import SpecError, nearest, suggest
from gpucloud.spec.nodes import Table
from gpucloud.spec.referred import unknown_pools


def unknown_names(spec: Spec, root: Table) -> Iterator[SpecError]:
    """What would be refused where the spec is used; for ``parse_spec`` of a file that a user names.

    A spec of the journal is not judged so: what was applied once must stay readable.
    """
    if spec.openstack is not None:
        yield from _of_openstack(spec.openstack, root)
    yield from unknown_pools(spec, root)


def _of_openstack(said: OpenStack, root: Table) -> Iterator[SpecError]:
    section = root.entries.get("openstack")
    lines = section.key_lines if isinstance(section, Table) else {}
    try:
        parse_release(said.release)
    except Failure as failure:
        names = [name for each in SERIES for name in (each.cycle, each.codename.lower()) if name is not None]
        near = nearest(said.release, names)
        then = failure.then if near is None else f"did you mean {near!r}?"
        yield SpecError(lines.get("release", 1), f"openstack.release: {failure.what}", then)
    if said.layout is not None and said.layout not in LAYOUTS:
        what = f"openstack.layout: {said.layout!r} is no layout"
        yield SpecError(lines.get("layout", 1), what, suggest(said.layout, LAYOUTS))
