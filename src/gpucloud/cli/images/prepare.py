"""``gpucloud image prepare``: a cloud image grown to what CUDA needs, with its properties and packages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.ending import interruptible
from gpucloud.cli.given import spec_given
from gpucloud.cli.guests.telling import telling
from gpucloud.cli.output import Shape, print_json, print_lines, say
from gpucloud.cli.typed.complete import distros
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.cloud.images.profile import Profile
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.line import Copied

if TYPE_CHECKING:
    from gpucloud.cloud.images.prepare import Prepared
    from gpucloud.model.spec import Spec

ImageArgument = Annotated[
    Path, typer.Argument(metavar="IMAGE", help="A disk image, raw or qcow2, which is only read.")
]
OutOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="OUT", help="The new image, qcow2; nothing is there yet.")
]
SizeOption = Annotated[
    str,
    typer.Option(
        "--size",
        metavar="SIZE",
        help="Of its disk, as 20G: driver, CUDA toolkit and compilers take about 12.",
    ),
]
ProfileOption = Annotated[
    Profile,
    typer.Option(
        "--profile",
        help="What its guests are; windows-consumer hides the hypervisor from drivers of GeForce cards.",
    ),
]
NameOption = Annotated[
    str | None, typer.Option("--name", help="Of the image in glance; OUT's without.", show_default=False)
]
DistroOption = Annotated[
    str | None,
    typer.Option(
        "--distro",
        metavar="NAME",
        autocompletion=distros,
        help="ubuntu, debian, rhel or suse, where it cannot be read.",
    ),
]
SpecOption = Annotated[
    Path | None,
    typer.Option(
        "--spec", metavar="FILE", help="gpucloud.yaml: its release, and flavors whose disks are compared."
    ),
]


def prepare(
    image: ImageArgument,
    out: OutOption,
    size: SizeOption = "20G",
    profile: ProfileOption = Profile.LINUX,
    name: NameOption = None,
    distro: DistroOption = None,
    spec: SpecOption = None,
    form: ShapeOption = Shape.TEXT,
) -> None:
    """Make a cloud image fit for guests with GPUs: a larger disk, properties, packages. Root is not needed.

    The image is copied, its last partition grown, and an ext file system in it, too; others grow at the
    guest's first start, and it is said what does that. Nothing is mounted or downloaded. Beside OUT come
    OUT's name with .publish.yaml, a spec with the image's properties for `gpucloud publish --spec`, and with
    .user-data, a cloud-config that names the driver and compilers of its distribution: the guest fetches
    them. OUT is there whole or not at all.

    With --spec, flavors with GPUs whose disk is smaller than the image are named: nova would refuse them.
    Exit code 3 where there are some; the image is made all the same.

    Examples:
      gpucloud image prepare debian-12.qcow2 -o debian-12-gpu.qcow2
      gpucloud image prepare ubuntu-24.04.img -o gpu.qcow2 --size 40G --spec gpucloud.yaml
      gpucloud image prepare windows-11.qcow2 -o windows-gpu.qcow2 --size 80G --profile windows-consumer
    """
    from gpucloud.cloud.amounts import parse_memory_mib
    from gpucloud.cloud.images.packages import DISTROS
    from gpucloud.cloud.images.prepare import Wish, prepare_image
    from gpucloud.cloud.programs import run

    if distro is not None and distro not in DISTROS:
        what = f"no packages are known of {distro!r}"
        raise Failure(what, f"say one of {', '.join(DISTROS)}", code=Exit.USAGE)
    try:
        size_bytes = parse_memory_mib(size) * 1024 * 1024
    except ValueError as error:
        raise Failure(f"{size!r} is no size of a disk", "write 20G or 1T", code=Exit.USAGE) from error
    known = None if spec is None else spec_given(spec)
    release = None if known is None or known.openstack is None else known.openstack.release
    wish = Wish(image, out.absolute(), size_bytes, name or out.stem, profile, distro, release)
    steps: list[str] = []

    def step(line: str) -> None:
        steps.append(line)
        say(line)

    try:
        with interruptible(), telling(lambda: f"still {steps[-1] if steps else 'looking'}", say, every_s=10):
            made = prepare_image(wish, run, step)
    except KeyboardInterrupt:
        what = "interrupted: no image was made, and nothing of it is left"
        raise Failure(what, code=Exit.INTERRUPTED) from None
    small = () if known is None else tuple(_too_small(known, made.size_bytes))
    if form is Shape.JSON:
        print_json({**_plain(made), "name": wish.name, "too_small": small})
    else:
        print_lines(_lines(made, wish.name, small))
    if small:
        raise typer.Exit(Exit.FINDINGS)


def _too_small(spec: Spec, size_bytes: int) -> Iterator[str]:
    """Flavors with GPUs that nova would not boot the image with; a disk of 0 is as large as the image."""
    for flavor in spec.publish.flavors:
        if flavor.gpus and 0 < flavor.disk_gib < _gib(size_bytes):
            yield flavor.name


def _gib(size_bytes: int) -> int:
    return -(-size_bytes // 1024**3)


def _plain(made: Prepared) -> dict[str, object]:
    return {
        "out": made.out,
        "size_bytes": made.size_bytes,
        "was_bytes": made.was_bytes,
        "partition": made.partition,
        "file_system": made.kind,
        "is_grown": made.is_grown,
        "later": made.later,
        "properties": made.wish,
        "publish": made.publish,
        "user_data": made.user_data,
        "distro": made.distro,
    }


def _lines(made: Prepared, name: str, small: tuple[str, ...]) -> Iterator[str]:
    grown = f"{_gib(made.was_bytes)} GiB before" if made.size_bytes > made.was_bytes else "as before"
    yield f"{made.out}: a disk of {_gib(made.size_bytes)} GiB, {grown}"
    has = "with its file system" if made.is_grown else f"but not what is in it: {made.later}"
    yield f"partition {made.partition} ({made.kind.value}) has grown {has}"
    yield f"properties, in {made.publish}: {json.dumps(made.wish)}"
    if made.user_data is None:
        yield "packages: none are named; say --distro where cloud-init is to install the driver"
    else:
        yield f"packages for {made.distro}, as user data: {made.user_data}"
    for flavor in small:
        yield f"flavor {flavor} has a smaller disk: nova refuses to start the image with it"
    yield "Next:"
    yield Copied(
        f"  openstack image create --disk-format qcow2 --container-format bare "
        f"--min-disk {_gib(made.size_bytes)} --file {quote(str(made.out))} {quote(name)}"
    )
    yield Copied(f"  gpucloud publish --spec {quote(str(made.publish))}")
