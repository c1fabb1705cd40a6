"""Nova's libvirt driver and gpucloud choose the same mdev types for the same options."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.nova.oracle.ask import ask
from tests.nova.oracle.environment import PACKAGES

from gpucloud.nova.mdev import MdevSection, choose_types
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import vgpu
from gpucloud.nova.releases.release import Release, parse_release

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(900)]

_DEVICES = ["0000:84:00.0", "0000:85:00.0", "0000:8a:00.4", "0001:01:00.0"]
_WRITTEN = [*_DEVICES, *_DEVICES, "0000:8A:00.4", "85:00.0", "mtty_mtty", "0000:84:00", "x", "00008:84:00.0"]
_CLASSES = ["VGPU", "CUSTOM_X", "CUSTOM_Y"]
COUNT = 2000


def random_case(draw: random.Random, release: Release) -> dict[str, Any]:
    option = vgpu.MDEV_TYPES.at(release)
    assert option is not None
    types = [
        draw.choice(["x", "y", "nvidia-35", "i915-GVTg_V5_4"]) for _ in range(draw.choice([0, 1, 1, 2, 2, 3]))
    ]
    return {
        "option": option.name,
        "group": option.name.removeprefix("enabled_").removesuffix("_types"),
        "types": types,
        "sections": {name: random_section(draw, release) for name in types if draw.random() < 0.8},
        "virtual": ["mtty_mtty"] if draw.random() < 0.5 else [],
        "devices": _DEVICES,
    }


def random_section(draw: random.Random, release: Release) -> dict[str, str]:
    known = vgpu.MDEV_KEYS.at(release)
    section: dict[str, str] = {}
    if draw.random() < 0.75:
        addresses = [
            draw.choice(_WRITTEN[: 8 if draw.random() < 0.8 else None])
            for _ in range(draw.choice([0, 1, 1, 2]))
        ]
        section["device_addresses"] = draw.choice([",", ", "]).join(addresses)
    if "mdev_class" in known and draw.random() < 0.5:
        section["mdev_class"] = draw.choice(_CLASSES)
    if "max_instances" in known and draw.random() < 0.3:
        section["max_instances"] = str(draw.choice([1, 5, 32]))
    return section


def ask_gpucloud(release: Release, case: dict[str, Any]) -> dict[str, Any]:
    sections = {
        name: MdevSection(
            tuple(part.strip() for part in known.get("device_addresses", "").split(",") if part),
            known.get("mdev_class", "VGPU"),
            int(known["max_instances"]) if "max_instances" in known else None,
        )
        for name, known in case["sections"].items()
    }
    found = choose_types(case["types"], sections, release, virtual_parents=case["virtual"])
    if isinstance(found, Refusal):
        return {"raises": [found.exception, found.message]}
    has_classes = "mdev_class" in vgpu.MDEV_KEYS.at(release)
    return {
        "enabled": list(found.enabled),
        "limits": dict(found.limits),
        "classes": sorted(found.allocation_classes) if has_classes else [],
        "warnings": list(found.warnings),
        "devices": {
            address: [found.type_of(address) if found.enabled else None, found.class_of(address)]
            for address in case["devices"]
        },
    }


@pytest.mark.parametrize("version", [version for version in PACKAGES if int(version[:2]) >= 17])
def test_nova_and_gpucloud_choose_the_same_types(version: str, tmp_path: Path) -> None:
    draw = random.Random(2026)  # noqa: S311 - the same cases each time
    release = parse_release(version)
    distinct = {json.dumps(random_case(draw, release)): None for _ in range(COUNT)}
    cases = [json.loads(case) for case in distinct]
    theirs = ask(version, "mdev_worker", cases, str(tmp_path / "nova.conf"))
    different = [
        (case, known, mine)
        for case, known in zip(cases, theirs, strict=True)
        if known != (mine := ask_gpucloud(release, case))
    ]
    assert not different[:3]
    assert len(cases) > COUNT // 3
