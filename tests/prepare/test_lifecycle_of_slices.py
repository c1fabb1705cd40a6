"""Mediated devices made, deleted, cut off, taken back, and made again at every start, in any order."""

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
from tests.prepare.site import Site
from tests.prepare.test_layout import restart
from tests.prepare.test_slices import mdevs_of, mediated, vendor_site

from gpucloud.cli.main import call
from gpucloud.model.failure import Exit
from gpucloud.model.plan import Layout

pytestmark = [pytest.mark.proof, pytest.mark.slow, pytest.mark.timeout(900)]


class Life(RuleBasedStateMachine):
    """One card with room for four; ``sets`` is what was there before each change, and now."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.site = vendor_site(Path(self.folder.name))
        mediated(self.site)
        self.sets: list[list[str]] = [mdevs_of(self.site)]
        self.is_cut = False

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        try:
            if self.is_cut:
                self.mend(goes_on=False)
            while len(self.sets) > 1:
                self.take_back(None)
        finally:
            self.folder.cleanup()

    def carry_out(self, site: Site, layout: Layout) -> None:
        site.desk.apply(site.desk.plan_cut(layout))

    @precondition(lambda self: not self.is_cut)
    @rule(count=st.integers(0, 4), moment=st.none() | st.integers(0, 80))
    def cut(self, count: int, moment: int | None) -> None:
        layout = Layout((f"3b:00.0: {f'{count} x nvidia-35' if count else 'none'}",), "gpu01")
        known = len(self.site.journal.entries())
        if moment is None:
            self.carry_out(self.site, layout)
            assert len(mdevs_of(self.site)) == count
        elif dies(self.site, moment, lambda site: self.carry_out(site, layout)):
            self.is_cut = bool(self.site.journal.unfinished())
        if len(self.site.journal.entries()) > known:
            self.sets.append(mdevs_of(self.site))

    @precondition(lambda self: not self.is_cut and self.sets[-1])
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.sets[-1]))
        assert call(["vgpu", "delete", name, "--yes"], self.site.desk) == Exit.FINE
        self.sets.append([each for each in self.sets[-1] if each != name])

    @precondition(lambda self: not self.is_cut and len(self.sets) > 1)
    @rule(moment=st.none() | st.integers(0, 60))
    def take_back(self, moment: int | None) -> None:
        if moment is not None and dies(self.site, moment, lambda site: site.desk.undo("last", force=False)):
            self.is_cut = bool(self.site.journal.unfinished())
            if self.is_cut or mdevs_of(self.site) == self.sets[-1]:
                return
        elif moment is None:
            assert self.site.desk.undo("last", force=False).left == ()
        self.sets.pop()

    @precondition(lambda self: self.is_cut)
    @rule(goes_on=st.booleans())
    def mend(self, goes_on: bool) -> None:
        (entry,) = self.site.journal.unfinished()
        if goes_on and entry.read_progress().status.can_go_on:
            outcome = self.site.desk.resume()
            assert outcome.failure is None
            self.sets[-1] = mdevs_of(self.site)
        else:
            assert self.site.desk.undo("last", force=False).left == ()
            self.sets.pop()
        self.is_cut = False

    @rule()
    def start(self) -> None:
        restart(self.site)
        assert call(["boot"], self.site.desk) == Exit.FINE
        if self.is_cut:  # the start gives up what was cut off
            assert not self.site.journal.unfinished()
            self.is_cut = False
            self.sets.pop()

    @invariant()
    def what_is_there_is_what_was_last_wanted(self) -> None:
        if hasattr(self, "folder") and not self.is_cut:
            assert mdevs_of(self.site) == self.sets[-1]


def test_slices_come_and_go_in_any_order() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=40,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,  # the same lives each time: who looks for more takes it out
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
