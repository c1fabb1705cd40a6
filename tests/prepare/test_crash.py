"""kill -9 at every moment of apply, undo and resume: the host is as before or as planned, never neither."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from tests.prepare.doom import Ends, dies, is_killed
from tests.prepare.fake_host import LAB_CARD, VGA, Function, add_boot_framebuffer, card
from tests.prepare.site import Site, site_in
from tests.prepare.test_boot_apply import mine, site_of
from tests.prepare.test_boot_state import give_sriov
from tests.prepare.test_slices import CARD, OTHER, mediated, plan_of, several_sizes, vendor_site
from tests.prepare.test_software import deb, software_site

from gpucloud.model.change import (
    Change,
    EnableService,
    MakeGpuInstance,
    MakeMdev,
    RemoveGpuInstance,
    RemoveMdev,
    SetMigMode,
    SetMixedSizes,
    SetVfs,
    SetVgpuType,
    SwitchVfs,
)
from gpucloud.model.failure import Failure
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Plan, Step
from gpucloud.prepare.apply import apply, resume
from gpucloud.prepare.journal import Status
from gpucloud.prepare.software.read import read_software
from gpucloud.spec import parse_spec

pytestmark = pytest.mark.proof

THERE = "5f3a9c1e-0000-4000-8000-00000000000b"
"""A mediated device that somebody made before."""
BAR = (0xC0000000, 0xC0FFFFFF)
Scene = tuple[Site, Plan]


def lab_card(folder: Path) -> Scene:
    """Its console goes, too: modules, console, overrides, unbinds, binds."""
    return given(site_in(folder, LAB_CARD))


def boot_display(folder: Path) -> Scene:
    """Only the firmware's framebuffer shows the console, and the card has no driver."""
    return given(shown_by_firmware(folder))


def shown_by_firmware(folder: Path) -> Site:
    display = Function("0000:3b:00.0", "10de:20b5", VGA, 11, is_boot_vga=True, bar=BAR)
    site = site_in(folder, [display, card(0x3B, 11)[1]])
    add_boot_framebuffer(site.kernel, BAR[0], BAR[0] + 0xFFFF)
    return site


def odd_card(folder: Path) -> Scene:
    """A function that pci-stub has by an override, one that has no driver, and modules that are there."""
    functions = [
        Function("0000:3b:00.0", "10de:20b5", VGA, 11, "nvidia", is_boot_vga=False),
        Function("0000:3b:00.1", "10de:1aef", 0x040300, 11, "pci-stub", "pci-stub"),
        Function("0000:3b:00.2", "10de:1ad8", 0x0C0330, 11),
    ]
    return given(site_in(folder, [*functions, *card(0x3C, 12)], loaded=["vfio_pci"]))


def given(site: Site) -> Scene:
    """The first card is given away."""
    return site, site.plan(str(site.host().units[0].address), force=True)


def sliced(folder: Path) -> Scene:
    """Every kind of slice, of two cards."""
    site = vendor_site(folder)
    give_sriov(site.root, OTHER, "1002", "74a1", total=8)
    mediated(site)
    site.kernel.create_store(CARD, "nvidia-35", THERE)
    card, other = PciAddress.parse(CARD), PciAddress.parse(OTHER)
    lower, upper = (
        MakeGpuInstance(address=card, profile=9, name="3g.20gb", start=start, size=4) for start in (0, 4)
    )
    return site, plan_of(
        SetMigMode(address=card, before=False, after=True),
        SwitchVfs(address=card, before=0, after=4),
        lower,
        upper,
        RemoveGpuInstance(address=card, id=2, profile=9, name="3g.20gb", start=0, size=4, compute=(2,)),
        SetVgpuType(address=replace(card, function=4), before=0, after=1145),
        MakeMdev(address=card, type="nvidia-35", uuid="5f3a9c1e-0000-4000-8000-00000000000a"),
        RemoveMdev(address=card, type="nvidia-35", uuid=THERE),
        SetVfs(address=other, before=0, after=4),
    )


def mixed_sizes(folder: Path) -> Scene:
    """vGPUs of two sizes on a card that takes one alone until it is told."""
    site = vendor_site(folder)
    several_sizes(site)
    card = PciAddress.parse(CARD)
    last, kinds = replace(card, function=7), {4: 1145, 5: 1147, 6: 1147}
    site.kernel.vgpu_type_store(site.root / f"sys/bus/pci/devices/{last}/nvidia/current_vgpu_type", 1150)
    return site, plan_of(
        SetVgpuType(address=last, before=1150, after=0),
        SetMixedSizes(address=card, before=False, after=True),
        *(SetVgpuType(address=replace(card, function=n), before=0, after=kind) for n, kind in kinds.items()),
    )


def manager(folder: Path) -> Scene:
    """A driver's package in place of an earlier one, and its services."""
    site, packages = software_site(folder), folder / "packages"
    packages.mkdir()
    old, new = (deb(packages, version) for version in ("535.183.04", "550.90.05"))
    site.kernel.tools(("dpkg", "--force-confold", "--install", str(old)))
    plan = site.desk.plan_software(read_software(new, old, None))
    more = Step(
        EnableService(name="nvidia-fabricmanager", was_on=False), "boards with NVSwitch need it", None
    )
    return site, replace(plan, steps=(*plan.steps, more))


def block_of_grub(folder: Path) -> Scene:
    """The next start of a family that keeps kernel arguments in GRUB's environment block."""
    return site_of(folder, "rocky-8")


def taken_away(folder: Path) -> Scene:
    """A host that was made ready, and whose spec wants nothing any more."""
    site, plan = site_of(folder, "debian-12")
    assert apply(plan, site.system, site.journal).failure is None
    site.desk.confirm()
    return site, mine(site.desk.plan_start(parse_spec("pools: {}\n"), "gpu01", force=False))


class Story:
    """One host, and what is done to it at every moment at which it could be cut off."""

    def __init__(self, folder: Path, scene: Callable[[Path], Scene]) -> None:
        self.site, self.plan = scene(folder / "host")
        self.old = self.site.picture()
        self.apply(self.site)
        self.new = self.site.picture()
        self.undo(self.site)

    def apply(self, site: Site) -> None:
        apply(self.plan, site.system, site.journal)

    def resume(self, site: Site) -> None:
        for entry in site.journal.unfinished():
            resume(entry, site.system)

    def undo(self, site: Site) -> None:
        site.desk.undo("last", force=False)

    @property
    def is_cut_off(self) -> bool:
        return bool(self.site.journal.unfinished())

    def moments(self) -> Iterator[int]:
        """Counts up; the host is as before and the journal empty each time."""
        moment = 0
        while True:
            shutil.rmtree(self.site.state, ignore_errors=True)
            assert self.site.picture() == self.old, f"after moment {moment - 1}"
            yield moment
            moment += 1


OTHERS = (boot_display, odd_card, sliced, mixed_sizes, manager, block_of_grub, taken_away)
"""Every check takes an apply back on one host; ``./run test`` does the rest, and the others."""
SCENES = [lab_card, *(pytest.param(scene, marks=pytest.mark.proof) for scene in OTHERS)]


@pytest.mark.proof
def test_every_kind_of_change_is_in_a_scene(tmp_path: Path) -> None:
    scenes = [scene(tmp_path / scene.__name__) for scene in (lab_card, *OTHERS)]
    shown = {type(step.change) for _, plan in scenes for step in plan.steps}
    assert shown == kinds_of(Change)


def kinds_of(union: object) -> set[object]:
    """The members of a union of unions."""
    members = get_args(union)
    return set().union(*map(kinds_of, members)) if members else {union}


@pytest.fixture(params=SCENES, ids=lambda scene: scene.__name__)
def story(request: pytest.FixtureRequest, tmp_path: Path) -> Story:
    return Story(tmp_path, request.param)


def test_an_apply_that_was_cut_off_is_taken_back_exactly(story: Story, ends: Ends) -> None:
    for moment in story.moments():
        if not ends(story.site, moment, story.apply):
            assert moment > 30
            break
        if story.is_cut_off:
            story.undo(story.site)
        elif story.site.journal.entries():
            assert story.site.picture() == story.new, moment
            story.undo(story.site)


@pytest.mark.proof
def test_an_apply_that_was_cut_off_can_be_carried_on_with(story: Story, ends: Ends) -> None:
    for moment in story.moments():
        if not ends(story.site, moment, story.apply):
            assert moment > 30
            break
        story.resume(story.site)
        if story.site.journal.entries():
            assert story.site.picture() == story.new, moment
            story.undo(story.site)


@pytest.mark.proof
def test_an_undo_that_was_cut_off_is_repeated(story: Story, ends: Ends) -> None:
    for moment in story.moments():
        story.apply(story.site)
        if not ends(story.site, moment, story.undo):
            assert moment > 20
            break
        if story.site.journal.entry("1").read_progress().status != Status.UNDONE:
            story.undo(story.site)


@pytest.mark.proof
def test_a_resume_that_was_cut_off_is_repeated(story: Story, ends: Ends) -> None:
    for moment in story.moments():
        assert ends(story.site, 20, story.apply)
        if not ends(story.site, moment, story.resume):
            assert moment > 10
            break
        story.resume(story.site)
        assert story.site.picture() == story.new, moment
        story.undo(story.site)


def test_sigkill_is_no_different_at_a_few_moments_in_every_check(story: Story) -> None:
    for moment in range(5, 40, 13):
        assert is_killed(story.site, moment, story.apply)
        if story.is_cut_off:
            story.undo(story.site)
        assert story.site.picture() == story.old, moment


def test_a_boot_framebuffer_that_the_kernel_removed_is_said_and_the_rest_comes_back(tmp_path: Path) -> None:
    site = shown_by_firmware(tmp_path)
    site.apply("3b:00.0", force=True)
    shutil.rmtree(site.root / "sys/bus/platform/devices/efi-framebuffer.0")
    outcome = site.desk.undo("last", force=False)
    assert outcome.left == ()
    assert "the kernel has removed efi-framebuffer.0" in outcome.kept[0]
    assert "the text console comes back at the next boot" in outcome.kept[1]
    assert site.plan("3b:00.0", force=True).steps


def test_nothing_new_begins_before_a_cut_off_plan_is_finished(site: Site) -> None:
    assert dies(site, 30, lambda doomed: doomed.apply("3b:00.0"))

    with pytest.raises(Failure, match=r"entry 0001 is unfinished .*apply --resume.*gpucloud undo 0001"):
        site.apply("3c:00.0")
