"""Virtual functions given to guests that are there, and taken from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cloud.builders import VGA, at, card, function, host
from tests.cloud.fake_hypervisor import FakeHypervisor
from tests.cloud.here import Machine, machine

from gpucloud.cloud.definition.render import virtual_function
from gpucloud.cloud.libvirt.connection import affected_by_unplug
from gpucloud.cloud.libvirt.domain import Domain, DomainState
from gpucloud.cloud.protocol import Patience
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import GuestSpec
from gpucloud.model.pci import PciFunction, PciId

AMD = PciId(0x1002, 0x74B9)
ONE, TWO, UNBOUND = at("3b:02.0"), at("3b:02.1"), at("3b:02.2")


def slice_of(address: str, group: int, driver: str | None = "vfio-pci") -> PciFunction:
    made = function(address, AMD, VGA, driver=driver, group=group, name="MI300X VF")
    return replace(made, physical_function=at("3b:00.0"))


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    """A host with a card that has three virtual functions, two of them with vfio-pci."""
    others = (slice_of("3b:02.0", 20), slice_of("3b:02.1", 21), slice_of("3b:02.2", 22, driver=None))
    one = machine(FakeHypervisor(host(card("3b:00"), others=others)), tmp_path)
    one.cloud.launch(GuestSpec("desk", 0), Patience(60), lambda _: None)
    return one


def attach(here: Machine, address: object, guest: str = "desk") -> str:
    return here.cloud.plugging.attach(guest, at(str(address)), lambda _: None)


def detach(here: Machine, address: object, guest: str = "desk") -> str:
    return here.cloud.plugging.detach(guest, at(str(address)), lambda _: None)


def test_a_running_guest_gets_two_and_gives_them_back(here: Machine) -> None:
    assert attach(here, ONE) == str(ONE)
    assert attach(here, TWO) == str(TWO)
    assert here.cloud.show("desk").functions == (ONE, TWO)
    with pytest.raises(Failure, match="guest desk has it"):
        attach(here, ONE)
    assert detach(here, TWO) == str(TWO)
    assert here.cloud.show("desk").functions == (ONE,)


def test_one_that_a_guest_is_defined_with_is_left_to_it(here: Machine) -> None:
    here.hypervisor.foreign.append(Domain("windows", "u", DomainState.OFF, 1, 512, (ONE,), None))
    with pytest.raises(Failure, match=r"guest windows, which does not run, names 0000:3b:02\.0") as refused:
        attach(here, ONE)
    assert refused.value.then == "take it from there: gpucloud vgpu detach windows 0000:3b:02.0"
    detach(here, ONE, "windows")
    assert attach(here, ONE) == str(ONE)


def test_what_is_not_ready_is_said(here: Machine) -> None:
    with pytest.raises(Failure, match="bound to no driver") as refused:
        attach(here, UNBOUND)
    assert refused.value.then == f"gpucloud plan --unit {UNBOUND}"


@pytest.mark.parametrize(
    ("change", "says"),
    [(attach, "is a card, and no slice of one"), (detach, r"0000:3b:00\.0 is no virtual function")],
)
def test_a_card_is_no_slice(here: Machine, change: Callable[..., str], says: str) -> None:
    here.hypervisor.foreign.append(
        Domain("windows", "u", DomainState.RUNNING, 1, 512, (at("3b:00.0"),), None)
    )
    with pytest.raises(Failure, match=says) as refused:
        change(here, "3b:00.0", "windows")
    assert refused.value.code is Exit.USAGE


def test_one_that_the_guest_does_not_have_cannot_be_taken(here: Machine) -> None:
    attach(here, ONE)
    with pytest.raises(Failure, match=r"guest desk has no function 0000:3b:02\.1") as refused:
        detach(here, TWO)
    assert refused.value.then == "it has 0000:3b:02.0: name one"


class _Part:
    """A domain as libvirt shows it."""

    def __init__(self, runs_with: str, defined_with: str) -> None:
        self._parts = (runs_with, defined_with)

    def isActive(self) -> int:  # noqa: N802 - libvirt's name
        return 1

    def isPersistent(self) -> int:  # noqa: N802 - libvirt's name
        return 1

    def XMLDesc(self, flags: int) -> str:  # noqa: N802 - libvirt's name
        return self._parts[1 if flags else 0]


def test_it_is_taken_only_from_where_it_still_is() -> None:
    from xml.etree.ElementTree import tostring

    device = tostring(virtual_function(ONE), encoding="unicode")
    other = tostring(virtual_function(TWO), encoding="unicode")
    has, lacks = (f"<domain><devices>{each}</devices></domain>" for each in (device, other))
    assert affected_by_unplug(_Part(has, lacks), device) == (1,)
    assert affected_by_unplug(_Part(lacks, has), device) == (2,)
