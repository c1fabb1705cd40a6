"""Layouts of GVT-g and of virtual functions: applied, had again after a restart, taken back from anywhere."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.prepare.doom import dies
from tests.prepare.site import Site
from tests.prepare.test_slices import CARD, VFS, make_vfs, mdevs_of, vendor_site

from gpucloud.cli.main import call
from gpucloud.inventory import read_host
from gpucloud.inventory.live import LiveReader
from gpucloud.model.failure import Exit
from gpucloud.model.plan import Layout
from gpucloud.slices import Interface, offers_of

pytestmark = pytest.mark.proof


@dataclass(frozen=True)
class Case:
    """An interface, the type that it offers, where, and for how many devices there is room at each."""

    interface: Interface
    type: str
    parents: tuple[str, ...]
    texts: dict[str, str]
    wanted: int


GVT_G = Case(
    Interface.GVT_G,
    "i915-GVTg_V5_4",
    (CARD,),
    {
        "available_instances": "2\n",
        "description": "low_gm_size: 128MB\nhigh_gm_size: 512MB\nfence: 4\nresolution: 1920x1200\n",
        "device_api": "vfio-pci\n",
    },
    2,
)
"""drivers/gpu/drm/i915/gvt/kvmgt.c, ``description_show``."""
OF_VFS = Case(
    Interface.MDEV_OF_VFS, "nvidia-558", VFS, {"available_instances": "1\n", "name": "NVIDIA A40-8Q\n"}, 3
)


def site_of(case: Case, folder: Path) -> Site:
    site = vendor_site(folder)
    if case.parents == VFS:
        make_vfs(site.root)
        (site.root / "sys/bus/pci/devices" / CARD / "sriov_numvfs").write_text("4\n")
    for parent in case.parents:
        device = site.root / "sys/bus/pci/devices" / parent
        shutil.rmtree(device / "nvidia", ignore_errors=True)
        show(device / "mdev_supported_types" / case.type, case.texts)
        if case.parents == VFS:  # the largest type tells how much memory the card has
            show(device / "mdev_supported_types/nvidia-560", {**case.texts, "name": "NVIDIA A40-48Q\n"})
    return site


def show(place: Path, texts: dict[str, str]) -> None:
    place.mkdir(parents=True)
    for name, text in {**texts, "create": ""}.items():
        (place / name).write_text(text)


@pytest.fixture(params=[GVT_G, OF_VFS], ids=lambda case: case.interface.value)
def case(request: pytest.FixtureRequest) -> Case:
    found = request.param
    assert isinstance(found, Case)
    return found


def apply(case: Case, site: Site) -> None:
    line = f"3b:00.0: {case.wanted} x {case.type}"
    assert call(["vgpu", "apply", line, "--name", "gpu01", "--yes"], site.desk) == Exit.FINE


def test_the_interface_is_told_by_what_the_host_shows(case: Case, tmp_path: Path) -> None:
    site = site_of(case, tmp_path)
    offers = {str(offer.unit): offer.interface for offer in offers_of(read_host(LiveReader(site.root)))}
    assert offers[CARD] is case.interface


def test_slices_are_made_verified_and_taken_back_exactly(case: Case, tmp_path: Path) -> None:
    site = site_of(case, tmp_path)
    before = site.picture()
    apply(case, site)
    assert len(mdevs_of(site)) == case.wanted
    assert call(["verify"], site.desk) == Exit.FINE
    assert call(["vgpu", "undo"], site.desk) == Exit.FINE
    assert site.picture() == before


def test_slices_have_the_same_names_after_a_restart(case: Case, tmp_path: Path) -> None:
    site = site_of(case, tmp_path)
    apply(case, site)
    names = mdevs_of(site)
    for name in names:
        site.kernel.remove_store(name)
    (site.root / "proc/sys/kernel/random/boot_id").write_text("another boot\n")
    assert call(["boot"], site.desk) == Exit.FINE
    assert mdevs_of(site) == names


def test_a_layout_that_was_cut_off_anywhere_leaves_no_slice_behind(case: Case, tmp_path: Path) -> None:
    site = site_of(case, tmp_path)
    before = site.picture()
    plan = site.desk.plan_cut(Layout((f"3b:00.0: {case.wanted} x {case.type}",), "gpu01"))
    moment = 0
    while dies(site, moment, lambda doomed: doomed.desk.apply(plan)):
        if site.journal.unfinished() or site.picture() != before:
            site.desk.undo("last", force=False)
        assert site.picture() == before, moment
        moment += 3
    assert len(mdevs_of(site)) == case.wanted
