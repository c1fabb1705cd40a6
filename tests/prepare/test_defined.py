"""mdevctl and layouts on one host: each device is made again by one of the two, and definitions are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prepare.site import Site, folder_in_memory
from tests.prepare.test_layout import OTHER_UUID, UUID, restart, vgpu
from tests.prepare.test_slices import CARD, mdevs_of, mediated, vendor_site

from gpucloud.cli.main import call
from gpucloud.inventory.live import LiveReader
from gpucloud.model.boot import Defined
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.layout.defined import read_defined


@pytest.fixture
def site(tmp_path: Path) -> Site:
    found = vendor_site(tmp_path)
    mediated(found)
    return found


def define(site: Site, uuid: str, *, type_: str = "nvidia-35", start: str = "auto") -> None:
    """As ``mdevctl define`` writes it."""
    file = site.root / "etc/mdevctl.d" / CARD / uuid
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"mdev_type": type_, "start": start, "attrs": []}, indent=2))


def test_a_definition_is_read_as_mdevctl_writes_it(site: Site) -> None:
    assert read_defined(LiveReader(site.root)) is None
    define(site, UUID)
    define(site, OTHER_UUID, start="manual")
    assert read_defined(LiveReader(site.root)) == (
        Defined(CARD, UUID, "nvidia-35", True),
        Defined(CARD, OTHER_UUID, "nvidia-35", False),
    )


def test_what_a_layout_makes_is_made_again_by_gpucloud_alone(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    define(site, UUID)
    folder = site.root / "etc/mdevctl.d" / CARD
    before = [path.read_text() for path in folder.iterdir()]
    vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--uuid", OTHER_UUID, "--yes")
    said = capsys.readouterr().out
    assert "mdevctl is here: gpucloud boot makes what layouts have again" in said
    assert f"mdevctl starts on the same cards: {UUID}; all together must fit there" in said
    assert [path.read_text() for path in folder.iterdir()] == before
    restart(site)
    site.kernel.create_store(CARD, "nvidia-35", UUID)  # udev has mdevctl start it
    assert call(["boot"], site.desk) == Exit.FINE
    assert mdevs_of(site) == [UUID, OTHER_UUID]


def test_one_that_both_would_make_is_made_once(site: Site) -> None:
    vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--uuid", UUID, "--yes")
    define(site, UUID)
    restart(site)
    site.kernel.create_store(CARD, "nvidia-35", UUID)
    entries = len(site.journal.entries())
    assert call(["boot"], site.desk) == Exit.FINE
    assert mdevs_of(site) == [UUID]
    assert len(site.journal.entries()) == entries


def test_one_that_comes_back_at_the_next_start_is_named(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    define(site, UUID)
    site.kernel.create_store(CARD, "nvidia-35", UUID)
    vgpu(site, "delete", UUID, "--yes")
    assert f"mdevctl modify --uuid {UUID} --manual" in capsys.readouterr().out
    assert mdevs_of(site) == []
    assert (site.root / "etc/mdevctl.d" / CARD / UUID).exists()


def test_a_uuid_that_is_defined_as_another_device_is_not_taken(site: Site) -> None:
    define(site, UUID, type_="nvidia-36", start="manual")
    with pytest.raises(Failure, match=f"{UUID} is defined with mdevctl as nvidia-36 of {CARD}; give another"):
        vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--uuid", UUID, "--yes")
    assert mdevs_of(site) == []


@given(st.binary(max_size=200))
def test_any_file_there_is_a_definition_or_not_known(data: bytes) -> None:
    with folder_in_memory() as root:
        place = root / "etc/mdevctl.d" / CARD
        place.mkdir(parents=True)
        (place / UUID).write_bytes(data)
        found = read_defined(LiveReader(root))
    assert isinstance(found, Unknown) or found
