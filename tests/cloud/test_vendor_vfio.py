"""vGPUs over NVIDIA's own VFIO given to guests: virtual functions that stay with their driver."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cloud.builders import VGA, at, card, function, host
from tests.cloud.fake_hypervisor import FakeHypervisor
from tests.cloud.here import Machine, machine
from tests.hosts.catalogue import host_of

from gpucloud.cloud.claims import Claims
from gpucloud.cloud.definition.render import virtual_function
from gpucloud.cloud.definition.slots import guest_slots
from gpucloud.cloud.libvirt.machine.devices import LiveDevices
from gpucloud.cloud.protocol import Patience
from gpucloud.cloud.report import find_missing
from gpucloud.cloud.status.here import host_stock
from gpucloud.cloud.typed import choose_typed
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import GuestSpec, SeenFunction
from gpucloud.model.host import Host
from gpucloud.model.pci import Bar, PciFunction, PciId, VgpuType
from gpucloud.model.units.named import slices_to_give, units_to_give
from gpucloud.model.units.virtual import slice_to_give
from gpucloud.model.unknown import Unknown

A16 = PciId(0x10DE, 0x25B6)
TYPED, OTHER, BARE = at("3b:00.4"), at("3b:00.5"), at("3b:00.6")


def slice_of(address: str, group: int, type_: int) -> PciFunction:
    bar = Bar(1, 0, 1 << 34, is_io=False, is_64bit=True, is_prefetchable=True)
    made = function(address, A16, VGA, driver="nvidia", group=group, name="GA107GL [A16]", bars=(bar,))
    return replace(made, physical_function=at("3b:00.0"), current_vgpu_type=type_)


def a_host() -> Host:
    others = (slice_of("3b:00.4", 20, 700), slice_of("3b:00.5", 21, 700), slice_of("3b:00.6", 22, 0))
    return host(card("3b:00"), others=others)


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    """A host whose card has three virtual functions, two of them with a vGPU type."""
    one = machine(FakeHypervisor(a_host()), tmp_path)
    one.devices.typed |= {TYPED, OTHER}
    one.devices.drivers |= dict.fromkeys((TYPED, OTHER, BARE), "nvidia")
    return one


def test_it_is_given_to_a_guest_that_is_there_and_taken_back(here: Machine) -> None:
    here.cloud.launch(GuestSpec("desk", 0), Patience(60), lambda _: None)
    plugging = here.cloud.plugging
    assert plugging.attach("desk", TYPED, lambda _: None) == str(TYPED)
    assert here.cloud.show("desk").functions == (TYPED,)
    with pytest.raises(Failure, match="guest desk has it"):
        plugging.attach("desk", TYPED, lambda _: None)
    plugging.detach("desk", TYPED, lambda _: None)
    assert here.cloud.show("desk").functions == ()


def test_any_free_one_of_a_type_is_given_and_taken_by_the_types_number(here: Machine) -> None:
    for name in ("desk", "other", "late"):
        here.cloud.launch(GuestSpec(name, 0), Patience(60), lambda _: None)
    plugging = here.cloud.plugging
    assert [plugging.attach(name, "700", lambda _: None) for name in ("desk", "other")] == [
        str(TYPED),
        str(OTHER),
    ]
    with pytest.raises(Failure, match=r"no vGPU of type 700 is free: of 2 the first, .*: guest desk has it"):
        plugging.attach("late", "700", lambda _: None)
    with pytest.raises(Failure, match="no virtual function here is a vGPU of type 701") as refused:
        plugging.attach("late", "701", lambda _: None)
    assert refused.value.then == "make one where it fits: gpucloud vgpu create 701 --on ADDRESS"
    with pytest.raises(Failure, match="guest late has no vGPUs of type 700"):
        plugging.detach("late", "700", lambda _: None)
    assert plugging.detach("desk", "700", lambda _: None) == str(TYPED)
    assert here.cloud.show("desk").functions == ()


def test_of_two_of_a_type_one_is_to_be_named(here: Machine) -> None:
    here.cloud.launch(GuestSpec("desk", 0), Patience(60), lambda _: None)
    for _ in range(2):
        here.cloud.plugging.attach("desk", "700", lambda _: None)
    with pytest.raises(Failure, match="has 2 vGPUs of type 700") as refused:
        here.cloud.plugging.detach("desk", "700", lambda _: None)
    assert refused.value.then == f"it has {TYPED}, {OTHER}: name one"


def test_a_type_that_could_not_be_read_is_not_passed_over() -> None:
    hidden = replace(slice_of("3b:00.4", 20, 0), current_vgpu_type=Unknown("permission denied"))
    with pytest.raises(Failure, match=r"which vGPU 0000:3b:00.4 is could not be read"):
        choose_typed(host(card("3b:00"), others=(hidden,)), Claims(), "700")


def test_one_that_a_guest_which_is_off_is_defined_with_is_passed_over() -> None:
    assert choose_typed(a_host(), Claims(defined={TYPED: "desk"}), "700") == OTHER
    with pytest.raises(Failure, match="the definition of guest desk, which does not run, names it"):
        choose_typed(a_host(), Claims(defined={TYPED: "desk", OTHER: "desk"}), "700")


def test_the_one_of_the_documented_host_is_given_and_counted_by_its_name() -> None:
    a2 = host_of("built-nvidia-a2-vendor-vfio")
    assert choose_typed(a2, Claims(), "745") == at("41:00.4")
    stocks = host_stock("gpu01", a2, Claims()).stocks
    assert isinstance(stocks, tuple)
    assert [(one.kind, one.model, one.free) for one in stocks] == [("10de:25b6 type 745", "NVIDIA A2-1B", 1)]
    bare = at("41:00.5")
    with pytest.raises(Failure, match="and no vGPU yet"):
        slices_to_give(a2, [str(bare)])


def test_launch_says_that_it_takes_one_by_its_address(here: Machine) -> None:
    with pytest.raises(Failure, match="700 is no type of mediated devices") as refused:
        here.cloud.launch(GuestSpec("desk", 0, vgpus=("700",)), Patience(60), lambda _: None)
    assert "--unit" in refused.value.then


def test_libvirt_is_to_leave_it_with_its_driver() -> None:
    device = virtual_function(TYPED)
    assert device.get("managed") == "no"
    assert ET.tostring(device, encoding="unicode").count("driver") == 1  # vfio, as against xen


def test_a_guest_is_launched_with_it_and_it_is_free_after_it(here: Machine) -> None:
    guest = here.cloud.launch(GuestSpec("desk", 1, units=(TYPED,)), Patience(60), lambda _: None)
    assert guest.functions == (TYPED,)
    here.cloud.destroy("desk", lambda _: None)
    again = here.cloud.launch(GuestSpec("next", 1, units=(TYPED,)), Patience(60), lambda _: None)
    assert again.functions == (TYPED,)


def test_one_whose_type_went_with_its_guest_is_told(here: Machine) -> None:
    here.cloud.launch(GuestSpec("desk", 1, units=(TYPED,)), Patience(60), lambda _: None)
    here.devices.typed.remove(TYPED)
    with pytest.raises(Failure, match="is bound to nvidia now"):
        here.cloud.destroy("desk", lambda _: None)


def test_one_without_a_type_is_refused_with_what_makes_one(here: Machine) -> None:
    here.cloud.launch(GuestSpec("desk", 0), Patience(60), lambda _: None)
    for give in (
        lambda: here.cloud.plugging.attach("desk", BARE, lambda _: None),
        lambda: here.cloud.launch(GuestSpec("next", 1, units=(BARE,)), Patience(60), lambda _: None),
    ):
        with pytest.raises(Failure, match=r"a virtual function of 0000:3b:00.0, and no vGPU yet") as refused:
            give()
        assert refused.value.then == "make one: gpucloud vgpu create TYPE --on 3b:00.0"
        assert refused.value.code is Exit.USAGE


def test_one_whose_type_could_not_be_read_is_not_said_to_have_none() -> None:
    hidden = replace(slice_of("3b:00.4", 20, 0), current_vgpu_type=Unknown("permission denied"))
    with pytest.raises(Failure, match=r"whether it is a vGPU could not be read \(permission denied\)"):
        slices_to_give(host(card("3b:00"), others=(hidden,)), [str(TYPED)])


def test_one_that_is_cut_into_mediated_devices_is_called_so() -> None:
    types = (VgpuType("nvidia-558", "NVIDIA A40-8Q", 1),)
    parent = replace(slice_of("3b:00.4", 20, 0), current_vgpu_type=None, mdev_types=types)
    with pytest.raises(Failure, match="what guests get of it are mediated devices"):
        slices_to_give(host(card("3b:00"), others=(parent,)), [str(TYPED)])


def test_one_that_another_guest_has_is_left_to_it(here: Machine) -> None:
    for name in ("desk", "other"):
        here.cloud.launch(GuestSpec(name, 0), Patience(60), lambda _: None)
    here.cloud.plugging.attach("desk", TYPED, lambda _: None)
    with pytest.raises(Failure, match="guest desk has it"):
        here.cloud.plugging.attach("other", TYPED, lambda _: None)


def test_nothing_is_to_bind_it_to_another_driver() -> None:
    with pytest.raises(Failure, match="a vGPU of type 700, which stays with its driver"):
        units_to_give(a_host(), [str(TYPED)])


def test_its_bars_in_the_guest_are_its_drivers_to_make() -> None:
    unit = slice_to_give(a_host(), TYPED)
    assert unit is not None
    slots = guest_slots((unit,))
    seen = SeenFunction(at("01:00.0"), A16, VGA, (1 << 24, 1 << 28, 0, 1 << 25, 0, 0))
    assert find_missing(slots, (seen,)) == ()
    assert find_missing(slots, ()) == (f"{TYPED} (10de:25b6) is not in its PCI list",)


@pytest.mark.parametrize(
    ("text", "is_one"), [("700\n", True), ("0\n", False), ("\xff", False), (None, False)]
)
def test_its_type_is_read_from_sysfs(text: str | None, is_one: bool, tmp_path: Path) -> None:
    folder = tmp_path / "sys/bus/pci/devices/0000:3b:00.4/nvidia"
    folder.mkdir(parents=True)
    if text is not None:
        (folder / "current_vgpu_type").write_text(text)
    assert LiveDevices(tmp_path).has_vgpu_type(TYPED) is is_one
