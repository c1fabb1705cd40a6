"""Cards given to guests while the host runs, cut off, carried on with and taken back, in any order."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.prepare.doom import dies
from tests.prepare.fake_host import BMC, card, drivers_of
from tests.prepare.site import site_in

from gpucloud.model.failure import Failure
from gpucloud.prepare.apply import resume
from gpucloud.prepare.journal import Status

pytestmark = [pytest.mark.proof, pytest.mark.slow, pytest.mark.timeout(600)]

CARDS = {"3b:00.0": 0x3B, "3c:00.0": 0x3C, "3d:00.0": 0x3D}
DRIVERS = [("nvidia", "snd_hda_intel"), (None, "snd_hda_intel"), ("nouveau", None), (None, None)]
MOMENTS = st.none() | st.integers(0, 60)


class Life(RuleBasedStateMachine):
    """Three cards, of which some have no driver, and VFIO that may be loaded."""

    @initialize(
        drivers=st.lists(st.sampled_from(DRIVERS), min_size=3, max_size=3),
        loaded=st.sampled_from([(), ("vfio",), ("vfio", "vfio_iommu_type1", "vfio_pci")]),
    )
    def begin(self, drivers: list[tuple[str | None, str | None]], loaded: tuple[str, ...]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        functions = [
            each
            for number, (bus, pair) in enumerate(zip(CARDS.values(), drivers, strict=True))
            for each in card(bus, 11 + number, drivers=pair)
        ]
        self.site = site_in(Path(self.folder.name), [*functions, BMC], loaded=loaded)
        self.first, self.own = self.site.picture(), drivers_of(self.site.root)
        self.given: dict[str, str] = {}
        self.cut: str | None = None

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        try:
            if self.cut:
                self.mend(goes_on=False)
            for name in list(self.given):
                self.take_back(name, None)
            assert self.site.picture() == self.first
        finally:
            self.folder.cleanup()

    @precondition(lambda self: not self.cut)
    @rule(name=st.sampled_from(sorted(CARDS)), moment=MOMENTS)
    def give(self, name: str, moment: int | None) -> None:
        if name in self.given:
            return
        known = len(self.site.journal.entries())
        if moment is not None and dies(self.site, moment, lambda site: site.apply(name)):
            if len(self.site.journal.entries()) > known:
                self.given[name] = self.site.journal.entries()[-1].id
                self.cut = name if self.site.journal.unfinished() else None
            return
        if moment is None:
            outcome = self.site.apply(name)
            assert outcome is not None
            assert outcome.failure is None
        self.given[name] = self.site.journal.entries()[-1].id

    @precondition(lambda self: not self.cut and self.given)
    @rule(data=st.data(), moment=MOMENTS)
    def take_one_back(self, data: st.DataObject, moment: int | None) -> None:
        self.take_back(data.draw(st.sampled_from(sorted(self.given))), moment)

    def take_back(self, name: str, moment: int | None) -> None:
        entry = self.given[name]
        if moment is not None and dies(self.site, moment, lambda site: site.desk.undo(entry, force=False)):
            self.cut = name if self.site.journal.unfinished() else None
            if self.site.journal.entry(entry).read_progress().status == Status.UNDONE:
                del self.given[name]
            return
        if moment is None:
            assert self.site.desk.undo(entry, force=False).left == ()
        del self.given[name]

    @precondition(lambda self: self.cut)
    @rule(goes_on=st.booleans())
    def mend(self, goes_on: bool) -> None:
        assert self.cut is not None
        (entry,) = self.site.journal.unfinished()
        if goes_on and entry.read_progress().status.can_go_on:
            assert resume(entry, self.site.system).failure is None
        else:
            assert self.site.desk.undo("last", force=False).left == ()
            del self.given[self.cut]
        self.cut = None

    @precondition(lambda self: self.cut)
    @rule(name=st.sampled_from(sorted(CARDS)))
    def give_while_cut(self, name: str) -> None:
        before = self.site.picture()
        with pytest.raises(Failure):
            self.site.apply(name)
        assert self.site.picture() == before

    @invariant()
    def each_card_is_with_whom_it_should_be(self) -> None:
        if not hasattr(self, "folder") or self.cut:
            return
        now = drivers_of(self.site.root)
        for name, bus in CARDS.items():
            for function in (0, 1):
                address = f"0000:{bus:02x}:00.{function}"
                assert now[address] == ("vfio-pci" if name in self.given else self.own[address])
        if not self.given:
            assert self.site.picture() == self.first


def test_cards_come_and_go_in_any_order() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=60,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,  # the same lives each time: who looks for more takes it out
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
