"""Each interface is recognised by what the host shows, and where there is none the reason is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.hosts.catalogue import host_of

from gpucloud.model.finding import Finding
from gpucloud.model.host import Host, ModuleDirective
from gpucloud.model.pci import PciAddress, PciId, Sriov
from gpucloud.model.unknown import Unknown
from gpucloud.slices import Interface, Offer, offers_of
from gpucloud.slices.layout import parse_layout, plan_layout

A2, OLD, T4 = "built-nvidia-a2-vendor-vfio", "built-nvidia-a2-mdev-of-vfs", "built-nvidia-t4-mdev"
MIG, GVT, MXGPU = "built-nvidia-a100-h100-mig", "built-intel-uhd630-gvtg", "built-amd-s7150-mxgpu"
INTERFACES = {
    A2: Interface.VENDOR_VFIO,
    OLD: Interface.MDEV_OF_VFS,
    T4: Interface.MDEV,
    GVT: Interface.GVT_G,
    MXGPU: Interface.VFS,
    MIG: None,
}


def changed(host: Host, address: PciAddress, **facts: Any) -> Host:
    """The host with other facts of a function."""
    assert not isinstance(host.functions, Unknown)
    function = replace(host.functions[address], **facts)
    units = tuple(
        replace(
            unit, functions=tuple(function if each.address == address else each for each in unit.functions)
        )
        for unit in host.units
    )
    return replace(host, functions={**host.functions, address: function}, units=units)


def with_modules(host: Host, *modules: str) -> Host:
    return replace(host, kernel=replace(host.kernel, loaded_modules=frozenset(modules)))


def card(name: str, **facts: Any) -> Host:
    host = host_of(name)
    return changed(host, host.units[0].address, **facts)


def first(host: Host) -> Offer:
    return offers_of(host)[0]


@pytest.mark.parametrize("name", INTERFACES)
def test_the_interface_is_what_the_host_shows(name: str) -> None:
    assert first(host_of(name)).interface is INTERFACES[name]


def vfs_of(host: Host) -> tuple[PciAddress, ...]:
    sriov = host.units[0].primary.sriov
    assert isinstance(sriov, Sriov)
    assert isinstance(sriov.vfs, tuple)
    return sriov.vfs


def each_vf(host: Host, **facts: Any) -> Host:
    for address in vfs_of(host):
        host = changed(host, address, **facts)
    return host


def test_a_card_that_is_full_still_has_its_interface() -> None:
    """All types are gone from the lists then, and the functions show what they are."""
    host = each_vf(host_of(A2), vendor_vfio_types=(), current_vgpu_type=0)
    assert first(host).interface is Interface.VENDOR_VFIO


def test_the_same_card_is_cut_otherwise_on_another_kernel() -> None:
    """An A2 of an older kernel: the model does not tell."""
    types = host_of(T4).units[0].primary.mdev_types
    host = each_vf(host_of(A2), vendor_vfio_types=(), current_vgpu_type=None, mdev_types=types)
    assert first(host).interface is Interface.MDEV_OF_VFS


def test_virtual_functions_of_intel_are_slices_themselves() -> None:
    """The same tree with Intel's ids and no types, as xe and i915 show theirs."""
    host = each_vf(host_of(MXGPU), driver="vfio-pci")
    intel = changed(host, host.units[0].address, id=PciId(0x8086, 0xE212), driver="xe")
    assert first(intel).interface is Interface.VFS
    plans, _ = plan_layout(parse_layout(["every card: none"]), {"gpu01": offers_of(intel)})
    assert "guest desk7 uses it" in plans[0].refusals[0]


def test_types_of_gvt_share_memory_that_no_type_takes_whole() -> None:
    plans, _ = plan_layout(parse_layout(["every card: 3 x V5_8"]), {"desk": offers_of(host_of(GVT))})
    assert plans[0].refusals == ()
    assert [step.change.kind for step in plans[0].steps] == ["make-mdev"] * 3 + ["remove-mdev"]


def test_what_was_not_read_makes_no_claim() -> None:
    host = each_vf(host_of(A2), vendor_vfio_types=Unknown("no"), current_vgpu_type=Unknown("no"))
    offer = first(host)
    assert isinstance(offer.interface, Unknown)
    assert isinstance(offer.slices, Unknown)
    assert offer.why_none is None


def without_vfs(host: Host, left: int) -> Host:
    """The host as a copy shows it that lost folders of virtual functions, and not the links to them."""
    assert not isinstance(host.functions, Unknown)
    lost = vfs_of(host)[left:]
    functions = {address: each for address, each in host.functions.items() if address not in lost}
    return replace(host, functions=functions)


@pytest.mark.parametrize("name", [A2, OLD, MXGPU])
@pytest.mark.parametrize("left", [0, 2])
def test_virtual_functions_that_are_on_and_were_not_read_make_no_claim(name: str, left: int) -> None:
    host = without_vfs(host_of(name), left)
    offer = first(host)
    assert isinstance(offer.interface, Unknown)
    count = len(vfs_of(host))
    assert f"{count - left} of its {count} virtual functions were not read" in offer.interface.why
    assert offer.slices == offer.interface
    assert offer.profiles == ()
    assert offer.why_none is None
    for line in ("every card: none", "every card: vf", "every card: 2 x 4Q"):
        plans, _ = plan_layout(parse_layout([line]), {"gpu01": [offer]})
        assert "were not read" in plans[0].refusals[0]


def test_free_memory_bounds_what_virtual_functions_say_each_of_itself() -> None:
    """15 of them have room for a 4Q; the card of 16 GB has one, and room for three more."""
    profile = first(host_of(OLD)).profile("nvidia-751")
    assert profile is not None
    assert (profile.fits, profile.is_at_most, len(profile.places)) == (3, True, 15)


def test_slices_say_who_uses_them() -> None:
    slices = {name: first(host_of(name)).slices for name in (OLD, GVT, A2, MXGPU)}
    told = {
        name: [(each.profile_name, each.used_by) for each in found]
        for name, found in slices.items()
        if isinstance(found, tuple)
    }
    assert told[OLD] == [("NVIDIA A2-4Q", ("guest cad1",))]
    assert told[GVT] == [("i915-GVTg_V5_4", ())]
    assert told[A2] == [("NVIDIA A2-1B", ())]
    assert [users for _, users in told[MXGPU]] == [(), ("guest desk7",), (), ()]


NO_TYPES: dict[str, Any] = {"mdev_types": (), "vendor_vfio_types": ()}
CAUSES: dict[str, tuple[Callable[[], Host], str, str]] = {
    "nouveau has it": (
        lambda: card(T4, driver="nouveau", **NO_TYPES),
        "host-driver-grabbed-gpu",
        "nouveau has it",
    ),
    "it is given whole": (
        lambda: card(T4, driver="vfio-pci", **NO_TYPES),
        "mdev-assumed",
        "one guest as a whole",
    ),
    "no driver": (lambda: card(T4, driver=None, **NO_TYPES), "vgpu-manager-not-loaded", "no driver has it"),
    "the manager is not installed": (
        lambda: card(T4, **NO_TYPES),
        "vgpu-manager-not-loaded",
        "is not installed for this kernel",
    ),
    "the manager is not loaded": (
        lambda: _available(card(T4, **NO_TYPES), "nvidia_vgpu_vfio"),
        "vgpu-manager-not-loaded",
        "its module is not loaded",
    ),
    "its virtual functions are off": (
        lambda: with_modules(card(MIG), "nvidia", "nvidia_vgpu_vfio"),
        "sriov-vfs-not-enabled",
        "could have 16 virtual functions, and none is on",
    ),
    "the board is unsupported, or the service down": (
        lambda: with_modules(card(T4, id=PciId(0x10DE, 0x1DB4), sriov=None, **NO_TYPES), "nvidia_vgpu_vfio"),
        "vgpu-unsupported-board",
        "nvidia-vgpud does not run",
    ),
    "the service is down, and the virtual functions are announced in vain": (
        lambda: with_modules(card(T4, **NO_TYPES), "nvidia_vgpu_vfio"),
        "vgpu-manager-not-loaded",
        "nvidia-vgpud, which adds them, is down",
    ),
    "GeForce": (
        lambda: card(T4, device_name="GA102 [GeForce RTX 3090]", **NO_TYPES),
        "vgpu-unsupported-board",
        "supports no GeForce",
    ),
    "the kernel needs the other interface": (
        lambda: with_modules(each_vf(host_of(A2), current_vgpu_type=None, **NO_TYPES), "nvidia_vgpu_vfio"),
        "vgpu-no-mdev-types",
        "needs the newer interface",
    ),
    "the driver left its virtual functions": (
        lambda: with_modules(
            each_vf(host_of(A2), current_vgpu_type=None, driver=None, **NO_TYPES), "nvidia_vgpu_vfio"
        ),
        "vgpu-manager-not-loaded",
        "left its virtual functions",
    ),
    "amdgpu makes none": (
        lambda: card(MXGPU, driver="amdgpu", sriov=Sriov(16, 0, ())),
        "sriov-vfs-not-enabled",
        "amdgpu makes none: gim does",
    ),
    "gim makes them when it is loaded": (
        lambda: card(MXGPU, sriov=Sriov(16, 0, ())),
        "sriov-vfs-not-enabled",
        "none is on",
    ),
    "AMD without SR-IOV": (lambda: card(MXGPU, sriov=None), "vgpu-unsupported-board", "used whole only"),
    "GVT-g is off": (
        lambda: _options(_arguments(card(GVT, mdev_types=()), "intel_iommu=on"), "options i915 enable_guc=3"),
        "vgpu-no-mdev-types",
        "GVT-g, which Broadwell",
    ),
    "GVT-g is on and offers nothing": (
        lambda: card(GVT, mdev_types=()),
        "vgpu-unsupported-board",
        "Broadwell to Comet Lake",
    ),
    "GVT-g is asked for in a file of modprobe": (
        lambda: _options(
            with_modules(_arguments(card(GVT, mdev_types=()), "quiet")), "options i915 enable_gvt=1"
        ),
        "vgpu-no-mdev-types",
        "kvmgt, which offers its types, is not loaded",
    ),
    "gim is there, and amdgpu has the card": (
        lambda: _available(card(MXGPU, driver="amdgpu", sriov=Sriov(16, 0, ())), "gim"),
        "sriov-vfs-not-enabled",
        "gim does, which is installed",
    ),
    "gim is there, and no driver has the card": (
        lambda: _available(card(MXGPU, driver=None, sriov=Sriov(16, 0, ())), "gim"),
        "sriov-vfs-not-enabled",
        "no driver has it: gim does",
    ),
    "Intel's virtual functions are off": (
        lambda: card(GVT, mdev_types=(), sriov=Sriov(7, 0, ())),
        "sriov-vfs-not-enabled",
        "could have 7",
    ),
}


def _available(host: Host, *modules: str) -> Host:
    return replace(host, kernel=replace(host.kernel, available_modules=frozenset(modules)))


def _arguments(host: Host, *arguments: str) -> Host:
    return replace(host, kernel=replace(host.kernel, arguments=arguments))


def _options(host: Host, *lines: str) -> Host:
    """The host, all of whose module configuration was read and is these lines of one file."""
    file = "/etc/modprobe.d/gpu.conf"
    read = tuple(ModuleDirective(file, number, line) for number, line in enumerate(lines, 1))
    new = replace(host.distribution, module_configuration=read, unread_configuration=())
    return replace(host, distribution=new)


def test_whether_gvt_is_asked_for_is_not_known_where_a_file_of_modprobe_was_not_read() -> None:
    off = _options(_arguments(card(GVT, mdev_types=()), "quiet"))
    unread = Unknown("modprobe.d: permission denied")
    for change in ({"module_configuration": unread}, {"unread_configuration": (unread,)}):
        where = replace(off, distribution=replace(off.distribution, **change))
        assert first(where).why_none == unread


@pytest.mark.parametrize("name", CAUSES)
def test_the_first_missing_link_is_the_reason(name: str) -> None:
    make, cause, says = CAUSES[name]
    why = first(make()).why_none
    assert isinstance(why, Finding)
    assert why.cause == cause
    assert says in why.title
    assert why.fix.text


def test_every_cause_is_one_of_the_doctors() -> None:
    from gpucloud.doctor.causes import CAUSES as KNOWN

    assert {cause for _, cause, _ in CAUSES.values()} <= set(KNOWN)


@pytest.mark.parametrize(
    "host",
    [
        lambda: card(T4, driver=Unknown("no"), **NO_TYPES),
        lambda: replace(
            card(T4, **NO_TYPES), kernel=replace(host_of(T4).kernel, loaded_modules=Unknown("no"))
        ),
        lambda: with_modules(card(MIG, sriov=Sriov(16, Unknown("no"), ())), "nvidia_vgpu_vfio"),
    ],
)
def test_a_reason_that_was_not_read_is_unknown(host: Callable[[], Host]) -> None:
    assert first(host()).why_none == Unknown("no")


def test_display_chips_of_servers_offer_nothing() -> None:
    assert offers_of(card(T4, id=PciId(0x1A03, 0x2000), **NO_TYPES)) == ()
