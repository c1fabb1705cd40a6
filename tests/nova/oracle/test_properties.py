"""Keys of flavors and properties of images: nova's validators and fields, and gpucloud, say the same.

The API's validators judge releases from 21 on, in their own words; the fields of images all of them. Not
compared, and why: values of properties that the table marks ``any`` (names of architectures and hypervisors,
lists, NUMA cells), of which no rule depends; what nova's drivers make of what the API took, because that is
no function that can be asked.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.nova.oracle.ask import ask
from tests.nova.oracle.environment import PACKAGES

from gpucloud.nova.properties.api import FIRST, api_refusal
from gpucloud.nova.properties.image import image_refusal
from gpucloud.nova.releases.properties import Properties, Property, flavor_keys, image_properties
from gpucloud.nova.releases.release import Release, parse_release

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(900)]

SEED, COUNT = 2026, 2000
_MADE_OF_OTHERS = {"hw_numa_cpus", "hw_numa_mem", "traits_required"}
"""Fields that nova fills from several properties, and reads under no name of their own."""
_VALUES = [
    *("", " ", "0", "1", "8", "16", "-1", " 2 ", "1_0", "x", "1.5", "yes", "No", "TRUE", "maybe", "none"),
    *("required", "forbidden", "socket", "mixed", "usb", "USBTABLET", "Windows", "linux", "UEFI", "virtio"),
    *("1-3", "^1,2-4", "large", "2MB", "a1:1", "a1:1, b:2", "a1", "a1:x", "\u00b2", "1024x768", "2.0"),
]
_STRANGE = [
    *("owner", "hw_", "hw:", ":", "hw:hide_hypervisor", "hw:maxphysaddr_bits", "hw_vido_model", "pci:alias"),
    *(
        "resources:VGPU",
        "resources1:CUSTOM_A16",
        "resources:CUSTOM_pci_x",
        "resources:vgpu",
        "resources_x:PGPU",
    ),
    *("resources:", "resources!:VGPU", "trait:CUSTOM_X", "trait1:COMPUTE_NODE", "trait:blue", "traits:X"),
    *("hw:numa_mem.0", "hw:numa_cpus.1", "hw:numa_cpus.x", "quota:cpu", "capabilities:stats:a:b", "my:own"),
]
each_release = pytest.mark.parametrize("version", PACKAGES)


def drawn(draw: random.Random, table: Properties) -> tuple[str, str]:
    """A name and a value: of those that any release knows, or near them."""
    row = draw.choice(table.rows)
    name = re.sub(r"\(.*\)|\\\.\\d\+|\.\+", "1", row.name)
    if draw.random() < 0.3:
        name = draw.choice(_STRANGE)
    if draw.random() < 0.1:
        name = draw.choice([name.upper(), name.replace("_", "-"), f"{name}s", name[:-1]])
    return name, draw.choice([*row.values, *_near(row)]) if draw.random() < 0.6 else draw.choice(_VALUES)


def _near(row: Property) -> list[str]:
    return [
        *(value.upper() for value in row.values),
        *(f"{value} " for value in row.values),
        "0",
        "1",
        "true",
    ]


def cases(table: Properties) -> Iterator[tuple[str, str]]:
    draw = random.Random(SEED)  # noqa: S311 - the same cases each time
    seen: dict[tuple[str, str], None] = {}
    while len(seen) < COUNT:
        seen[drawn(draw, table)] = None
    return iter(seen)


def names_of(table: Properties, release: Release) -> set[str]:
    return {row.name for row in table.rows if row.is_in(release)}


@each_release
def test_nova_and_gpucloud_judge_properties_alike(version: str) -> None:
    release = parse_release(version)
    flavors = list(cases(flavor_keys())) if release >= FIRST else []
    images = list(cases(image_properties()))
    asked = [*({"flavor": case} for case in flavors), *({"image": {name: value}} for name, value in images)]
    known, *theirs = ask(version, "property_worker", asked)
    check_names(known, release)
    refused = zip(
        flavors, map(_words, theirs), (api_refusal(*case, release) for case in flavors), strict=False
    )
    read = zip(images, theirs[len(flavors) :], (_image(*case, release) for case in images), strict=True)
    different: list[Any] = [each for each in refused if each[1] != each[2]]
    different += [each for each in read if each[1] != each[2] and not _is_unjudged(each[0][0], release)]
    assert not different, f"{len(different)} of {len(asked)}: {different[:3]}"


def check_names(known: dict[str, list[str]], release: Release) -> None:
    """The tables have the names that the release has, and no other."""
    flavor = {name for name in known["flavor"] if not name.startswith(("resources", "trait"))}
    assert flavor == (names_of(flavor_keys(), release) if release >= FIRST else set())
    image = {name for name in names_of(image_properties(), release) if name.isidentifier()}
    assert image == {*known["image"], "vmware_adaptertype"} - _MADE_OF_OTHERS


def _words(said: dict[str, Any]) -> str | None:
    """The validator's words without their common beginning; None where it takes the key."""
    if "gives" in said:
        return None
    assert said["raises"][0] == "ValidationError"
    return str(said["raises"][1]).removeprefix("Validation failed; ")


def _is_unjudged(name: str, release: Release) -> bool:
    known = image_properties().find(name, release)
    return known is not None and known.kind == "any"


def _image(name: str, value: str, release: Release) -> dict[str, Any]:
    """What reading an image with this one property gives."""
    refusal = image_refusal(name, value, release)
    if refusal is not None:
        return {"raises": ["ValueError", refusal]}
    known = image_properties().find(name, release)
    if known is None or (name.startswith("trait:") and value != "required"):
        return {"gives": []}
    return {"gives": ["traits_required" if name.startswith("trait:") else name]}
