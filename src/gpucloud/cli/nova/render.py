"""``gpucloud nova render``: the settings of every service, as the files of a way of deploying."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.given import spec_given
from gpucloud.cli.nova.below import differences, places, write_below
from gpucloud.cli.nova.files import name_of_capture, named_place
from gpucloud.cli.output import Shape, note, one_line, print_line_of_json, print_lines
from gpucloud.cli.typed.complete import layouts, releases
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.line import Copied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gpucloud.cli.nova.below import Place
    from gpucloud.model.host import Host
    from gpucloud.model.spec import Spec
    from gpucloud.nova.releases.release import Release
    from gpucloud.nova.render import Layout, Rendered

ReleaseOption = Annotated[
    str | None,
    typer.Option(
        "--release",
        metavar="REL",
        autocompletion=releases,
        help="31, 31.3.1, 2025.1, epoxy; the spec's without.",
    ),
]
LayoutOption = Annotated[
    str | None,
    typer.Option(
        "--layout",
        metavar="LAYOUT",
        autocompletion=layouts,
        help="How nova is deployed: packages, kolla-ansible, openstack-ansible, devstack, "
        "tripleo, rhoso, charms; the spec's without.",
    ),
]
SpecOption = Annotated[Path, typer.Option("--spec", metavar="FILE", help="What is wanted.")]
CapturesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="[NAME=]CAPTURE",
        help="A captured host, by the name that the deployment tool has for it; the file's own without. "
        "May be repeated.",
    ),
]
RemotesOption = Annotated[
    list[str] | None,
    typer.Option("--host", metavar="[NAME=]USER@HOST", help="A host over ssh; may be repeated."),
]
WriteOption = Annotated[
    Path | None, typer.Option("--write", metavar="DIR", help="Write the files below this folder.")
]
DiffOption = Annotated[
    Path | None,
    typer.Option(
        "--diff",
        metavar="DIR",
        help="Show what differs from the files below this folder; exit with 4 if any.",
    ),
]


def render_nova(
    release: ReleaseOption = None,
    layout: LayoutOption = None,
    spec: SpecOption = Path("gpucloud.yaml"),
    captures: CapturesOption = None,
    remotes: RemotesOption = None,
    write: WriteOption = None,
    diff: DiffOption = None,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Write nova.conf for the pools of a spec: for one release, as one deployment tool wants it.

    Types, addresses and virtual functions come from the hosts: give a capture of each. What a release cannot
    do is refused, with the release that can. What is written was read back by that release's rules.

    Examples:
      gpucloud nova render --from gpu01=gpu01.tar.gz --from gpu02=gpu02.tar.gz
      gpucloud nova render --release 2025.1 --layout kolla-ansible --from gpu01.tar.gz --write config
      gpucloud nova render --release yoga --layout packages --host root@gpu01 --diff drop-ins
      gpucloud nova render --format json
    """
    _refuse_both(write, diff)
    found = _rendered(spec, release, layout, lambda: _hosts(captures or (), remotes or ()))
    if diff is not None:
        planned = places(diff, found)
        changes = differences(planned)
        _show(_warned(found, planned), shape, {"diff": changes}, changes)
        if changes:
            raise typer.Exit(Exit.PENDING)
    elif write is not None:
        planned = places(write, found)
        written = write_below(planned)
        _show(_warned(found, planned), shape, {"written": written}, map(one_line, written))
    else:
        _show(found, shape, {}, (f"==> {path} <==\n{text}" for path, text in found.files.items()))


def _warned(found: Rendered, planned: tuple[Place, ...]) -> Rendered:
    """With a warning for each line of somebody else's that is replaced."""
    from dataclasses import replace

    lost = (f"replaces {line}" for place in planned for line in place.replaced)
    return replace(found, warnings=(*found.warnings, *lost))


def _refuse_both(write: Path | None, diff: Path | None) -> None:
    if write is not None and diff is not None:
        said = "--write and --diff were given"
        raise Failure(said, "look with --diff first, then --write", code=Exit.USAGE)


def _rendered(
    path: Path, release: str | None, layout: str | None, read_hosts: Callable[[], dict[str, Host]]
) -> Rendered:
    """What the spec comes to; hosts are read last, which takes longest."""
    from gpucloud.nova.render import render

    wanted = spec_given(path)
    known, way = _release(release, wanted), _layout(layout, wanted)
    return render(wanted, read_hosts(), known, way)


def _release(said: str | None, spec: Spec) -> Release:
    from gpucloud.nova.releases.release import parse_release

    named = said or (spec.openstack.release if spec.openstack is not None else None)
    if named is None:
        raise Failure(
            "no release was named", "give --release 2025.1, or openstack: in the spec", code=Exit.USAGE
        )
    return parse_release(named)


def _layout(said: str | None, spec: Spec) -> Layout:
    from gpucloud.nova.render import layout_named

    return layout_named(said or (spec.openstack.layout if spec.openstack is not None else None) or "packages")


def _hosts(captures: Sequence[str], remotes: Sequence[str]) -> dict[str, Host]:
    """The hosts that the options name, read.

    Raises:
        Failure: one cannot be read, or two have one name.
    """
    from gpucloud.inventory import open_host

    hosts: dict[str, Host] = {}
    for text in captures:
        name, path = named_place(text)
        _add(hosts, name or name_of_capture(path), open_host(capture=Path(path)))
    for text in remotes:
        name, remote = named_place(text)
        _add(hosts, name or remote.rpartition("@")[2], open_host(remote=remote))
    return hosts


def _add(hosts: dict[str, Host], name: str, host: Host) -> None:
    if name in hosts:
        raise Failure(f"two hosts are called {name}", "name them: --from NAME=CAPTURE", code=Exit.USAGE)
    hosts[name] = host


def _show(found: Rendered, shape: Shape, said: dict[str, list[str]], lines: Iterable[str]) -> None:
    """Print what was rendered: as JSON with what was done with it, or as lines with advice after them."""
    if shape is Shape.JSON:
        print_line_of_json({**_plain(found), **said})
        return
    print_lines(map(Copied, lines))
    _show_advice(found)


def _show_advice(found: Rendered) -> None:
    for line in found.missing:
        note(f"missing: {line}")
    for line in found.warnings:
        note(f"warning: {line}")
    for number, line in enumerate(found.steps, start=1):
        note(f"{number}. {line}")


def _plain(found: Rendered) -> dict[str, object]:
    return {
        "release": str(found.release),
        "layout": found.layout,
        "files": dict(found.files),
        "steps": list(found.steps),
        "warnings": list(found.warnings),
        "missing": list(found.missing),
    }
