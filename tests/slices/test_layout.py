"""A plan reaches what a line says, step by step as the driver allows, or names what stands against it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.slices.cards import CARD, InstanceCard, SharedCard

from gpucloud.model.change import MakeMdev, RemoveMdev
from gpucloud.model.finding import Finding, Fix, Level
from gpucloud.model.pci import ParentName, PciAddress, PciId
from gpucloud.model.unknown import Unknown
from gpucloud.slices import Interface, Offer, Slice
from gpucloud.slices.absence import VFS_OFF
from gpucloud.slices.layout import CardPlan, parse_layout, plan_layout
from gpucloud.slices.layout.step import step
from gpucloud.slices.mig.card import MigCard
from gpucloud.slices.mig.models import profiles_of
from gpucloud.slices.mig.pack import pack

VFS = tuple(PciAddress(0, 0x3B, 0, number) for number in range(4, 8))
SHARED = (Interface.MDEV, Interface.MDEV_OF_VFS, Interface.VENDOR_VFIO)
A100 = profiles_of(PciId(0x10DE, 0x20F1)) or ()
SIZES = (1, 2, 4, 8, 16)


def plan(offer: Offer, line: str, host: str = "gpu01") -> CardPlan:
    plans, unused = plan_layout(parse_layout([line]), {host: [offer]})
    assert unused == ()
    return plans[0]


def line_of(sizes: Iterable[int]) -> str:
    parts = ", ".join(f"X-{size}Q" for size in sizes)
    return f"3b:00.0: {parts or 'none'}"


@st.composite
def shared_cards(draw: st.DrawFn) -> SharedCard:
    interface = draw(st.sampled_from(SHARED))
    card = SharedCard(interface, () if interface is Interface.MDEV else VFS)
    size = draw(st.sampled_from(SIZES))
    for number in range(draw(st.integers(0, 4))):
        if card.room(size) and (not card.vfs or card.free()):
            places = card.free() or (CARD,)
            place = draw(st.sampled_from(places))
            is_named = interface is Interface.VENDOR_VFIO
            card.make(str(place) if is_named else f"old-{number}", place, size)
    names = sorted(card.made)
    card.used = frozenset(draw(st.lists(st.sampled_from(names), unique=True)) if names else ())
    return card


def can_be(card: SharedCard, wanted: list[int]) -> bool:
    """Whether any driver could give it: one size, enough memory and functions, and all that is used stays."""
    used = [card.made[name][1] for name in card.used]
    rest = list(wanted)
    for size in used:
        if size not in rest:
            return False
        rest.remove(size)
    is_room = not card.vfs or len(wanted) <= len(card.vfs)
    return len(set(wanted)) <= 1 and sum(wanted) <= card.whole and is_room


def is_told_later(card: SharedCard, made: CardPlan) -> bool:
    """Claims a note that the driver will say whether all fits: the list of a card that has some is short."""
    return card.interface is Interface.VENDOR_VFIO and any("is known" in note for note in made.notes)


@given(shared_cards(), st.data())
def test_a_plan_is_found_when_the_card_can_be_cut_so_and_does_it(
    card: SharedCard, data: st.DataObject
) -> None:
    size = data.draw(st.sampled_from(SIZES))
    wanted = data.draw(
        st.one_of(
            st.just([size] * data.draw(st.integers(0, 6))), st.lists(st.sampled_from(SIZES), max_size=3)
        )
    )
    made = plan(card.offer(), line_of(wanted))
    if not can_be(card, wanted):
        assert made.refusals or is_told_later(card, made)
        return
    if made.refusals:
        assert card.interface is Interface.VENDOR_VFIO
        assert "clear it first" in made.refusals[0]
        return
    before = set(card.made)
    card.follow(made)
    assert card.sizes() == sorted(wanted)
    stays = before & set(card.made)
    assert set(made.kept) <= stays if card.interface is Interface.VENDOR_VFIO else set(made.kept) == stays
    assert plan(card.offer(), line_of(wanted)).is_done


@given(shared_cards(), st.sampled_from(SIZES), st.integers(0, 4))
def test_wherever_it_is_cut_off_planning_again_reaches_it(card: SharedCard, size: int, count: int) -> None:
    """Nothing is there between that was neither before nor is wanted."""
    line = line_of([size] * count)
    made = plan(card.offer(), line)
    if not can_be(card, [size] * count):
        return
    for done in range(len(made.steps)):
        cut = replace(card, made=dict(card.made))
        cut.follow(replace(made, steps=made.steps[:done]))
        assert set(cut.sizes()) <= {*card.sizes(), size}
        again = plan(cut.offer(), line)
        assert again.refusals == ()
        cut.follow(again)
        assert cut.sizes() == [size] * count


@given(shared_cards(), st.sampled_from(SIZES), st.integers(0, 4))
def test_no_more_goes_than_has_to(card: SharedCard, size: int, count: int) -> None:
    """What is there and wanted stays: as many as both have."""
    same = sum(have == size for _, have in card.made.values())
    made = plan(card.offer(), line_of([size] * count))
    if not made.refusals:
        assert len(made.kept) == min(same, count)


@st.composite
def instance_cards(draw: st.DrawFn) -> InstanceCard:
    card = InstanceCard(A100, is_on=draw(st.booleans()))
    if card.is_on:
        for each in pack(draw(st.lists(st.sampled_from(A100), max_size=5))).placed:
            card.make(each.profile, each.start)
    return card


@given(instance_cards(), st.lists(st.sampled_from(A100), max_size=5))
def test_instances_are_reached_whenever_an_empty_card_would_take_them(
    card: InstanceCard, wanted: list[object]
) -> None:
    kinds = [kind for kind in A100 for _ in range(wanted.count(kind))]
    line = f"3b:00.0: {', '.join(kind.name for kind in kinds) or 'none'}"
    made = plan(card.offer(), line)
    assert bool(made.refusals) == bool(pack(kinds).left)
    if not made.refusals:
        card.follow(made)
        assert card.names() == sorted(kind.name for kind in kinds)
        assert plan(card.offer(), line).is_done


def test_new_instances_come_first_where_both_fit() -> None:
    card = InstanceCard(A100)
    kinds = {kind.name: kind for kind in A100}
    card.make(kinds["1g.5gb"], 6)
    steps = plan(card.offer(), "3b:00.0: 3g.20gb").steps
    assert [step.change.kind for step in steps] == ["make-gpu-instance", "remove-gpu-instance"]
    assert steps[0].commands == ("nvidia-smi mig -i 0000:3b:00.0 -cgi 9:0 -C",)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"slices": (Slice(VFS[0], str(VFS[0]), "7", "A100-3-20C", ("guest ml7",)),)}, "guest ml7 uses it"),
        ({"slices": (Slice(VFS[0], str(VFS[0]), "7", "A100-3-20C", Unknown("denied")),)}, "(denied)"),
        ({"slices": Unknown("denied")}, "which vGPUs are in its instances cannot be told: denied"),
        ({"users": ("guest x",)}, "guest x has it open"),
        ({"users": Unknown("denied")}, "who has it open cannot be told (denied)"),
    ],
)
def test_no_instance_goes_while_somebody_uses_its_card(facts: dict[str, Any], says: str) -> None:
    card = InstanceCard(A100)
    kinds = {kind.name: kind for kind in A100}
    card.make(kinds["3g.20gb"], 0)
    card.make(kinds["3g.20gb"], 4)
    offer = replace(card.offer(), interface=Interface.VENDOR_VFIO, **facts)
    made = plan(offer, "3b:00.0: 7g.40gb")
    assert any(says in why for why in made.refusals)
    assert made.steps == ()
    assert plan(offer, "3b:00.0: 2 x 3g.20gb").is_done


def test_instances_go_from_a_card_whose_vgpus_nobody_has() -> None:
    card = InstanceCard(A100)
    card.make(A100[0], 0)
    free = Slice(VFS[0], str(VFS[0]), "7", "A100-1-5C", ())
    there = Slice(CARD, "GI 1", "19", "1g.5gb", Unknown("which processes use a MIG instance is not read"))
    made = plan(replace(card.offer(), slices=(free, there)), "3b:00.0: none")
    assert [each.change.kind for each in made.steps] == ["remove-gpu-instance"]


def test_on_a_host_of_vgpus_the_mode_comes_first_then_virtual_functions_then_instances() -> None:
    """The other order would lose the instances: virtual functions are made while the card has no driver."""
    finding = Finding(VFS_OFF, Level.INFO, "none is on", (), "", Fix(""), 1.0)
    offer = replace(InstanceCard(A100, is_on=False).offer(), most_vfs=16, why_none=finding)
    kinds = [step.change.kind for step in plan(offer, "3b:00.0: 2 x 3g.20gb").steps]
    assert kinds == ["set-mig-mode", "switch-vfs", "make-gpu-instance", "make-gpu-instance"]
    on = replace(InstanceCard(A100).offer(), most_vfs=16, why_none=finding)
    kinds = [step.change.kind for step in plan(on, "3b:00.0: 7g.40gb").steps]
    assert kinds == ["switch-vfs", "make-gpu-instance"]


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"users": ("python3 (77)",)}, "python3 (77) has it open"),
        ({"users": Unknown("permission denied")}, "cannot be told (permission denied)"),
        ({"vfs": VFS}, "its virtual functions are on"),
        ({"vfs": Unknown("denied")}, "whether its virtual functions are on cannot be told (denied)"),
    ],
)
def test_the_mode_of_a_card_in_use_is_left_as_it_is(facts: dict[str, Any], says: str) -> None:
    offer = replace(InstanceCard(A100, is_on=False).offer(), **facts)
    assert says in plan(offer, "3b:00.0: 3g.20gb").refusals[0]


def test_names_of_mediated_devices_are_of_host_card_and_number() -> None:
    offer = SharedCard(Interface.MDEV, ()).offer()
    first, again, other = (
        [step.commands for step in plan(offer, "every X: 2 x 4Q", host).steps]
        for host in ("gpu01", "gpu01", "gpu02")
    )
    assert first == again
    assert not set(first) & set(other)


def test_no_line_to_type_runs_what_stands_in_an_id() -> None:
    for change in (
        MakeMdev(address=CARD, type="$(id)", uuid="a;b"),
        RemoveMdev(address=CARD, type="", uuid="$(id) #"),
    ):
        for line in step(change).commands:
            assert shlex.join(shlex.split(line)).replace("'>'", ">") == line


def test_a_line_for_the_card_goes_before_one_for_all() -> None:
    offer = SharedCard(Interface.MDEV, ()).offer()
    plans, unused = plan_layout(parse_layout(["every card: 8Q", "3b:00: 4Q"]), {"gpu01": [offer]})
    assert [step.change.kind for step in plans[0].steps] == ["make-mdev"]
    assert "nvidia-4" in plans[0].steps[0].commands[0]
    assert unused == ()


def test_two_lines_for_one_card_contradict() -> None:
    offer = SharedCard(Interface.MDEV, ()).offer()
    plans, _ = plan_layout(parse_layout(["3b:00.0: 8Q", "0000:3b:00.0: 4Q"]), {"gpu01": [offer]})
    assert "two lines are for it" in plans[0].refusals[0]


def test_a_line_is_for_its_host_alone() -> None:
    offers: dict[str | None, list[Offer]] = {
        "gpu01": [SharedCard(Interface.MDEV, ()).offer()],
        "login": [SharedCard(Interface.MDEV, ()).offer()],
    }
    plans, unused = plan_layout(parse_layout(["gpu0* every X: 8Q", "gpu09 3b:00.0: 4Q"]), offers)
    assert [each.host for each in plans] == ["gpu01"]
    assert [wish.host for wish in unused] == ["gpu09"]


def test_several_sizes_need_the_mode_for_it() -> None:
    made = plan(SharedCard(Interface.MDEV, ()).offer(), "3b:00.0: 8Q, 2 x 4Q")
    assert "mixed-size mode" in made.refusals[0]


def test_several_sizes_are_planned_where_the_mode_is_on_and_that_it_ends_is_said() -> None:
    offer = replace(SharedCard(Interface.MDEV, ()).offer(), is_mixed=True)
    assert offer.mig is None
    made = plan(offer, "3b:00.0: 8Q, 4Q")
    assert (made.refusals, len(made.steps)) == ((), 2)
    assert any("mixed-size mode ends with a restart" in note for note in made.notes)


def test_the_mode_for_several_sizes_is_switched_on_before_any_is_made() -> None:
    offer = replace(SharedCard(Interface.MDEV, ()).offer(), is_mixed=False)
    made = plan(offer, "3b:00.0: 8Q, 4Q")
    assert (made.refusals, made.steps[0].change.kind) == ((), "set-mixed-sizes")
    assert made.steps[0].commands == ("nvidia-smi vgpu -i 0000:3b:00.0 -shm 1",)
    assert [each.change.kind for each in plan(offer, "3b:00.0: 2 x 4Q").steps] == ["make-mdev"] * 2


@pytest.mark.parametrize("interface", SHARED)
def test_far_too_many_are_refused_in_few_lines(interface: Interface) -> None:
    offer = SharedCard(interface, () if interface is Interface.MDEV else VFS).offer()
    assert 1 <= len(plan(offer, "3b:00.0: 9999 x 4Q").refusals) <= 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("3b:00.0", "wants CARDS: N x TYPE"),
        ("3b:00.0: 0 x 4Q", "at least one"),
        ("3b:00.0: 4 by 4Q", "wants N x TYPE"),
        ("3b:00.0: 4Q,", "wants N x TYPE"),
        ("a b 3b:00.0: 4Q", "one host before"),
        ("3b:0z.0: 4Q", "no PCI address"),
    ],
)
def test_a_line_that_is_none_is_named_with_its_number(line: str, says: str) -> None:
    with pytest.raises(ValueError, match=rf"line 2 of the layout: .*{says}"):
        parse_layout(["# a comment", line])


@pytest.mark.parametrize(
    ("line", "host", "model", "items"),
    [
        ("every T4: 2 x 8Q", None, "T4", [(2, "8Q")]),
        ("gpu0[1-8] every RTX A6000: 4 \u00d7 8Q  # desks", "gpu0[1-8]", "RTX A6000", [(4, "8Q")]),
        ("every card: none", None, "", []),
        ("gpu01 3b:00: 3g.20gb, 2x2g.10gb+me", "gpu01", "", [(1, "3g.20gb"), (2, "2g.10gb+me")]),
        (
            "every L40S: 2 x NVIDIA L40S-8Q, nvidia-35",
            None,
            "L40S",
            [(2, "NVIDIA L40S-8Q"), (1, "nvidia-35")],
        ),
    ],
)
def test_a_line_says_host_cards_and_slices(
    line: str, host: str | None, model: str, items: list[tuple[int, str]]
) -> None:
    (wish,) = parse_layout([line])
    assert (wish.host, wish.model, [(item.count, item.type) for item in wish.items]) == (host, model, items)


@given(st.text(max_size=80))
def test_any_text_is_a_layout_or_refused(text: str) -> None:
    try:
        wishes = parse_layout(text.splitlines())
    except ValueError:
        return
    plan_layout(wishes, {None: [SharedCard(Interface.MDEV, ()).offer()]})


@pytest.mark.parametrize("line", ["every card: none", "every mtty: 2 x mtty-1", "0000:3b:00.0: none"])
def test_what_is_no_pci_device_is_meant_by_its_name_alone(line: str) -> None:
    mtty = ParentName.parse("mtty")
    assert not parse_layout([line])[0].is_for(None, mtty, "mtty, no PCI device")
    assert parse_layout(["mtty: 2 x mtty-1"])[0].is_for(None, mtty, "mtty, no PCI device")


def test_a_card_with_vgpus_is_not_whole_before_a_line_has_taken_them() -> None:
    card = SharedCard(Interface.VENDOR_VFIO, VFS)
    card.make(str(VFS[0]), VFS[0], 4)
    (why,) = plan(card.offer(), "3b:00.0: whole").refusals
    assert why.endswith("take them first, with a line that says none")
    card.remove(str(VFS[0]))
    (made,) = plan(card.offer(), "3b:00.0: whole").steps
    assert made.commands == ("/usr/lib/nvidia/sriov-manage -d 0000:3b:00.0",)


@pytest.mark.parametrize(
    ("mode", "pending", "says"),
    [
        (Unknown("not asked"), False, "whether it is in MIG mode cannot be told"),
        (False, True, "its MIG mode waits for a reset"),
    ],
)
def test_a_mode_that_is_not_known_or_not_settled_is_not_turned_off(
    mode: bool | Unknown, pending: bool, says: str
) -> None:
    offer = InstanceCard(A100).offer()
    mig = MigCard(is_on=mode, pending=pending, profiles=A100, instances=())
    (why,) = plan(replace(offer, mig=mig), "3b:00.0: whole").refusals
    assert says in why
