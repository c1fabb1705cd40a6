"""The last console GPU stays, unless its loss is accepted; then the console is taken off it in order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.prepare.fake_host import AUDIO, BMC, LAB_CARD, VGA, Function, add_boot_framebuffer, card
from tests.prepare.hosts import causes, only_refusal, plan_for, with_function
from tests.prepare.site import Site, site_in

from gpucloud.model.change import DetachConsole, ReleaseFramebuffer
from gpucloud.model.unknown import Unknown

BAR = (0xC0000000, 0xC0FFFFFF)


@pytest.fixture
def boot_display(tmp_path: Path) -> Site:
    """A card without driver of its own, on which the firmware's framebuffer is."""
    display = Function("0000:3b:00.0", "10de:20b5", VGA, 11, is_boot_vga=True, bar=BAR)
    return site_in(tmp_path, [display, Function("0000:3b:00.1", "10de:1aef", AUDIO, 11), BMC])


def changes(site: Site, name: str) -> list[object]:
    return [step.change for step in site.plan(name, force=True).steps]


def test_the_last_console_stays_without_force(lab_site: Site) -> None:
    plan = lab_site.plan("00:0a.0")
    assert causes(plan) == ["last-console"]
    assert "--force" in only_refusal(plan)
    assert "boot VGA" in only_refusal(plan)


def test_with_force_the_text_console_goes_first(lab_site: Site) -> None:
    kinds = [step.change.kind for step in lab_site.plan("00:0a.0", force=True).steps]
    assert kinds.index("detach-console") < kinds.index("unbind-driver")
    assert DetachConsole("vtcon1", "frame buffer device") in changes(lab_site, "00:0a.0")


def test_where_another_screen_stays_no_force_is_needed(tmp_path: Path) -> None:
    site = site_in(tmp_path, [*LAB_CARD, replace(BMC, is_boot_vga=False)])
    plan = site.plan("00:0a.0")
    assert not plan.refusals
    assert all(step.change.kind != "detach-console" for step in plan.steps)


def test_the_screens_of_one_host_cannot_all_go_one_by_one(tmp_path: Path) -> None:
    site = site_in(tmp_path, [*LAB_CARD, replace(BMC, is_boot_vga=False)])
    site.apply("00:0a.0")
    host = with_function(site.host(), "02:00.0", is_boot_vga=True)
    assert causes(plan_for(host, "02:00.0")) == ["last-console"]


def test_two_screens_that_go_together_leave_none(tmp_path: Path) -> None:
    site = site_in(tmp_path, [*LAB_CARD, replace(BMC, is_boot_vga=False)])
    assert causes(site.plan("00:0a.0", "02:00.0")) == ["last-console"]


def test_a_card_without_outputs_is_no_console(tmp_path: Path) -> None:
    assert not site_in(tmp_path, card(0x3B, 11)).plan("3b:00.0").refusals


def test_a_screen_without_driver_that_is_no_console_does_not_count_as_one(tmp_path: Path) -> None:
    idle = replace(BMC, driver=None, is_boot_vga=False)
    assert causes(site_in(tmp_path, [*LAB_CARD, idle]).plan("00:0a.0")) == ["last-console"]


def test_not_knowing_where_the_console_is_is_no_permission(site: Site) -> None:
    host = with_function(site.host(), "02:00.0", is_boot_vga=Unknown("not in the capture"))
    plan = plan_for(host, "02:00.0")
    assert causes(plan) == ["console-unknown"]
    assert "not in the capture" in only_refusal(plan)


def test_not_knowing_which_framebuffers_a_card_has_is_no_permission(site: Site) -> None:
    host = with_function(site.host(), "02:00.0", is_boot_vga=False, device_nodes=Unknown("permission denied"))
    plan = plan_for(host, "02:00.0")
    assert causes(plan) == ["console-unknown"]
    assert "permission denied" in only_refusal(plan)


def test_a_boot_framebuffer_that_may_be_inside_an_unknown_bar_is_no_permission(boot_display: Site) -> None:
    add_boot_framebuffer(boot_display.kernel, BAR[0], BAR[0] + 0xFFFF)
    host = with_function(boot_display.host(), "3b:00.0", is_boot_vga=False, bars=Unknown("no numbers in it"))
    plan = plan_for(host, "3b:00.0")
    assert causes(plan) == ["console-unknown"]
    assert "no numbers in it" in only_refusal(plan)


def test_force_accepts_no_firmware_framebuffer_that_may_be_inside_an_unknown_bar(boot_display: Site) -> None:
    add_boot_framebuffer(boot_display.kernel, BAR[0], BAR[0] + 0xFFFF, "BOOTFB")
    host = with_function(boot_display.host(), "3b:00.0", is_boot_vga=False, bars=Unknown("no numbers in it"))
    assert causes(plan_for(host, "3b:00.0", force=True)) == ["console-unknown"]


def test_an_unknown_bar_is_no_reason_where_no_boot_framebuffer_is_without_place(boot_display: Site) -> None:
    host = with_function(boot_display.host(), "3b:00.0", is_boot_vga=False, bars=Unknown("no numbers in it"))
    assert not plan_for(host, "3b:00.0").refusals


def test_a_boot_framebuffer_inside_a_known_bar_of_another_card_is_no_reason(tmp_path: Path) -> None:
    screen = replace(BMC, bar=BAR)
    site = site_in(tmp_path, [Function("0000:3b:00.0", "10de:20b5", VGA, 11, is_boot_vga=False), screen])
    add_boot_framebuffer(site.kernel, BAR[0], BAR[0] + 0xFFFF, "BOOTFB")
    host = with_function(site.host(), "3b:00.0", bars=Unknown("no numbers in it"))
    assert not plan_for(host, "3b:00.0").refusals


def test_a_console_that_could_not_be_brought_back_is_not_taken(lab_site: Site) -> None:
    host = replace(lab_site.host(), consoles=Unknown("permission denied"))
    assert causes(plan_for(host, "00:0a.0", force=True)) == ["console-unknown"]


def test_a_boot_framebuffer_needs_force_even_where_another_screen_stays(boot_display: Site) -> None:
    add_boot_framebuffer(boot_display.kernel, BAR[0], BAR[0] + 0xFFFF)
    plan = boot_display.plan("3b:00.0")
    assert causes(plan) == ["last-console"]
    assert "efifb" in only_refusal(plan)


def test_with_force_a_boot_framebuffer_is_released_before_the_card_is_touched(boot_display: Site) -> None:
    add_boot_framebuffer(boot_display.kernel, BAR[0], BAR[0] + 0xFFFF)
    kinds = [step.change.kind for step in boot_display.plan("3b:00.0", force=True).steps]
    assert kinds[2:5] == ["detach-console", "release-framebuffer", "set-driver-override"]
    assert ReleaseFramebuffer("efi-framebuffer.0", "efi-framebuffer") in changes(boot_display, "3b:00.0")


@pytest.mark.parametrize("name", ["simpledrm", "BOOTFB", "simplefb"])
@pytest.mark.parametrize("force", [False, True])
def test_a_boot_framebuffer_that_a_running_kernel_cannot_move_is_refused(
    boot_display: Site, name: str, force: bool
) -> None:
    add_boot_framebuffer(boot_display.kernel, BAR[0], BAR[0] + 0xFFFF, name)
    plan = boot_display.plan("3b:00.0", force=force)
    assert causes(plan) == ["boot-framebuffer-holds-gpu"]
    assert "initcall_blacklist=sysfb_init" in only_refusal(plan)


def test_a_boot_framebuffer_of_another_card_is_no_reason(boot_display: Site) -> None:
    add_boot_framebuffer(boot_display.kernel, 0xD0000000, 0xD000FFFF)
    assert "boot-framebuffer" not in str(causes(boot_display.plan("3b:00.0")))
