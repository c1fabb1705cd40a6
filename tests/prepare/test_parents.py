"""Parents of mediated devices that are no PCI functions are cut, kept and taken back as cards are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.prepare.site import Site
from tests.prepare.test_layout import OTHER_UUID, UUID, open_by_guest, vgpu
from tests.prepare.test_slices import keep, mdevs_of, vendor_site

from gpucloud.inventory import read_host
from gpucloud.model.change import MakeMdev
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.host import Host
from gpucloud.model.pci import ParentName
from gpucloud.model.plan import Plan, Step
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.layout.held import users_of_cut
from gpucloud.prepare.stored import parse_stored, render_stored

TYPES = {"mtty-1": ("Single port serial", 24), "mtty-2": ("Dual port serial", 12)}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A server with a card, and with the kernel's sample driver mtty, as the laboratory shows it."""
    found = vendor_site(tmp_path)
    give_parent(found.root)
    return found


def give_parent(root: Path) -> None:
    """Load the driver: samples/vfio-mdev/mtty.c."""
    parent = root / "sys/devices/virtual/mtty/mtty"
    for kind, (name, room) in TYPES.items():
        place = parent / "mdev_supported_types" / kind
        place.mkdir(parents=True)
        for file, text in {"name": f"{name}\n", "available_instances": f"{room}\n", "create": ""}.items():
            (place / file).write_text(text)
    bus = root / "sys/class/mdev_bus"
    bus.mkdir(parents=True)
    (bus / "mtty").symlink_to("../../devices/virtual/mtty/mtty")


def test_a_layout_of_a_parent_is_applied_and_taken_back_exactly(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    before = site.picture()
    assert vgpu(site, "apply", "mtty: 2 x mtty-1, mtty-2", "--name", "gpu01", "--yes") == Exit.FINE
    shown = capsys.readouterr()
    assert "cut mtty; 3 changes" in shown.out + shown.err
    assert len(mdevs_of(site)) == 3
    assert vgpu(site, "apply", "mtty: 2 x mtty-1, mtty-2", "--name", "gpu01", "--yes") == Exit.FINE
    assert capsys.readouterr().out == "nothing to do: it is cut as wanted\n"
    assert vgpu(site, "undo") == Exit.FINE
    assert site.picture() == before


def test_a_device_of_a_parent_is_made_deleted_and_made_again_with_its_uuid(site: Site) -> None:
    for name in (UUID, OTHER_UUID):
        vgpu(site, "create", "mtty-1", "--on", "mtty", "--uuid", name, "--yes")
    vgpu(site, "delete", OTHER_UUID, "--yes")
    assert mdevs_of(site) == [UUID]
    vgpu(site, "undo")
    assert mdevs_of(site) == [UUID, OTHER_UUID]


def test_devices_of_a_parent_are_there_after_a_restart(site: Site) -> None:
    vgpu(site, "apply", "mtty: 2 x mtty-1", "--name", "gpu01", "--yes")
    made = mdevs_of(site)
    for uuid in made:
        site.kernel.remove_store(uuid)
    assert keep(site) == [None]
    assert mdevs_of(site) == made


def test_a_device_of_a_parent_stays_with_its_guest(site: Site) -> None:
    vgpu(site, "create", "mtty-1", "--on", "mtty", "--uuid", UUID, "--yes")
    open_by_guest(site, UUID)
    with pytest.raises(Failure, match=f"{UUID} would go, and guest desk uses it"):
        vgpu(site, "delete", UUID, "--yes")
    with pytest.raises(Failure, match=f"guest desk uses {UUID}"):
        vgpu(site, "undo")
    assert mdevs_of(site) == [UUID]


def test_more_than_a_parent_has_room_for_is_refused(site: Site) -> None:
    with pytest.raises(Failure, match=r"25 more of Single port serial are wanted, and 24 fit"):
        vgpu(site, "apply", "mtty: 25 x mtty-1", "--yes")


def test_a_parent_that_is_not_there_is_named(site: Site) -> None:
    with pytest.raises(Failure, match="mbochs is no GPU of this host, nor another parent"):
        vgpu(site, "create", "mbochs-small", "--on", "mbochs", "--yes")


def test_a_plan_with_a_parent_is_read_back_as_it_was_written() -> None:
    change = MakeMdev(address=ParentName.parse("mtty"), type="mtty-1", uuid=UUID)
    plan = Plan("here", (), False, (), (Step(change, "it is wanted", None),))
    assert parse_stored(render_stored(plan), "plan").plan == plan
    damaged = json.loads(render_stored(plan))
    damaged["plan"]["steps"][0]["change"]["address"] = "../mtty"
    with pytest.raises(Failure, match="not the name of a parent"):
        parse_stored(json.dumps(damaged).encode(), "plan")


def test_users_of_parents_that_were_not_read_are_not_known(site: Site) -> None:
    host = read_host(site.desk.system.reader())
    change = MakeMdev(address=ParentName.parse("mtty"), type="mtty-1", uuid=UUID)
    assert list(users_of_cut([change], host)) == []
    (found,) = users_of_cut([change], _unread(site))
    assert found == ("mtty", Unknown("permission denied"))


def _unread(site: Site) -> Host:
    return replace(read_host(site.desk.system.reader()), mdev_parents=Unknown("permission denied"))
