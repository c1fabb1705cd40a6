"""Cards of the same id that nobody asked for stay where they are, whatever vfio-pci was told to take."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.prepare.fake_host import ACCELERATOR, BMC, Function, card, drivers_of
from tests.prepare.site import Site, site_in

from gpucloud.prepare.plan import render_plan

IDS = "ids=10de:20b5,10de:1aef"
TWIN = ("0000:3c:00.0", "0000:3c:00.1")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Two cards of one id, one of them without driver, and a configuration that wants both in vfio-pci."""
    site = site_in(tmp_path, [*card(0x3B, 11), *card(0x3C, 12, drivers=(None, None)), BMC])
    site.kernel.configured["vfio_pci"] = (IDS,)
    return site


def test_vfio_pci_alone_would_take_the_idle_twin(site: Site) -> None:
    site.kernel.run(("modprobe", "vfio-pci"))
    assert {drivers_of(site.root)[address] for address in TWIN} == {"vfio-pci"}


def test_the_twin_stays_idle_and_undo_is_exact(site: Site) -> None:
    before = site.picture()
    site.apply("3b:00.0")
    drivers = drivers_of(site.root)
    assert drivers["0000:3b:00.0"] == "vfio-pci"
    assert {drivers[address] for address in TWIN} == {None}
    assert not site.desk.verify(None)
    assert not site.desk.undo("last", force=False).left
    assert site.picture() == before


def test_the_plan_shows_how_the_module_is_loaded(site: Site) -> None:
    shown = render_plan(site.plan("3b:00.0"))
    assert "load the module vfio-pci ids=\n" in shown
    assert "takes only what later steps give it" in shown


def test_a_card_that_waits_for_vfio_pci_by_its_own_override_is_named(tmp_path: Path) -> None:
    waiting = Function("0000:3c:00.0", "10de:20b5", ACCELERATOR, 12, override="vfio-pci")
    site = site_in(tmp_path, [*card(0x3B, 11), waiting, BMC])
    load = site.plan("3b:00.0").steps[0]
    assert load.risk == "it takes 0000:3c:00.0 at once, whose override names it"
    site.apply("3b:00.0")
    assert drivers_of(site.root)["0000:3c:00.0"] == "vfio-pci"


def test_what_is_in_the_kernel_since_its_start_is_not_loaded_again(site: Site) -> None:
    site.kernel.run(("modprobe", "vfio-pci"))
    (site.root / "sys/module/vfio_pci/initstate").unlink()
    assert "vfio-pci" not in {getattr(step.change, "module", None) for step in site.plan("3b:00.0").steps}
    site.apply("3b:00.0")
    assert not site.desk.undo("last", force=False).left
    assert {drivers_of(site.root)[address] for address in TWIN} == {"vfio-pci"}
