"""A virtual function that is named goes to VFIO by itself; its card and its siblings stay with the host."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import build_family
from tests.prepare.fake_host import DirectSystem, drivers_of
from tests.prepare.site import Site
from tests.prepare.test_boot_state import give_sriov, started
from tests.prepare.test_layout import define

from gpucloud.cli.main import call
from gpucloud.model.failure import Exit, Failure
from gpucloud.prepare.plan import render_plan

CARD = "0000:3b:00.0"
NUMBER = f"/sys/bus/pci/devices/{CARD}/sriov_numvfs"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    kernel = build_family(tmp_path / "root", "debian-12")
    give_sriov(kernel.root, CARD, "8086", "56c0", total=4)
    driver = kernel.root / "sys/bus/pci/devices" / CARD / "driver"
    driver.unlink()
    driver.symlink_to("../../../bus/pci/drivers/i915")
    return Site(kernel, tmp_path / "state")


def virtual_functions(site: Site, count: int = 2) -> list[str]:
    """Make them, each in a group of its own."""
    site.system.write(NUMBER, str(count))
    link_groups(site, names := made_of(site))
    return names


def made_of(site: Site) -> list[str]:
    links = (site.root / "sys/bus/pci/devices" / CARD).glob("virtfn*")
    return sorted(link.readlink().name for link in links)


def link_groups(site: Site, names: Sequence[str]) -> None:
    devices = site.root / "sys/bus/pci/devices"
    first = 70 + len(list((site.root / "sys/kernel/iommu_groups").iterdir()))
    for number, name in enumerate(names, first):
        group = site.root / "sys/kernel/iommu_groups" / str(number)
        (group / "devices").mkdir(parents=True)
        (group / "type").write_text("DMA\n")
        (group / "devices" / name).symlink_to((devices / name).resolve())
        (devices / name / "iommu_group").symlink_to(group)


def test_it_is_bound_verified_and_given_back_without_its_card(site: Site) -> None:
    first, other = virtual_functions(site)
    before, drivers = site.picture(), drivers_of(site.root)
    assert "this is a virtual function" in render_plan(site.plan(first))
    assert call(["apply", "--unit", first, "--yes"], site.desk) == Exit.FINE
    assert drivers_of(site.root) == {**drivers, first: "vfio-pci"}
    assert drivers[other] is None
    assert call(["verify"], site.desk) == Exit.FINE
    assert call(["undo"], site.desk) == Exit.FINE
    assert site.picture() == before


def test_its_card_is_not_taken_from_under_it(site: Site) -> None:
    first, _ = virtual_functions(site)
    site.apply(first)
    (refusal,) = site.plan(CARD).refusals
    assert refusal.cause == "virtual-functions-enabled"


def test_what_was_bound_of_it_is_taken_back_also_where_it_is_gone(site: Site) -> None:
    first, _ = virtual_functions(site)
    site.apply(first)
    site.system.write(NUMBER, "0")
    outcome = site.desk.undo("last", force=False)
    assert outcome.failure is None
    assert outcome.left == ()


def test_what_made_them_is_not_taken_back_before_what_bound_one(site: Site) -> None:
    virtual_functions(site, 1)
    assert call(["vgpu", "apply", f"{CARD}: 2 x vf", "--name", "gpu01", "--yes"], site.desk) == Exit.FINE
    link_groups(site, made := made_of(site))
    site.apply(made[1])
    before = site.picture()
    with pytest.raises(Failure, match=r"entry 0002 has bound .* entry 0001 made, for .*: gpucloud undo 0002"):
        site.desk.undo("0001", force=False)
    assert site.picture() == before
    assert [site.desk.undo(each, force=False).failure for each in ("0002", "0001")] == [None, None]
    assert len(made_of(site)) == 1


def test_a_start_makes_them_once_their_card_has_its_driver(site: Site) -> None:
    assert call(["vgpu", "apply", f"{CARD}: 2 x vf", "--name", "gpu01", "--yes"], site.desk) == Exit.FINE
    site.system.write(NUMBER, "0")
    (site.root / "proc/sys/kernel/random/boot_id").write_text("another boot\n")
    let_driver_be_late(site)
    kept = site.desk.keep()
    assert kept is not None
    assert (kept.missing, [outcome.failure for outcome in kept.outcomes]) == ((), [None])
    assert (site.root / NUMBER.lstrip("/")).read_text() == "2\n"


def test_a_start_makes_those_of_a_spec_once_their_card_has_its_driver(site: Site) -> None:
    started(site, f"pools: {{cut: {{use: sriov, vfs: 2, match: {{address: '{CARD}'}}}}}}\n")
    let_driver_be_late(site)
    kept = site.desk.keep()
    assert kept is not None
    assert (kept.missing, [outcome.failure for outcome in kept.outcomes]) == ((), [None])
    assert (site.root / NUMBER.lstrip("/")).read_text() == "2\n"


def let_driver_be_late(site: Site) -> None:
    """The card has none yet, and gets it while something is waited for."""
    driver = site.root / "sys/bus/pci/devices" / CARD / "driver"
    target = driver.readlink()
    driver.unlink()
    late = LateDriver(site.kernel)
    late.comes = lambda: driver.symlink_to(target)
    site.wrap = lambda _: late


def test_a_card_whose_driver_never_comes_is_named(site: Site) -> None:
    assert call(["vgpu", "apply", f"{CARD}: 2 x vf", "--name", "gpu01", "--yes"], site.desk) == Exit.FINE
    site.system.write(NUMBER, "0")
    (site.root / "proc/sys/kernel/random/boot_id").write_text("another boot\n")
    (site.root / "sys/bus/pci/devices" / CARD / "driver").unlink()
    kept = site.desk.keep()
    assert kept is not None
    assert kept.missing == (f"/sys/bus/pci/devices/{CARD}/driver is not there, and a layout has cut of it",)
    assert kept.outcomes == ()


class LateDriver(DirectSystem):
    """A host on which a driver comes while something is waited for."""

    comes: Callable[[], object] = staticmethod(lambda: None)

    def settles(self, claim: Callable[[], bool]) -> bool:
        self.comes()
        self.comes = lambda: None
        return super().settles(claim)


def test_those_that_a_guest_which_is_off_is_defined_with_are_kept(site: Site) -> None:
    line = f"{CARD}: 2 x vf"
    assert call(["vgpu", "apply", line, "--name", "gpu01", "--yes"], site.desk) == Exit.FINE
    link_groups(site, names := made_of(site))
    define(site, source_of(names[1]))
    for words in (("apply", f"{CARD}: none", "--yes"), ("apply", f"{CARD}: 3 x vf", "--yes"), ("undo",)):
        with pytest.raises(Failure, match=f"guest desk is defined with virtual function {names[1]}") as found:
            call(["vgpu", *words], site.desk)
        assert f"gpucloud vgpu detach desk {names[1]}" in found.value.then
    assert made_of(site) == names
    assert call(["vgpu", "apply", line, "--yes"], site.desk) == Exit.FINE  # as it is


def source_of(address: str) -> str:
    domain, bus, device, function = re.split("[:.]", address)
    return f"domain='0x{domain}' bus='0x{bus}' slot='0x{device}' function='0x{function}'"
