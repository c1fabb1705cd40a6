"""``gpucloud nova properties``: which properties of flavors and images a release reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.nova.files import ReleaseOption
from gpucloud.cli.output import Shape, print_json, print_text
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

FlavorKeyOption = Annotated[
    list[str] | None,
    typer.Option("--flavor-key", metavar="KEY=VALUE", help="A key of a flavor; may be repeated."),
]
ImagePropertyOption = Annotated[
    list[str] | None,
    typer.Option("--image-property", metavar="NAME=VALUE", help="A property of an image; may be repeated."),
]


def judge_properties(
    release: ReleaseOption,
    flavor_key: FlavorKeyOption = None,
    image_property: ImagePropertyOption = None,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Say which properties of flavors and images a release reads, passes over, or refuses.

    Exit code 3 says that one is passed over or refused.

    Examples:
      gpucloud nova properties --release 25 --flavor-key pci_passthrough:alias=a100:1
      gpucloud nova properties --release 2025.1 --image-property hw_viommu_model=intel
    """
    from gpucloud.nova.properties import Verdict, judge_flavor, judge_image, judge_together
    from gpucloud.nova.releases.release import parse_release

    known = parse_release(release)
    keys, properties = _pairs(flavor_key), _pairs(image_property)
    judged = {
        "flavor": judge_together(judge_flavor(keys, known), keys, properties),
        "image": judge_together(judge_image(properties, known), keys, properties),
    }
    every = [one for several in judged.values() for one in several]
    if not every:
        raise Failure("no property was given", "give --flavor-key or --image-property", code=Exit.USAGE)
    if shape is Shape.JSON:
        print_json({"release": str(known), **judged})
    else:
        for one in every:
            print_text(f"{one.verdict.value:<8} {one.name}={one.value}" + (f": {one.why}" if one.why else ""))
    if any(one.verdict in (Verdict.IGNORED, Verdict.REFUSED) for one in every):
        raise typer.Exit(Exit.FINDINGS)


def _pairs(texts: Sequence[str] | None) -> dict[str, str]:
    pairs = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise Failure(f"{text!r} is no NAME=VALUE", "give hw_video_model=virtio", code=Exit.USAGE)
        if name in pairs:
            raise Failure(f"{name} was given twice", "give it once: nova keeps one value", code=Exit.USAGE)
        pairs[name] = value
    return pairs
