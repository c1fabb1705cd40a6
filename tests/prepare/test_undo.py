"""Taking back: the previous state, nothing of anybody else, and as often as one likes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.prepare.fake_host import drivers_of
from tests.prepare.fake_kernel import Module
from tests.prepare.hosts import with_function
from tests.prepare.site import Site

from gpucloud.model.failure import Failure
from gpucloud.model.pci import Holder
from gpucloud.prepare.journal import Status
from gpucloud.prepare.undo import undo_entry


def undo(site: Site, name: str = "last", *, force: bool = False) -> tuple[str, ...]:
    return site.desk.undo(name, force=force).left


def write(site: Site, path: str, text: str) -> None:
    site.kernel.store(site.root / path.lstrip("/"), text.encode())


def test_undo_twice_is_undo_once_and_says_so(site: Site) -> None:
    before = site.picture()
    site.apply("3b:00.0")
    assert undo(site, "1") == ()
    with pytest.raises(Failure, match=r"0001 was taken back already, at \d{4}-.*nothing was done; see"):
        undo(site, "1")
    assert site.picture() == before


def test_an_entry_that_stands_on_the_same_card_is_named_where_an_earlier_one_is_taken_back_again(
    site: Site,
) -> None:
    site.apply("3b:00.0")
    undo(site, "1")
    site.apply("3b:00.0")
    site.apply("3c:00.0")
    given = site.picture()
    with pytest.raises(Failure, match=r"already.*, and entry 0002 stands on 3b:00.0; gpucloud undo 0002"):
        undo(site, "1")
    assert site.picture() == given


def test_nothing_to_take_back_is_said(site: Site) -> None:
    with pytest.raises(Failure, match="nothing is applied here"):
        undo(site)


@pytest.mark.parametrize("name", ["7", "first", "", "-1", "../1"])
def test_an_entry_that_is_not_there_is_said(site: Site, name: str) -> None:
    site.apply("3b:00.0")
    with pytest.raises(Failure, match="no entry"):
        undo(site, name)


@pytest.mark.parametrize("order", [("1", "2"), ("2", "1")])
def test_cards_given_one_after_the_other_come_back_in_any_order(site: Site, order: tuple[str, str]) -> None:
    before = site.picture()
    site.apply("3b:00.0")
    site.apply("3c:00.0")
    for name in order:
        assert undo(site, name) == ()
        assert (site.root / "sys/module/vfio_iommu_type1").exists() == (name == order[0])
    assert site.picture() == before


def test_taking_one_card_back_leaves_the_other_with_vfio(site: Site) -> None:
    site.apply("3b:00.0")
    site.apply("3c:00.0")
    undo(site, "1")
    drivers = drivers_of(site.root)
    assert drivers["0000:3b:00.0"] == "nvidia"
    assert drivers["0000:3c:00.0"] == drivers["0000:3c:00.1"] == "vfio-pci"


def test_modules_that_somebody_else_needs_stay(site: Site) -> None:
    site.apply("3b:00.0")
    for function in ("0000:3c:00.0", "0000:3c:00.1"):
        write(site, f"/sys/bus/pci/devices/{function}/driver_override", "vfio-pci")
        driver = drivers_of(site.root)[function]
        write(site, f"/sys/bus/pci/drivers/{driver}/unbind", function)
        write(site, "/sys/bus/pci/drivers/vfio-pci/bind", function)
    outcome = site.desk.undo("1", force=False)
    assert outcome.left == ()
    assert "stays: VFIO has IOMMU group 12" in outcome.kept[0]
    assert drivers_of(site.root)["0000:3c:00.0"] == "vfio-pci"


def test_a_module_that_another_module_needs_since_stays(site: Site) -> None:
    site.kernel.modules["mlx5_vfio_pci"] = Module(needs=("vfio_pci_core",))
    site.apply("3b:00.0")
    site.kernel.load("mlx5_vfio_pci")
    outcome = site.desk.undo("1", force=False)
    assert outcome.left == ()
    assert outcome.kept == ("vfio_pci_core stays: it is in use (1)",)
    assert (site.root / "sys/module/vfio_pci_core").exists()
    assert not (site.root / "sys/module/vfio_pci").exists()


def test_modules_that_were_there_before_stay(site: Site) -> None:
    site.kernel.load("vfio")
    before = site.picture()
    site.apply("3b:00.0")
    undo(site)
    assert site.picture() == before


def test_a_card_that_a_guest_has_is_not_taken_from_it(site: Site) -> None:
    site.apply("3b:00.0")
    given = site.picture()
    host = with_function(site.host(), "3b:00.0", holders=(Holder(9, "qemu", "/dev/vfio/11", "web1"),))
    for force in (False, True):
        with pytest.raises(Failure, match=r"in use by guest web1 .*gpucloud destroy web1"):
            undo_entry(site.journal.entry("1"), site.system, lambda: host, force=force)
    assert site.picture() == given


def test_a_guest_that_has_two_functions_is_named_once(site: Site) -> None:
    site.apply("3b:00.0")
    host = site.host()
    for function, node in (("3b:00.0", "/dev/vfio/11"), ("3b:00.1", "/dev/vfio/12")):
        host = with_function(host, function, holders=(Holder(9, "qemu", node, "web1"),))
    with pytest.raises(Failure) as caught:
        undo_entry(site.journal.entry("1"), site.system, lambda: host)
    assert caught.value.what.endswith("in use by guest web1 (qemu, process 9, /dev/vfio/11, /dev/vfio/12)")


def test_what_somebody_else_changed_is_named_and_left(site: Site) -> None:
    site.apply("3b:00.0")
    write(site, "/sys/bus/pci/drivers/vfio-pci/unbind", "0000:3b:00.1")
    site.kernel.register_driver("other")
    write(site, "/sys/bus/pci/devices/0000:3b:00.1/driver_override", "other")
    write(site, "/sys/bus/pci/drivers/other/bind", "0000:3b:00.1")
    seen = site.picture()
    with pytest.raises(
        Failure, match=r"0000:3b:00.1 is with other and has other override.*undo 0001 --force"
    ):
        undo(site)
    assert site.picture() == seen


def test_force_takes_back_what_somebody_else_changed(site: Site) -> None:
    before = site.picture()
    site.apply("3b:00.0")
    write(site, "/sys/bus/pci/drivers/vfio-pci/unbind", "0000:3b:00.1")
    site.kernel.matches["other"] = frozenset({"10de:1aef"})
    site.kernel.register_driver("other")
    write(site, "/sys/bus/pci/devices/0000:3b:00.1/driver_override", "other")
    write(site, "/sys/bus/pci/drivers/other/bind", "0000:3b:00.1")
    assert undo(site, force=True) == ()
    (site.root / "sys/bus/pci/drivers/other/bind").unlink()
    (site.root / "sys/bus/pci/drivers/other/unbind").unlink()
    (site.root / "sys/bus/pci/drivers/other").rmdir()
    assert site.picture() == before


def test_what_is_as_before_already_needs_no_undo(site: Site) -> None:
    before = site.picture()
    site.apply("3b:00.0")
    for function, driver in (("0000:3b:00.0", "nvidia"), ("0000:3b:00.1", "snd_hda_intel")):
        write(site, f"/sys/bus/pci/devices/{function}/driver_override", "\n")
        write(site, "/sys/bus/pci/drivers/vfio-pci/unbind", function)
        write(site, f"/sys/bus/pci/drivers/{driver}/bind", function)
    assert undo(site) == ()
    assert site.picture() == before


def test_a_card_that_was_pulled_is_no_hindrance(site: Site) -> None:
    site.apply("3b:00.0")
    for function in ("0000:3b:00.0", "0000:3b:00.1"):
        (site.root / "sys/bus/pci/devices" / function).unlink()
        (site.root / "sys/kernel/iommu_groups/11/devices" / function).unlink()
        (site.root / "sys/bus/pci/drivers/vfio-pci" / function).unlink()
    (site.root / "sys/class/vfio/11").rmdir()
    outcome = site.desk.undo("1", force=False)
    assert outcome.left == ()
    assert "0000:3b:00.0 is not there any more" in outcome.kept


def test_after_a_restart_the_entry_is_closed_and_nothing_touched(site: Site) -> None:
    site.apply("3b:00.0")
    (site.root / "proc/sys/kernel/random/boot_id").write_text("another-boot\n")
    seen = site.picture()
    assert undo(site) == ()
    assert site.picture() == seen
    assert site.journal.entry("1").read_progress().status == Status.UNDONE


def test_a_driver_that_is_gone_is_said_and_the_rest_comes_back(site: Site) -> None:
    site.apply("3b:00.0")
    folder = site.root / "sys/bus/pci/drivers/nvidia"
    folder.rename(folder.with_name("moved"))
    left = undo(site)
    assert "the kernel has no such driver" in left[0]
    assert drivers_of(site.root)["0000:3b:00.1"] == "snd_hda_intel"
    folder.with_name("moved").rename(folder)
    assert undo(site) == ()


def test_a_resume_after_a_restart_is_refused(site: Site) -> None:
    from tests.prepare.doom import dies

    assert dies(site, 30, lambda doomed: doomed.apply("3b:00.0"))
    (site.root / "proc/sys/kernel/random/boot_id").write_text("another-boot\n")
    with pytest.raises(Failure, match=r"cut off by a restart.*undo 0001"):
        site.desk.resume()


def test_a_resume_lets_the_guards_speak(lab_site: Site) -> None:
    from tests.prepare.doom import dies

    assert dies(lab_site, 25, lambda doomed: doomed.apply("00:0a.0", force=True))
    desk = lab_site.desk
    holder = Holder(9, "Xorg", "/dev/fb0")
    held = replace(desk, read_host=lambda: with_function(lab_site.host(), "00:0a.0", holders=(holder,)))
    with pytest.raises(Failure, match=r"in use by Xorg .*or take it back: gpucloud undo 0001"):
        held.resume()


def test_there_is_nothing_to_resume(site: Site) -> None:
    with pytest.raises(Failure, match="no plan was cut off"):
        site.desk.resume()
