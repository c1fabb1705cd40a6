"""What a plan does, and in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.prepare.fake_host import BMC, VGA, Function, card
from tests.prepare.hosts import plan_for
from tests.prepare.site import Site, site_in

from gpucloud.model.change import BindDriver, LoadModule, SetDriverOverride, UnbindDriver
from gpucloud.model.unknown import Unknown


def kinds(site: Site, *names: str) -> list[str]:
    return [step.change.kind for step in site.plan(*names).steps]


def test_overrides_come_first_then_all_unbinds_then_all_binds(site: Site) -> None:
    assert kinds(site, "3b:00.0", "3c:00.0") == [
        *["load-module"] * 2,
        *["set-driver-override"] * 4,
        *["unbind-driver"] * 4,
        *["bind-driver"] * 4,
    ]


def test_companions_are_unbound_first_and_bound_last(site: Site) -> None:
    changes = [step.change for step in site.plan("3b:00.0").steps]
    assert [str(each.address)[-1] for each in changes if isinstance(each, UnbindDriver)] == ["1", "0"]
    assert [str(each.address)[-1] for each in changes if isinstance(each, BindDriver)] == ["0", "1"]


def test_every_change_is_by_address_and_touches_no_other_card(site: Site) -> None:
    addresses = {getattr(step.change, "address", None) for step in site.plan("3b:00.0").steps}
    assert {str(address) for address in addresses if address} == {"0000:3b:00.0", "0000:3b:00.1"}


def test_the_address_of_a_companion_names_the_whole_card(site: Site) -> None:
    assert site.plan("0000:3b:00.1").units == site.plan("3b:00.0").units


def test_naming_a_card_twice_is_naming_it_once(site: Site) -> None:
    assert site.plan("3b:00.0", "3b:00.1", "3b:00.0") == site.plan("3b:00.0")


def test_the_previous_driver_and_override_are_in_the_plan(tmp_path: Path) -> None:
    stub = Function("0000:3b:00.0", "10de:20b5", VGA, 11, "pci-stub", "pci-stub", is_boot_vga=False)
    changes = [step.change for step in site_in(tmp_path, [stub, BMC]).plan("3b:00.0").steps]
    assert SetDriverOverride(address=changes[-1].address, before="pci-stub", after="vfio-pci") in changes  # type: ignore[union-attr, arg-type]
    assert any(isinstance(c, UnbindDriver) and (c.driver, c.override) == ("pci-stub",) * 2 for c in changes)


def test_a_function_without_driver_is_only_bound(tmp_path: Path) -> None:
    site = site_in(tmp_path, card(0x3B, 11, drivers=("nvidia", None)))
    unbound = [
        step.change.address for step in site.plan("3b:00.0").steps if step.change.kind == "unbind-driver"
    ]
    assert [str(address) for address in unbound] == ["0000:3b:00.0"]


def test_a_card_that_is_ready_needs_nothing(tmp_path: Path) -> None:
    site = site_in(tmp_path, card(0x3B, 11, drivers=("vfio-pci", "vfio-pci")))
    assert site.plan("3b:00.0").is_empty


def test_a_variant_of_vfio_is_as_good_and_stays(site: Site) -> None:
    host = site.host()
    for function in ("3b:00.0", "3b:00.1"):
        from tests.prepare.hosts import with_function

        host = with_function(host, function, driver="nvgrace_gpu_vfio_pci")
    assert plan_for(host, "3b:00.0").is_empty


def test_half_a_card_is_completed(tmp_path: Path) -> None:
    site = site_in(tmp_path, card(0x3B, 11, drivers=("vfio-pci", "snd_hda_intel")))
    assert kinds(site, "3b:00.0") == ["load-module", "set-driver-override", "unbind-driver", "bind-driver"]


def test_modules_that_are_loaded_are_left_alone(tmp_path: Path) -> None:
    site = site_in(tmp_path, card(0x3B, 11), loaded=["vfio_pci", "vfio_iommu_type1"])
    assert "load-module" not in kinds(site, "3b:00.0")


def test_a_module_that_is_loaded_brings_what_is_not_there_and_nothing_else(tmp_path: Path) -> None:
    site = site_in(tmp_path, card(0x3B, 11), loaded=["irqbypass"])
    loads = [step.change for step in site.plan("3b:00.0").steps if isinstance(step.change, LoadModule)]
    assert loads == [
        LoadModule("vfio-pci", ("vfio_pci_core", "vfio_virqfd", "vfio"), options=("ids=",)),
        LoadModule("vfio_iommu_type1"),
    ]


def test_modules_that_may_be_there_are_asked_for(site: Site) -> None:
    host = site.host()
    unknown = Unknown("the capture has no /lib/modules")
    kernel = replace(host.kernel, available_modules=unknown, loaded_modules=unknown)
    plan = plan_for(replace(host, kernel=kernel), "3b:00.0")
    assert [step.change.kind for step in plan.steps][:2] == ["load-module"] * 2
