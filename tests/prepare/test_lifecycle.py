"""A host's life in any order: changed, cut off, carried on with, taken back, started, cards out and in.

Whatever comes, what is taken back leaves the bytes of before, and every initramfs is made of what is there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
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
from tests.prepare.boot_hosts import FAMILIES, Tools, build_family, plan_for
from tests.prepare.doom import dies
from tests.prepare.site import Site
from tests.prepare.test_boot_apply import mine
from tests.prepare.test_differences import SECOND, Bus

from gpucloud.model.failure import Failure
from gpucloud.prepare.apply import apply, resume
from gpucloud.prepare.journal import Status

pytestmark = [pytest.mark.proof, pytest.mark.slow, pytest.mark.timeout(600)]

SPECS = {
    "one": "pools:\n  a: {use: passthrough, match: {address: '3b:00.0'}}\n",
    "other": "pools:\n  a: {use: passthrough, match: {address: '3c:00.0'}}\n",
    "both": "pools:\n  a: {use: passthrough, match: {ids: 10de:20b5}}\n",
    "host": "pools:\n  a: {use: host, match: {ids: 10de:20b5}}\n",
}
BY_HAND, BOOT = "etc/motd", "proc/sys/kernel/random/boot_id"
TRIAL = {f"boot/{grub}/{name}" for grub in ("grub", "grub2") for name in ("grubenv", "custom.cfg")}
ELSE = ("boot/made-by-", "boot/gpucloud-old-", "sys/")
INITRAMFS = ("update-initramfs", "dracut")
Picture = Mapping[str, str]


class Life(RuleBasedStateMachine):
    """What may happen to a host, with the bytes that each change has to come back to."""

    @initialize(family=st.sampled_from(sorted(FAMILIES)))
    def begin(self, family: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        kernel = build_family(Path(self.folder.name) / "root", family)
        assert isinstance(kernel.tools, Tools)
        self.tools = kernel.tools
        self.site = Site(kernel, Path(self.folder.name) / "state")
        (self.site.root / BY_HAND).write_text("welcome\n")
        plan = plan_for(kernel, SPECS["both"])
        for program in {step.change.argv[0] for step in plan.steps if step.change.kind == "run-tool"}:
            if program != "systemctl":
                self.tools.make(program)
        self.first = {path: text for path, text in self.site.picture().items() if path != BOOT}
        self.befores: list[Picture] = []
        self.bus, self.is_out = Bus(self.site.root), False
        self.boots = 0
        self.is_cut = False

    def teardown(self) -> None:
        """In the end all is taken back: then even trials and copies are as at the beginning."""
        if not hasattr(self, "folder"):
            return
        try:
            while self.befores:
                assert self.site.desk.undo("last", force=False).left == ()
                assert self.now() == self.befores.pop()
            self.edit("welcome\n")
            if self.is_out:
                self.take_out_or_put_in()
            left = {path: text for path, text in self.site.picture().items() if path != BOOT}
            assert left == self.first
        finally:
            self.folder.cleanup()

    def now(self) -> Picture:
        """All files but what is edited by hand, cards, what is made of them, and whether a start is on trial:
        who confirms a change, or takes it back, settles the trials before it, too."""
        shown = self.site.picture()
        return {
            path: text
            for path, text in shown.items()
            if path not in (BY_HAND, BOOT, *TRIAL) and not path.startswith(ELSE)
        }

    @precondition(lambda self: not self.is_cut)
    @rule(spec=st.sampled_from(sorted(SPECS)), moment=st.none() | st.integers(0, 120), confirms=st.booleans())
    def change(self, spec: str, moment: int | None, confirms: bool) -> None:
        before = self.now()
        try:
            plan = mine(plan_for(self.site.kernel, SPECS[spec]))
            if plan.is_empty:
                return
            known = len(self.site.journal.entries())
            if moment is not None and dies(
                self.site, moment, lambda site: apply(plan, site.system, site.journal)
            ):
                self.is_cut = bool(self.site.journal.unfinished())
                if len(self.site.journal.entries()) > known:
                    self.befores.append(before)
                else:
                    assert self.now() == before
                return
            if moment is None:
                assert apply(plan, self.site.system, self.site.journal).failure is None
        except Failure:
            assert self.now() == before
            return
        self.befores.append(before)
        assert plan_for(self.site.kernel, SPECS[spec]).is_empty
        if confirms:
            self.site.desk.confirm()

    @precondition(lambda self: self.is_cut)
    @rule(goes_on=st.booleans())
    def mend(self, goes_on: bool) -> None:
        (cut,) = self.site.journal.unfinished()
        if goes_on and cut.read_progress().status.can_go_on:
            assert resume(cut, self.site.system).failure is None
        else:
            assert self.site.desk.undo("last", force=False).left == ()
            assert self.now() == self.befores.pop()
        self.is_cut = False

    @precondition(lambda self: not self.is_cut and self.befores)
    @rule(moment=st.none() | st.integers(0, 120))
    def take_back(self, moment: int | None) -> None:
        if moment is not None and dies(self.site, moment, lambda site: site.desk.undo("last", force=False)):
            self.is_cut = bool(self.site.journal.unfinished())
            if self.is_cut or self.site.journal.entries()[-1].read_progress().status != Status.UNDONE:
                return
        elif moment is None:
            assert self.site.desk.undo("last", force=False).left == ()
        assert self.now() == self.befores.pop()

    @precondition(lambda self: not self.is_cut and len(self.befores) > 1)
    @rule()
    def take_back_the_first(self) -> None:
        """Later ones stand on it, or it is the last that is left."""
        before = self.now()
        first = self.site.journal.entries()[0].id
        with pytest.raises(Failure):
            self.site.desk.undo(first, force=False)
        assert self.now() == before

    @rule()
    def take_out_or_put_in(self) -> None:
        """One of two equal cards."""
        (self.bus.put if self.is_out else self.bus.take)(SECOND)
        self.is_out = not self.is_out

    @rule()
    def start(self) -> None:
        self.boots += 1
        (self.site.root / BOOT).write_text(f"boot {self.boots}\n")

    @precondition(lambda self: not self.is_cut)
    @rule(line=st.sampled_from(["hello\n", "bye\n"]))
    def edit(self, line: str) -> None:
        """By an administrator who has the initramfs made anew afterwards."""
        (self.site.root / BY_HAND).write_text(line)
        for path in list(self.site.root.glob("boot/made-by-*")):
            self.tools.make(path.name.removeprefix("made-by-"))

    @invariant()
    def what_was_made_is_made_of_what_is_there(self) -> None:
        if not hasattr(self, "folder") or self.is_cut:
            return
        before = self.site.picture()
        for program in INITRAMFS:
            if (self.site.root / f"boot/made-by-{program}").exists():
                self.tools.make(program)
        assert self.site.picture() == before


def test_whatever_comes_it_is_taken_back_exactly() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=120,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,  # the same lives each time: who looks for more takes it out
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
