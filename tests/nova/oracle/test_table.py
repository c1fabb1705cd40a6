"""The table of what changed between releases says what stands in nova's own packages."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from tests.nova.oracle.ask import ask
from tests.nova.oracle.environment import PACKAGES, source_of

from gpucloud.nova.releases import guest, options, pci, platform, scheduler, vgpu
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.releases.release import Release, parse_release

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(900)]

each_release = pytest.mark.parametrize("release", [parse_release(version) for version in PACKAGES], ids=str)


@cache
def known_options(release: Release) -> dict[str, Any]:
    known: dict[str, Any] = ask(str(release), "option_names")[0]
    return known


def text_of(release: Release, *parts: str) -> str:
    """The source of a file, or of all files of a folder."""
    place = source_of(str(release)).joinpath("nova", *parts)
    files = sorted(place.glob("*.py")) if place.is_dir() else [place]
    return "\n".join(file.read_text() for file in files)


def class_of(text: str, name: str) -> str:
    """The source of one class."""
    start = text.index(f"class {name}(")
    end = text.find("\nclass ", start + 1)
    return text[start : end if end > 0 else None]


@each_release
@pytest.mark.parametrize(
    ("current", "old"),
    [
        (options.DEVICE_SPEC, options.DEVICE_SPEC_OLD),
        (options.ALIAS, options.ALIAS_OLD),
        (options.ENABLED_FILTERS, options.ENABLED_FILTERS_OLD),
        (options.AVAILABLE_FILTERS, options.AVAILABLE_FILTERS_OLD),
        (vgpu.MDEV_TYPES, vgpu.MDEV_TYPES_OLD),
    ],
    ids=["device_spec", "alias", "enabled_filters", "available_filters", "mdev_types"],
)
def test_options_have_these_names_and_old_names(release: Release, current: Any, old: Any) -> None:
    name: OptionName | None = current.at(release)
    if name is None:
        assert not any("mdev" in known or "vgpu" in known for known in known_options(release))
    else:
        assert set(known_options(release)[str(name)]["old"]) == set(map(str, old.at(release)))


@each_release
@pytest.mark.parametrize(
    "known", [options.REPORT_IN_PLACEMENT, options.PCI_IN_PLACEMENT], ids=["report", "use"]
)
def test_placement_is_off_unless_set(release: Release, known: Any) -> None:
    name = known.at(release)
    written = next(value for _, value in known.changes)
    assert (str(written) in known_options(release)) is (name is not None)
    assert known_options(release).get(str(written), {"default": False})["default"] is False


@each_release
def test_the_weight_is_there_since_pike(release: Release) -> None:
    assert ("[filter_scheduler]pci_weight_multiplier" in known_options(release)) is (
        options.PCI_WEIGHT.at(release) is not None
    )


@each_release
def test_the_default_filters_are_these(release: Release) -> None:
    default = known_options(release)[str(options.ENABLED_FILTERS.at(release))]["default"]
    assert tuple(default) == scheduler.DEFAULT_FILTERS.at(release)


@each_release
def test_gone_filters_are_gone_and_the_default_ones_are_there(release: Release) -> None:
    text = text_of(release, "scheduler", "filters")
    there = set(re.findall(r"^class (\w+)\(", text, re.MULTILINE))
    assert not there & set(scheduler.GONE_FILTERS.at(release))
    assert {*scheduler.DEFAULT_FILTERS.at(release), "PciPassthroughFilter", "NUMATopologyFilter"} <= there
    last = scheduler.GONE_FILTERS.changes[-1][1]
    assert set(last) - set(scheduler.GONE_FILTERS.at(release)) <= there


@each_release
def test_enumerations_have_these_values(release: Release) -> None:
    text = text_of(release, "objects", "fields.py")
    models = class_of(text, "VideoModel")
    assert set(re.findall(r"= ['\"](\w+)['\"]", models)) == set(guest.VIDEO_MODELS.at(release))
    policies = pci.NUMA_POLICIES.at(release)
    if not policies:
        assert "class PCINUMAAffinityPolicy(" not in text
    else:
        values = re.findall(r"= \"(\w+)\"", class_of(text, "PCINUMAAffinityPolicy"))
        assert tuple(values) == policies


@each_release
def test_libvirt_and_qemu_must_be_at_least_these(release: Release) -> None:
    text = text_of(release, "virt", "libvirt", "driver.py")
    for name, known in (("LIBVIRT", platform.MIN_LIBVIRT), ("QEMU", platform.MIN_QEMU)):
        found = re.search(rf"^MIN_{name}_VERSION = \(([0-9, ]+)\)", text, re.MULTILINE)
        assert found is not None
        assert found[1].replace(", ", ".") == known.at(release)


@each_release
def test_the_driver_hides_the_hypervisor_for_these_keys(release: Release) -> None:
    text = text_of(release, "virt", "libvirt", "driver.py")
    there = set(re.findall(r"['\"]((?:hw:)?hide_hypervisor_id)['\"]", text))
    assert there == set(guest.HIDE_HYPERVISOR_KEYS.at(release))
