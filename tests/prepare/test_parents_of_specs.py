"""A spec names a parent of mediated devices that is no PCI function: every start makes what its pool says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import build_family
from tests.prepare.site import Site
from tests.prepare.test_boot_apply import mine
from tests.prepare.test_boot_plan import give_tables, without_groups
from tests.prepare.test_layout import UUID, vgpu
from tests.prepare.test_parents import give_parent
from tests.prepare.test_slices import mdevs_of

from gpucloud.model.change import EnableUnit, MakeMdev, WriteFile
from gpucloud.model.failure import Failure
from gpucloud.model.pci import ParentName
from gpucloud.model.plan import Plan, Taken
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.apply import apply
from gpucloud.prepare.boot.arguments import is_off_in_firmware
from gpucloud.prepare.boot.own import paths as owned
from gpucloud.prepare.boot.state import foreseen
from gpucloud.prepare.plan import render_plan
from gpucloud.prepare.stored import parse_stored, render_stored
from gpucloud.slices.name import mdev_name
from gpucloud.spec import parse_spec

MTTY = ParentName("mtty")
SPEC = "pools: {serial: {use: vgpu, match: {parent: mtty}, vgpu_types: [TYPE]}}\n"
THREE = SPEC.replace("TYPE", "{type: Single port serial, max_instances: 3}")
NAMES = sorted(mdev_name("gpu01", MTTY, "mtty-1", number) for number in range(24))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A host with two cards and with the kernel's sample driver mtty."""
    kernel = build_family(tmp_path / "root", "debian-12")
    give_parent(kernel.root)
    return Site(kernel, tmp_path / "state")


def planned(site: Site, spec: str = THREE) -> Plan:
    return site.desk.plan_start(parse_spec(spec), "gpu01", force=False)


def started(site: Site, spec: str = THREE) -> None:
    """The spec's plan is applied, and the host was restarted."""
    assert apply(mine(planned(site, spec)), site.system, site.journal).failure is None
    restart(site)


def restart(site: Site) -> None:
    for name in mdevs_of(site):
        site.kernel.remove_store(name)
    place = site.root / "proc/sys/kernel/random/boot_id"
    place.write_text(f"after {place.read_text()}")


def test_the_plan_names_the_parent_and_what_each_start_makes_of_it(site: Site) -> None:
    plan = planned(site)
    assert plan.wanted is not None
    assert plan.wanted.taken == (Taken("serial", "vgpu", (MTTY,)),)
    assert [step.change for step in plan.at_start] == [
        MakeMdev(address=MTTY, type="mtty-1", uuid=mdev_name("gpu01", MTTY, "mtty-1", number))
        for number in range(3)
    ]
    shown = render_plan(plan)
    assert "pool serial (vgpu): mtty\n" in shown
    assert "because pool serial is cut into vGPUs: mtty\n" in shown
    assert parse_stored(render_stored(plan), "plan").plan == plan


def test_nothing_of_the_next_start_is_changed_but_the_unit(site: Site) -> None:
    """No IOMMU is needed for it: not even one that the firmware has off is in its way."""
    changes = [step.change for step in planned(site).steps]
    assert [type(change) for change in changes] == [WriteFile, EnableUnit]
    assert isinstance(changes[0], WriteFile)
    assert changes[0].path == owned.UNIT
    without_groups(site.kernel)
    give_tables(site.kernel)
    assert is_off_in_firmware(site.host())
    assert planned(site).refusals == ()


def test_each_start_makes_the_same_devices(site: Site) -> None:
    started(site)
    for _ in range(2):
        kept = site.desk.keep()
        assert kept is not None
        assert ([each.failure for each in kept.outcomes], kept.missing) == ([None], ())
        made = mdevs_of(site)
        assert made == sorted(mdev_name("gpu01", MTTY, "mtty-1", number) for number in range(3))
        assert site.desk.verify(None) == ()
        again = site.desk.keep()
        assert again is not None
        assert again.outcomes == ()
        restart(site)


def test_without_a_number_as_many_are_made_as_fit(site: Site) -> None:
    started(site, SPEC.replace("TYPE", "{type: mtty-1}"))
    site.desk.keep()
    assert mdevs_of(site) == NAMES


def test_devices_of_others_count(site: Site) -> None:
    started(site)
    site.kernel.create_store("mtty", "mtty-1", UUID)
    site.desk.keep()
    assert len(mdevs_of(site)) == 3
    assert UUID in mdevs_of(site)


def test_nova_makes_its_own(site: Site) -> None:
    started(site, f"openstack: {{release: '34'}}\n{THREE}")
    kept = site.desk.keep()
    assert kept is not None
    assert (kept.outcomes, kept.missing, mdevs_of(site)) == ((), (), [])


def test_what_is_missing_is_named_by_verify(site: Site) -> None:
    started(site)
    assert len(site.desk.verify(None)) == 3


@pytest.mark.parametrize("spec", [THREE, f"openstack: {{release: '34'}}\n{THREE}"])
def test_a_driver_that_comes_late_is_waited_for_and_one_that_never_does_is_named(
    site: Site, spec: str
) -> None:
    started(site, spec)
    shutil.rmtree(site.root / "sys/class/mdev_bus")
    kept = site.desk.keep()
    assert kept is not None
    assert kept.missing == ("mtty: there is no such parent of mediated devices: its driver is not loaded",)
    assert site.desk.verify(None) != ()


def test_a_parent_that_refuses_is_left(site: Site) -> None:
    started(site)
    place = site.root / "sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create"
    place.unlink()
    kept = site.desk.keep()
    assert kept is not None
    assert [bool(each.failure) for each in kept.outcomes] == [True]
    assert mdevs_of(site) == []


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (
            SPEC.replace("TYPE", "{type: mtty-9}"),
            "mtty, pool serial: it offers no vGPU type 'mtty-9', but mtty-1",
        ),
        (SPEC.replace(", vgpu_types: [TYPE]", ""), "mtty, pool serial: no vgpu_types are named"),
        (THREE.replace("mtty", "mdpy"), "mdpy, pool serial: there is no such parent"),
    ],
)
def test_what_no_start_brings_is_noted_in_the_plan(site: Site, spec: str, says: str) -> None:
    assert any(says in note for note in planned(site, spec).notes)


def test_what_is_not_known_is_noted(site: Site) -> None:
    host = replace(site.host(), mdev_parents=Unknown("denied"))
    (note,) = foreseen(host, parse_spec(THREE), "gpu01")
    assert note == "mtty, pool serial: whether it is there is not known (denied)"
    elsewhere = parse_spec(THREE.replace("use:", "hosts: gpu02, use:"))
    assert list(foreseen(host, elsewhere, "gpu01")) == []


def test_a_parent_is_a_layouts_or_a_specs(site: Site) -> None:
    vgpu(site, "apply", "mtty: mtty-1", "--name", "gpu01", "--yes")
    with pytest.raises(Failure, match="mtty of pool serial is cut by an applied layout"):
        planned(site)
    vgpu(site, "undo")
    started(site)
    with pytest.raises(Failure, match="mtty is in pool serial of the applied spec"):
        vgpu(site, "apply", "mtty: mtty-1", "--name", "gpu01", "--yes")
