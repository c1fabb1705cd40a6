"""Mediated devices: which are given, how a host shows them, what a guest that is there gets and loses."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cloud.builders import card, host
from tests.cloud.fake_hypervisor import FakeHypervisor, report
from tests.cloud.here import Machine, machine

from gpucloud.cloud.definition.render import mediated_device
from gpucloud.cloud.libvirt.connection import affected_by_unplug
from gpucloud.cloud.libvirt.domain import Domain, DomainState
from gpucloud.cloud.libvirt.machine.mdevs import LiveMdevs
from gpucloud.cloud.mediated import Mediated, check_wish, choose_mediated, is_uuid
from gpucloud.cloud.protocol import Patience
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import Guest, GuestSpec

A, B, C = (f"{letter * 8}-509f-382f-3c1e-e6bfe0fa1001" for letter in "abc")
SPEC = GuestSpec("desk", 0)


def made(uuid: str, kind: str = "mtty-1", *, is_free: bool = True) -> Mediated:
    return Mediated(uuid, kind, is_free)


def refusal(wishes: tuple[str, ...], *there: Mediated, taken: tuple[str, ...] = ()) -> str:
    with pytest.raises(Failure) as refused:
        choose_mediated(wishes, there, taken)
    return refused.value.what


def test_any_free_one_of_a_type_is_given_and_each_once() -> None:
    there = [made(C), made(A, is_free=False), made(B), made("d" + A[1:], "mtty-2")]
    assert choose_mediated(("mtty-1",), there, ()) == (B,)
    assert choose_mediated(("mtty-1", "mtty-1"), there, ()) == (B, C)
    assert choose_mediated(("mtty-1",), there, (B,)) == (C,)


def test_one_that_is_named_is_left_to_who_named_it() -> None:
    assert choose_mediated(("mtty-1", A), [made(A), made(B)], ()) == (B, A)


def test_what_cannot_be_given_is_said() -> None:
    assert "there is no mediated device" in refusal((A,), made(B))
    assert "is in use" in refusal((A,), made(A, is_free=False))
    assert "is in use" in refusal((A,), made(A), taken=(A,))
    assert "all 1 of type mtty-1 are in use" in refusal(("mtty-1", "mtty-1"), made(A, is_free=False))
    assert "none of type nvidia-222 is made" in refusal(("nvidia-222",), made(A))
    assert "twice" in refusal((A, A), made(A))


@given(st.text(max_size=100))
def test_a_wish_is_a_uuid_in_small_letters_or_one_word(text: str) -> None:
    try:
        wish = check_wish(text)
    except ValueError:
        return
    assert wish == (text.lower() if is_uuid(text) else text)
    assert not {"/", "\n", " ", ","} & set(wish)


def test_devices_are_read_from_the_bus_whatever_their_parent_is(tmp_path: Path) -> None:
    bus = tmp_path / "sys/bus/mdev/devices"
    (bus / A).mkdir(parents=True)
    (bus / A / "mdev_type").symlink_to("../mdev_supported_types/mtty-1")
    (bus / A / "iommu_group").symlink_to("../../../../../kernel/iommu_groups/8")
    (bus / "no uuid").mkdir()
    assert LiveMdevs(tmp_path).made() == (Mediated(A, "mtty-1", is_free=True),)
    assert not LiveMdevs(tmp_path).is_offered()
    (tmp_path / "sys/class/mdev_bus/mtty").mkdir(parents=True)
    assert LiveMdevs(tmp_path).is_offered()
    assert LiveMdevs(tmp_path / "nowhere").made() == ()


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    """A host with one card and three mediated devices."""
    one = machine(FakeHypervisor(host(card("3b:00"))), tmp_path)
    one.mdevs.devices += [made(A), made(B), made(C, "mtty-2")]
    return one


def launch(here: Machine, *vgpus: str, name: str = "desk", gpus: int = 0, has_screen: bool = False) -> Guest:
    spec = replace(SPEC, name=name, vgpus=vgpus, gpus=gpus, has_screen=has_screen)
    return here.cloud.launch(spec, Patience(60), lambda _: None)


def test_a_guest_is_launched_with_a_card_and_mediated_devices_and_shows_them(here: Machine) -> None:
    guest = launch(here, "mtty-2", A, gpus=1)
    assert guest.vgpus == (C, A)
    assert guest.seen is not None
    assert [str(each.id) for each in guest.seen].count("4348:3253") == 2
    assert here.cloud.show("desk") == guest
    with pytest.raises(Failure, match="in use"):
        launch(here, A, name="other")
    assert [each.name for each in here.cloud.list()] == ["desk"]
    here.cloud.destroy("desk", lambda _: None)
    assert launch(here, A, name="other").vgpus == (A,)


@pytest.mark.parametrize(("kind", "by"), [("mtty-1", "vnc"), ("i915-GVTg_V5_4", "egl-headless")])
def test_a_screen_is_what_the_kind_of_device_takes(here: Machine, kind: str, by: str) -> None:
    here.mdevs.devices[:] = [made(A, kind)]
    guest = launch(here, A, has_screen=True)
    graphics = ET.fromstring(here.hypervisor.running[guest.id].xml).findall("./devices/graphics")  # noqa: S314 - own
    assert graphics[-1].get("type") == by


def test_a_guest_that_lacks_one_is_no_launched_guest(here: Machine) -> None:
    here.hypervisor.behaviour = lambda hypervisor, running: running.prints(
        report(hypervisor.host, running, without=[A])
    )
    with pytest.raises(Failure, match="1 of 2 mediated devices are in its PCI list"):
        launch(here, A, B)
    assert here.leftovers() == []


def test_a_running_guest_gets_one_and_gives_it_back(here: Machine) -> None:
    launch(here)
    assert here.cloud.plugging.attach("desk", "mtty-1", lambda _: None) == A
    assert here.cloud.plugging.attach("desk", "mtty-1", lambda _: None) == B
    assert here.cloud.show("desk").vgpus == (A, B)
    with pytest.raises(Failure, match="all 2 of type mtty-1"):
        here.cloud.plugging.attach("desk", "mtty-1", lambda _: None)
    assert here.cloud.plugging.detach("desk", A, lambda _: None) == A
    assert here.cloud.plugging.detach("desk", "mtty-1", lambda _: None) == B
    assert here.cloud.show("desk").vgpus == ()


def test_a_guest_of_others_that_does_not_run_is_given_one_that_then_is_taken(here: Machine) -> None:
    here.hypervisor.foreign.append(Domain("windows", "u", DomainState.OFF, 1, 512, (), None))
    here.cloud.plugging.attach("windows", A, lambda _: None)
    with pytest.raises(Failure, match="in use"):
        launch(here, A)
    here.cloud.plugging.detach("windows", A, lambda _: None)
    assert launch(here, A).vgpus == (A,)


def test_a_guest_that_does_not_let_go_is_waited_for_a_minute_and_keeps_it(here: Machine) -> None:
    launch(here, A)
    here.hypervisor.clings = True
    began, said = here.time.seconds, list[str]()
    with pytest.raises(Failure, match="still has it"):
        here.cloud.plugging.detach("desk", A, said.append)
    assert 60 < here.time.seconds - began < 70
    assert said
    assert here.cloud.show("desk").vgpus == (A,)


@pytest.mark.parametrize(
    ("guest", "wish"), [("nobody", A), ("desk", C), ("desk", "mtty-2"), ("desk", "mtty-1")]
)
def test_what_nobody_has_cannot_be_taken_and_one_of_two_must_be_named(
    here: Machine, guest: str, wish: str
) -> None:
    launch(here, A, B)
    with pytest.raises(Failure) as refused:
        here.cloud.plugging.detach(guest, wish, lambda _: None)
    assert refused.value.code is Exit.USAGE
    assert here.cloud.show("desk").vgpus == (A, B)


@dataclass(frozen=True)
class _Part:
    """A domain as libvirt shows it: what it has as it runs, and as it is defined."""

    runs_with: str | None
    defined_with: str | None

    def isActive(self) -> int:  # noqa: N802 - libvirt's name
        return int(self.runs_with is not None)

    def isPersistent(self) -> int:  # noqa: N802 - libvirt's name
        return int(self.defined_with is not None)

    def XMLDesc(self, flags: int) -> str:  # noqa: N802 - libvirt's name
        return (self.defined_with if flags else self.runs_with) or ""


_HAS = (
    "<domain><devices><hostdev type='mdev'><source><address uuid='83b8f4f2-509f-382f-3c1e-e6bfe0fa1001'/>"
    "</source></hostdev></devices></domain>"
)


@pytest.mark.parametrize(
    ("runs_with", "defined_with", "parts"),
    [
        (_HAS, _HAS, (2, 1)),
        (_HAS, "<domain/>", (1,)),
        (None, _HAS, (2,)),
        (_HAS, None, (1,)),
        ("<a/>", "<a/>", ()),
    ],
)
def test_a_device_is_taken_only_from_where_it_still_is(
    runs_with: str | None, defined_with: str | None, parts: tuple[int, ...]
) -> None:
    device = ET.tostring(mediated_device("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"), encoding="unicode")
    assert affected_by_unplug(_Part(runs_with, defined_with), device) == parts
