"""Parents of mediated devices that are no PCI functions: read, told, and never guessed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hosts.catalogue import capture_of, host_of

from gpucloud.cli.main import call
from gpucloud.model.failure import Exit
from gpucloud.model.pci import ParentName, PciAddress
from gpucloud.model.unknown import Unknown
from gpucloud.slices import Interface, Slice, offers_of
from gpucloud.slices.layout import parse_place

HOST = "lab-mdev-samples"
"""The laboratory's topology mdev, with three devices made: two of mtty and one of mbochs."""


def test_each_parent_is_an_offer_with_its_types() -> None:
    offers = {str(offer.unit): offer for offer in offers_of(host_of(HOST))}
    parents = {name: each for name, each in offers.items() if ":" not in name}
    assert list(parents) == ["mbochs", "mdpy", "mtty"]
    assert {each.interface for each in parents.values()} == {Interface.MDEV_OF_PARENT}
    fits = {kind.id: kind.fits for kind in parents["mtty"].profiles}
    assert fits == {"mtty-1": 21, "mtty-2": 10}
    assert parents["mdpy"].slices == ()


def test_a_capture_keeps_the_devices_of_parents() -> None:
    (mtty,) = (each for each in offers_of(host_of(HOST)) if str(each.unit) == "mtty")
    assert isinstance(mtty.slices, tuple)
    assert {(each.place, each.profile, each.used_by) for each in mtty.slices} == {
        (ParentName("mtty"), "mtty-1", ()),
        (ParentName("mtty"), "mtty-2", ()),
    }


def test_types_and_slices_say_that_a_parent_is_no_pci_device(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = str(capture_of(HOST, tmp_path))
    assert call(["vgpu", "types", "--from", capture]) == Exit.FINE
    types = capsys.readouterr().out
    assert "mdev-of-parent" in types
    assert "mtty: no PCI device: /sys/class/mdev_bus/mtty" in types
    assert call(["vgpu", "list", "--from", capture, "--format", "json"]) == Exit.FINE
    cards = json.loads(capsys.readouterr().out)["cards"]
    assert [each["unit"] for each in cards if each["slices"]] == ["mbochs", "mtty"]


def test_a_plan_shows_what_would_be_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = str(capture_of(HOST, tmp_path))
    assert call(["vgpu", "plan", "mdpy: 1 x mdpy-vga", "--from", capture, "--name", "gpu01"]) == Exit.FINE
    assert "> /sys/class/mdev_bus/mdpy/mdev_supported_types/mdpy-vga/create" in capsys.readouterr().out


def test_parents_that_were_not_read_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = host_of("server-v100s-2x-kolla-lspci")
    assert isinstance(host.mdev_parents, Unknown)
    assert all(isinstance(offer.unit, PciAddress) for offer in offers_of(host))
    assert call(["vgpu", "types", "--from", str(capture_of("server-v100s-2x-kolla-lspci", tmp_path))]) == 0
    assert "parents that are no PCI devices cannot be told" in capsys.readouterr().out


def test_devices_that_cannot_be_told_are_not_none() -> None:
    host = host_of(HOST)
    assert isinstance(host.mdev_parents, tuple)
    unread = Unknown("permission denied")
    parents = host.mdev_parents
    untyped = replace(host, mdev_parents=tuple(replace(each, types=unread) for each in parents))
    uncounted = replace(host, mdev_parents=tuple(replace(each, mdevs=unread) for each in parents))
    for changed in (untyped, uncounted):
        for offer in offers_of(changed):
            if isinstance(offer.unit, ParentName):
                assert unread in (offer.interface, offer.slices)
    hidden = replace(host, mdev_parents=tuple(replace(each, holders=unread) for each in parents))
    users = [each.used_by for offer in offers_of(hidden) for each in _slices(offer.slices)]
    assert users == [unread] * 3


def _slices(slices: tuple[Slice, ...] | Unknown) -> tuple[Slice, ...]:
    assert isinstance(slices, tuple)
    return slices


@given(st.text(max_size=80))
def test_a_name_is_printed_as_it_was_read_and_is_never_a_path(text: str) -> None:
    try:
        name = ParentName.parse(text)
    except ValueError:
        return
    assert str(name) == text
    assert "/" not in text
    assert not text.startswith(".")
    assert parse_place(text) == name


@pytest.mark.parametrize("text", ["0000:3b:00.0", "3b:00.0", "3b:00"])
def test_an_address_is_no_name(text: str) -> None:
    assert parse_place(text) == PciAddress.parse("0000:3b:00.0")
    with pytest.raises(ValueError, match="not the name of a parent"):
        ParentName.parse(text)
