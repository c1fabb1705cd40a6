"""Any host: apply then undo leaves the tree as it was, and applying twice is applying once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prepare.fake_host import ACCELERATOR, AUDIO, BMC, BRIDGE, Function, drivers_of
from tests.prepare.site import Site, folder_in_memory, site_in

DRIVERS = st.sampled_from([None, "nvidia", "nouveau", "vfio-pci", "pci-stub"])
COMPANION_DRIVERS = st.sampled_from([None, "snd_hda_intel", "vfio-pci", "pci-stub"])
LOADED = st.lists(st.sampled_from(["vfio", "irqbypass", "vfio_pci", "vfio_iommu_type1"]), unique=True)


@st.composite
def cards(draw: st.DrawFn, bus: int) -> list[Function]:
    """A card with up to three companions, in one group or in one each."""
    count = draw(st.integers(1, 4))
    group = draw(st.integers(1, 3))
    is_split = draw(st.booleans())
    functions = []
    for number in range(count):
        driver = draw(DRIVERS if number == 0 else COMPANION_DRIVERS)
        # without a driver it would wait for the module: test_idle_twins
        override = draw(st.sampled_from([None, driver, "no-such-driver", *(["vfio-pci"] if driver else [])]))
        functions.append(
            Function(
                f"0000:{bus:02x}:00.{number}",
                "10de:20b5" if number == 0 else f"10de:1ae{number}",
                ACCELERATOR if number == 0 else AUDIO,
                bus * 10 + number if is_split else group,
                driver,
                override,
            )
        )
    return functions


@st.composite
def hosts(draw: st.DrawFn) -> list[Function]:
    """Up to three cards that may share groups, and a bridge in one of them."""
    functions = [
        BMC,
        Function("0000:00:01.0", "8086:2030", BRIDGE, 1, draw(st.sampled_from([None, "pcieport"]))),
    ]
    for bus in range(0x30, 0x30 + draw(st.integers(1, 3))):
        functions += draw(cards(bus))
    return functions


def names(functions: list[Function]) -> list[str]:
    return [each.address for each in functions if each.code == ACCELERATOR]


@pytest.mark.proof
@given(hosts(), LOADED, st.data())
def test_undo_leaves_every_host_as_it_was(
    functions: list[Function], loaded: list[str], data: st.DataObject
) -> None:
    asked = data.draw(st.lists(st.sampled_from(names(functions)), min_size=1, unique=True))
    with folder_in_memory() as folder:
        site = site_in(folder, functions, loaded=loaded)
        before = site.picture()
        plan = site.plan(*asked)
        if plan.refusals or plan.is_empty:
            assert not plan.steps
            return
        outcome = site.desk.apply(plan)
        assert outcome is not None
        assert outcome.failure is None
        assert_ready(site, functions, asked)
        assert site.desk.verify(None) == ()
        assert site.desk.apply(plan) is None
        assert not site.desk.undo("last", force=False).left
        assert site.picture() == before


@pytest.mark.proof
@given(hosts(), st.randoms(use_true_random=False))
def test_cards_given_one_by_one_come_back_in_any_order(functions: list[Function], chance: object) -> None:
    with folder_in_memory() as folder:
        site = site_in(folder, functions)
        before = site.picture()
        for name in names(functions):
            if not site.plan(name).refusals:
                site.apply(name)
        entries = [entry.id for entry in site.journal.entries()]
        chance.shuffle(entries)  # type: ignore[attr-defined]
        for entry in entries:
            assert not site.desk.undo(entry, force=False).left
        assert site.picture() == before


def assert_ready(site: Site, functions: list[Function], asked: list[str]) -> None:
    """All functions of the cards are with VFIO, and all others are where they were."""
    slots = {name[:-1] for name in asked}
    for each in functions:
        is_asked = each.address[:-1] in slots
        assert drivers_of(site.root)[each.address] == ("vfio-pci" if is_asked else each.driver)
