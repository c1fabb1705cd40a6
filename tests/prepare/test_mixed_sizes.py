"""vGPUs of several sizes on one card: the mode for it switched on by a layout, had again, and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.prepare.site import Site
from tests.prepare.test_layout import open_node, restart, vgpu
from tests.prepare.test_slices import (
    CARD,
    VFS,
    make_vfs,
    several_sizes,
    take_vfs,
    types_of,
    vendor_of,
    vendor_site,
)

from gpucloud.cli.main import call
from gpucloud.model.change import SetMixedSizes
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.pci import PciAddress
from gpucloud.prepare.steps import StepError, do, undo

pytestmark = pytest.mark.proof

MIX = "3b:00.0: A40-8Q, 2 x A40-12Q"
MIXED = ["1145", "1147", "1147", "0"]
MODE = SetMixedSizes(address=PciAddress.parse(CARD), before=False, after=True)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A card with four virtual functions, which says that vGPUs of several sizes are off."""
    found = vendor_site(tmp_path)
    several_sizes(found)
    return found


def mode(site: Site) -> str:
    return (site.root / "mixed").read_text().strip()


def use(site: Site) -> None:
    """A guest has the first virtual function."""
    folder = site.root / "sys/bus/pci/devices" / VFS[0] / "vfio-dev/vfio7"
    folder.mkdir(parents=True)
    open_node(site, "/dev/vfio/devices/vfio7")


def test_the_mode_is_switched_on_before_the_vgpus_and_off_after_them(site: Site) -> None:
    before = site.picture()
    assert vgpu(site, "apply", MIX, "--yes") == Exit.FINE
    assert (types_of(site), mode(site)) == (MIXED, "Enabled")
    assert vendor_of(site).runs[-1] == f"nvidia-smi vgpu -i {CARD} -shm 1"
    assert call(["verify"], site.desk) == Exit.FINE
    assert vgpu(site, "apply", MIX, "--yes") == Exit.FINE
    assert len(site.journal.entries()) == 1, "nothing was to be done"
    assert vgpu(site, "undo") == Exit.FINE
    assert site.picture() == before


def test_one_size_leaves_the_mode_as_it_is(site: Site) -> None:
    assert vgpu(site, "apply", "3b:00.0: 2 x A40-8Q", "--yes") == Exit.FINE
    assert mode(site) == "Disabled"
    with pytest.raises(Failure, match="set before any is made, and 0000:3b:00"):
        vgpu(site, "apply", MIX, "--yes")


def test_a_vgpu_of_another_size_goes_before_the_mode_is_switched_on(site: Site) -> None:
    assert vgpu(site, "apply", "3b:00.0: A40-1-5C", "--yes") == Exit.FINE
    site_before = site.picture()
    assert vgpu(site, "apply", MIX, "--yes") == Exit.FINE
    assert (sorted(types_of(site)), mode(site)) == (sorted(MIXED), "Enabled")
    assert vgpu(site, "undo") == Exit.FINE
    assert site.picture() == site_before


def test_a_driver_that_refuses_has_all_taken_back(site: Site) -> None:
    before = site.picture()
    (site.root / "mixed").write_text("Disabled\n")
    vendor_of(site).smi.refuses_mixed = True
    with pytest.raises(Failure, match=r"could not be set: .*In use by another client"):
        vgpu(site, "apply", MIX, "--yes")
    assert site.picture() == before


def test_a_card_that_says_nothing_of_the_mode_is_refused(site: Site) -> None:
    (site.root / "mixed").unlink()
    with pytest.raises(Failure, match="need mixed-size mode, of which nothing says that it is on"):
        vgpu(site, "apply", MIX, "--yes")


def test_it_stays_while_a_vgpu_of_the_card_is_in_use(site: Site) -> None:
    assert vgpu(site, "apply", MIX, "--yes") == Exit.FINE
    use(site)
    with pytest.raises(StepError, match="guest desk uses"):
        undo(MODE, site.system)
    with pytest.raises(Failure, match="guest desk"):
        vgpu(site, "undo")
    assert (types_of(site), mode(site)) == (MIXED, "Enabled")


def test_a_later_layout_that_rests_on_it_is_taken_back_first(site: Site) -> None:
    assert vgpu(site, "apply", "3b:00.0: A40-8Q, A40-12Q", "--yes") == Exit.FINE
    assert vgpu(site, "apply", MIX, "--yes") == Exit.FINE
    assert types_of(site) == MIXED
    with pytest.raises(Failure, match="journal entry 0002 has cut 3b:00"):
        vgpu(site, "undo", "1")
    assert vgpu(site, "undo") == Exit.FINE
    assert vgpu(site, "undo") == Exit.FINE
    assert (types_of(site), mode(site)) == (["0"] * 4, "Disabled")


def test_it_is_not_set_while_a_vgpu_of_the_card_is_in_use(site: Site) -> None:
    use(site)
    with pytest.raises(StepError, match="guest desk uses"):
        do(MODE, site.system)
    assert mode(site) == "Disabled"


def test_a_start_has_the_mode_again_after_virtual_functions_and_before_vgpus(site: Site) -> None:
    assert vgpu(site, "apply", MIX, "--yes") == Exit.FINE
    restart(site)
    vendor_of(site).smi.restart("Disabled")
    take_vfs(site.root)
    make_vfs(site.root, site.kernel.vgpu_types)
    assert (types_of(site), mode(site)) == (["0"] * 4, "Disabled")
    for _ in range(2):
        assert call(["boot"], site.desk) == Exit.FINE
        assert (types_of(site), mode(site)) == (MIXED, "Enabled")
    assert vgpu(site, "undo") == Exit.FINE
    assert (types_of(site), mode(site)) == (["0"] * 4, "Disabled")
