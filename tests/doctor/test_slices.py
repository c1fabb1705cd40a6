"""Slices that somebody wants and a card does not offer: said of hosts; nothing where nobody wants any."""

from __future__ import annotations

from typing import Any

import pytest
from tests.doctor.build import UNREAD, VFIO_MODULES, a_kernel, blind, card, findings, function, host

from gpucloud.model.finding import Finding, Level
from gpucloud.model.host import Host, Kernel
from gpucloud.model.pci import PciAddress, PciFunction, Sriov, VgpuType

MANAGER = frozenset({"nvidia_vgpu_vfio"})
ABOUT = {"vgpu-manager-not-loaded", "vgpu-no-mdev-types", "vgpu-unsupported-board", "sriov-vfs-not-enabled"}
VF = "3b:00.4"


def nvidia(driver: str | None = "nvidia", enabled: int = 0, **changes: Any) -> tuple[PciFunction, ...]:
    """An A16, which can have 16 virtual functions."""
    vfs = (PciAddress.parse_typed(VF),) if enabled else ()
    made: dict[str, Any] = {"device_name": "GA107GL [A16]", "sriov": Sriov(16, enabled, vfs), **changes}
    return (function("3b:00.0", kind="compute", ident="10de:25b6", driver=driver, **made),)


def with_kernel(*functions: PciFunction, kernel: Kernel, others: tuple[PciFunction, ...] = ()) -> Host:
    return host(functions, others=others, kernel=kernel)


def a_vf(driver: str | None = "nvidia", **changes: object) -> PciFunction:
    above = PciAddress.parse_typed("3b:00.0")
    made: dict[str, object] = {"physical_function": above, "group": 40, **changes}
    return function(VF, kind="compute", ident="10de:25b6", driver=driver, **made)  # type: ignore[arg-type]


def said(where: Host) -> list[Finding]:
    return [each for each in findings(where) if each.cause in ABOUT]


INSTALLED = a_kernel("intel_iommu=on", available=VFIO_MODULES | MANAGER)
LOADED = a_kernel("intel_iommu=on", loaded=MANAGER)


@pytest.mark.parametrize(
    ("where", "cause", "words"),
    [
        (with_kernel(*nvidia(), kernel=INSTALLED), "vgpu-manager-not-loaded", "its module is not loaded"),
        (with_kernel(*nvidia(None), kernel=INSTALLED), "vgpu-manager-not-loaded", "does not run"),
        (with_kernel(*nvidia(), kernel=LOADED), "sriov-vfs-not-enabled", "none is on"),
        (
            with_kernel(*nvidia(enabled=1), kernel=LOADED, others=(a_vf(),)),
            "vgpu-no-mdev-types",
            "have no types",
        ),
        (
            with_kernel(*nvidia(enabled=1), kernel=a_kernel("intel_iommu=on"), others=(a_vf(None),)),
            "vgpu-manager-not-loaded",
            "the vGPU manager is not installed",
        ),
        (
            with_kernel(*nvidia(sriov=None, device_name="AD102 [GeForce RTX 4090]"), kernel=LOADED),
            "vgpu-unsupported-board",
            "supports no GeForce",
        ),
        (with_kernel(*nvidia(sriov=None), kernel=LOADED), "vgpu-unsupported-board", "offers no vGPU types"),
    ],
)
def test_the_missing_link_is_named_where_the_manager_or_a_function_shows_the_wish(
    where: Host, cause: str, words: str
) -> None:
    (found,) = said(where)
    assert (found.cause, found.level) == (cause, Level.WARNING)
    assert words in found.title
    assert found.evidence
    assert found.fix.text


def test_nouveau_in_the_way_of_an_installed_manager_is_named() -> None:
    found = [
        each
        for each in findings(with_kernel(*nvidia("nouveau"), kernel=INSTALLED))
        if each.cause == "host-driver-grabbed-gpu" and each.level is Level.WARNING
    ]
    (said_once,) = found
    assert "NVIDIA's own driver makes vGPUs" in said_once.title
    assert any("has the vGPU manager" in each.text for each in said_once.evidence)


def intel(driver: str = "i915", **changes: object) -> tuple[PciFunction, ...]:
    return (function("00:02.0", ident="8086:a780", driver=driver, **changes),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("where", "cause", "words"),
    [
        (
            host(intel(), kernel=a_kernel("i915.enable_gvt=1")),
            "vgpu-no-mdev-types",
            "kvmgt, which offers its types, is not loaded",
        ),
        (
            host(intel(), kernel=a_kernel("i915.enable_gvt=1", loaded=frozenset({"kvmgt"}))),
            "vgpu-unsupported-board",
            "Broadwell to Comet Lake",
        ),
        (
            host(intel("xe", sriov=Sriov(7, 0, ())), kernel=a_kernel("xe.max_vfs=7")),
            "sriov-vfs-not-enabled",
            "could have 7 virtual functions",
        ),
        (
            host(
                (function("05:00.0", kind="compute", ident="1002:74a1", driver="gim", sriov=Sriov(8, 0, ())),)
            ),
            "sriov-vfs-not-enabled",
            "could have 8 virtual functions",
        ),
    ],
)
def test_arguments_and_drivers_that_mean_slices_show_it_too(where: Host, cause: str, words: str) -> None:
    (found,) = said(where)
    assert (found.cause, found.level) == (cause, Level.WARNING)
    assert words in found.title


@pytest.mark.parametrize(
    "where",
    [
        host(nvidia()),  # for computing
        host(card("01:00", "nouveau", "snd_hda_intel")),
        host(intel(sriov=Sriov(7, 0, ())), kernel=a_kernel("i915.enable_guc=3")),
        host(intel(), kernel=a_kernel("i915.enable_gvt=0 xe.max_vfs=0")),
        host(
            (function("05:00.0", kind="compute", ident="1002:74a1", driver="amdgpu", sriov=Sriov(8, 0, ())),)
        ),
        with_kernel(*nvidia("vfio-pci"), kernel=LOADED),  # for one guest as a whole
        with_kernel(
            *nvidia(enabled=1),
            kernel=LOADED,
            others=(a_vf(mdev_types=(VgpuType("nvidia-700", "A16-4Q", 4),)),),
        ),
    ],
)
def test_nothing_is_said_where_nobody_wants_slices_or_all_offer_some(where: Host) -> None:
    assert said(where) == []


GIM = a_kernel("iommu=pt", available=VFIO_MODULES | {"gim"})


def amd(address: str = "05:00.0", driver: str | None = "amdgpu", total: int = 8) -> tuple[PciFunction, ...]:
    sriov = Sriov(total, 0, ()) if total else None
    group = int(address[:2], 16)
    return (function(address, kind="compute", ident="1002:74a1", driver=driver, group=group, sriov=sriov),)


def test_amdgpu_in_the_way_of_an_installed_gim_is_named() -> None:
    (found,) = said(host(amd(), kernel=GIM))
    assert (found.cause, found.level) == ("sriov-vfs-not-enabled", Level.WARNING)
    assert "amdgpu makes none: gim does, which is installed" in found.title
    assert "Install" not in found.fix.text


@pytest.mark.parametrize(
    "where",
    [
        host(amd(total=0), kernel=GIM),  # a card that has no functions to give
        host(amd(driver="vfio-pci"), kernel=GIM),
        host(amd(), (nvidia()[0],), kernel=a_kernel("iommu=pt")),
    ],
)
def test_gim_is_no_wish_for_cards_that_it_could_not_have(where: Host) -> None:
    assert said(where) == []


def test_a_card_left_with_amdgpu_beside_one_with_gim_is_a_choice() -> None:
    (found,) = said(host(amd("05:00.0", "gim"), amd("15:00.0"), kernel=GIM))
    assert found.units == (PciAddress.parse_typed("05:00.0"),)


@pytest.mark.parametrize(
    ("functions", "written", "words"),
    [
        (intel(), "options i915 enable_gvt=1", "kvmgt, which offers its types, is not loaded"),
        (intel(), "options i915 enable_guc=3 enable_gvt=Y # desks", "kvmgt"),
        (intel("xe", sriov=Sriov(7, 0, ())), "options xe max_vfs=7", "could have 7 virtual functions"),
        (intel(sriov=Sriov(7, 0, ())), "options i915 enable_guc=3 max_vfs=7", "could have 7 virtual"),
    ],
)
def test_options_in_files_of_modprobe_show_it_with_their_line(
    functions: tuple[PciFunction, ...], written: str, words: str
) -> None:
    (found,) = said(host(functions, modules={"/etc/modprobe.d/slices.conf": written}))
    assert found.level is Level.WARNING
    assert words in found.title
    assert ("/etc/modprobe.d/slices.conf", written) in {(each.key, each.text) for each in found.evidence}


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ("intel_iommu=on", "options i915 enable_gvt=0"),
        ("intel_iommu=on", "# options i915 enable_gvt=1"),
        ("intel_iommu=on", "options xe max_vfs=7"),  # of a driver that has another card
        ("i915.enable_gvt=0", "options i915 enable_gvt=1"),  # the command line comes after the files
    ],
)
def test_options_that_say_no_or_speak_of_another_driver_are_no_wish(arguments: str, written: str) -> None:
    assert said(host(intel(), arguments=arguments, modules={"/etc/modprobe.d/a.conf": written})) == []


def test_a_board_that_cannot_beside_one_that_only_lacks_its_functions_is_no_mistake() -> None:
    gaming = function(
        "5e:00.0", ident="10de:2684", driver="nvidia", group=7, device_name="AD102 [GeForce RTX 4090]"
    )
    levels = {each.cause: each.level for each in said(host((gaming,), nvidia(), kernel=LOADED))}
    assert levels == {"vgpu-unsupported-board": Level.INFO, "sriov-vfs-not-enabled": Level.WARNING}


def test_a_board_that_cannot_beside_one_that_does_is_no_mistake() -> None:
    does = nvidia(sriov=None, mdev_types=(VgpuType("nvidia-222", "T4-1B", 16),))
    gaming = function(
        "5e:00.0", ident="10de:2684", driver="nvidia", group=7, device_name="AD102 [GeForce RTX 4090]"
    )
    (found,) = said(host(does, (gaming,), kernel=LOADED))
    assert (found.level, found.units) == (Level.INFO, (PciAddress.parse_typed("5e:00.0"),))


def test_what_could_not_be_read_is_said_and_is_no_finding() -> None:
    where = with_kernel(*nvidia(sriov=UNREAD, enabled=0), kernel=LOADED)
    assert said(where) == []
    assert any("3b:00.0 offers no slices" in each.fact for each in blind(where))
