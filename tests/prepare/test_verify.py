"""Looking again: what is not as planned is named, file by file."""

from __future__ import annotations

import pytest
from tests.prepare.site import Site

from gpucloud.model.failure import Failure
from gpucloud.prepare.verify import verify


def seen(site: Site, name: str | None = None) -> list[tuple[str, str, str]]:
    return [(each.path, each.expected, each.seen) for each in site.desk.verify(name)]


def write(site: Site, path: str, text: str) -> None:
    site.kernel.store(site.root / path.lstrip("/"), text.encode())


def test_what_was_applied_is_as_planned(site: Site) -> None:
    site.apply("3b:00.0")
    assert seen(site) == []
    assert seen(site, "1") == []


def test_the_last_console_is_as_planned_when_it_is_gone(lab_site: Site) -> None:
    lab_site.apply("00:0a.0", force=True)
    assert seen(lab_site) == []


def test_before_it_is_applied_everything_is_missing(site: Site) -> None:
    missing = verify(site.plan("3b:00.0"), site.system)
    assert [each.path.rpartition("/")[2] for each in missing if "3b:00.0" in each.path] == [
        "driver_override",
        "driver",
    ]


def test_a_function_that_somebody_took_is_named(site: Site) -> None:
    site.apply("3b:00.0")
    write(site, "/sys/bus/pci/drivers/vfio-pci/unbind", "0000:3b:00.1")
    assert seen(site) == [("/sys/bus/pci/devices/0000:3b:00.1/driver", "vfio-pci", "(none)")]


def test_an_override_that_somebody_changed_is_named(site: Site) -> None:
    site.apply("3b:00.0")
    write(site, "/sys/bus/pci/devices/0000:3b:00.1/driver_override", "\n")
    assert seen(site) == [("/sys/bus/pci/devices/0000:3b:00.1/driver_override", "vfio-pci", "(none)")]


def test_a_module_that_somebody_removed_is_named(site: Site) -> None:
    site.apply("3b:00.0")
    site.kernel.remove("vfio_iommu_type1")
    assert seen(site) == [("/sys/module/vfio_iommu_type1", "loaded", "(none)")]


def test_a_group_that_a_new_driver_spoils_is_named(site: Site) -> None:
    site.apply("3b:00.0")
    members = site.root / "sys/kernel/iommu_groups/11/devices"
    (members / "0000:3c:00.1").symlink_to("../../../../devices/pci0000:00/0000:3c:00.1")
    ((path, expected, is_),) = seen(site)
    assert path == "/sys/kernel/iommu_groups/11/devices/0000:3c:00.1"
    assert expected == "a driver that leaves the group to a guest"
    assert is_ == "snd_hda_intel"


def test_after_a_restart_nothing_is_applied_any_more(site: Site) -> None:
    site.apply("3b:00.0")
    (site.root / "proc/sys/kernel/random/boot_id").write_text("another\n")
    ((path, _, is_),) = seen(site)
    assert path == "journal entry 0001"
    assert "restarted since" in is_


def test_an_entry_that_is_undone_is_not_as_planned(site: Site) -> None:
    site.apply("3b:00.0")
    site.desk.undo("last", force=False)
    assert seen(site, "1") == [("journal entry 0001", "applied", "undone")]


def test_without_anything_applied_a_card_has_to_be_named(site: Site) -> None:
    with pytest.raises(Failure, match=r"nothing is applied here; name a GPU"):
        seen(site)


def test_a_card_by_its_address_is_ready_or_says_what_is_missing(site: Site) -> None:
    missing = site.desk.verify_units(["3b:00.0"])
    assert ("/sys/bus/pci/devices/0000:3b:00.0/driver", "vfio-pci", "(none)") in [
        (each.path, each.expected, each.seen) for each in missing
    ]
    site.apply("3b:00.0")
    assert site.desk.verify_units(["3b:00.0"]) == ()
