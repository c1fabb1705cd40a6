"""What a change of the running host costs, or could break, is shown before it is made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.prepare.fake_host import ACCELERATOR, BMC, VGA, Function, card
from tests.prepare.hosts import plan_for, with_function
from tests.prepare.site import Site, site_in

from gpucloud.model.plan import Plan
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.plan import render_plan
from gpucloud.prepare.stored import parse_stored, render_stored

USB = 0x0C0330


def risks(plan: Plan) -> dict[str, str]:
    """The risk of each change that has one, by its kind and address."""
    return {
        f"{step.change.kind} {getattr(step.change, 'address', '')}".strip(): step.risk
        for step in plan.steps
        if step.risk
    }


def test_a_driver_that_waits_for_its_users_is_told(site: Site) -> None:
    assert "keeps the driver waiting" in risks(site.plan("3b:00.0"))["unbind-driver 0000:3b:00.0"]
    assert "unbind-driver 0000:3b:00.1" not in risks(site.plan("3b:00.0"))


def test_what_hangs_on_the_usb_port_of_a_card_is_told(tmp_path: Path) -> None:
    port = Function("0000:3b:00.2", "10de:1ad8", USB, 11, "xhci_hcd")
    site = site_in(tmp_path, [*card(0x3B, 11), port, BMC])
    assert "goes with it" in risks(site.plan("3b:00.0"))["unbind-driver 0000:3b:00.2"]


def test_an_override_that_somebody_else_set_is_told(tmp_path: Path) -> None:
    stub = Function("0000:3b:00.0", "10de:20b5", VGA, 11, "pci-stub", "pci-stub", is_boot_vga=False)
    found = risks(site_in(tmp_path, [stub, BMC]).plan("3b:00.0"))
    assert found["set-driver-override 0000:3b:00.0"].startswith("the override pci-stub,")


@pytest.mark.parametrize("methods", [None, ()])
def test_a_card_that_the_kernel_cannot_reset_is_told(site: Site, methods: tuple[str, ...] | None) -> None:
    host = with_function(site.host(), "3b:00.0", reset_methods=methods)
    assert "second guest" in risks(plan_for(host, "3b:00.0"))["bind-driver 0000:3b:00.0"]


@pytest.mark.parametrize("methods", [("flr",), Unknown("kernels before 5.15 do not say")])
def test_one_that_it_can_or_may_reset_is_not(site: Site, methods: tuple[str, ...] | Unknown) -> None:
    host = with_function(site.host(), "3b:00.0", reset_methods=methods)
    assert "bind-driver 0000:3b:00.0" not in risks(plan_for(host, "3b:00.0"))


def test_the_loss_of_the_screen_is_told(lab_site: Site) -> None:
    assert "shows nothing until undo" in risks(lab_site.plan("00:0a.0", force=True))["detach-console"]


def test_risks_are_in_the_text_and_in_the_json(tmp_path: Path) -> None:
    waiting = Function("0000:3c:00.0", "10de:20b5", ACCELERATOR, 12, override="vfio-pci")
    plan = site_in(tmp_path, [*card(0x3B, 11), waiting, BMC]).plan("3b:00.0")
    risk = "it takes 0000:3c:00.0 at once, whose override names it"
    assert f"\n   risk: {risk}\n" in render_plan(plan)
    stored = render_stored(plan)
    assert json.loads(stored)["plan"]["steps"][0]["risk"] == risk
    assert parse_stored(stored, "plan").plan == plan
