"""A plan as people read it."""

from __future__ import annotations

from dataclasses import replace

from tests.prepare.site import Site

from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Refusal
from gpucloud.prepare.plan import render_plan

CARD = PciAddress.parse("0000:3b:00.0")


def test_a_plan_is_a_diff_of_each_file_with_its_reason(site: Site) -> None:
    shown = render_plan(site.plan("3b:00.0"))
    assert shown.startswith("plan for this host: give GPU 3b:00.0 to guests; 8 changes, without a restart\n")
    assert (
        "\n6. unbind 0000:3b:00.0 from nvidia\n"
        "   because a guest can only have what the host's nvidia has let go\n"
        "   risk: a program that opens the card meanwhile keeps the driver waiting; apply then gives up, and "
        "takes back the rest\n"
        "   /sys/bus/pci/devices/0000:3b:00.0/driver\n"
        "   - nvidia\n"
        "   + (none)\n"
    ) in shown
    assert "\n   /sys/bus/pci/devices/0000:3b:00.1/driver_override\n   - (none)\n   + vfio-pci\n" in shown
    assert "undo: gpucloud undo takes back steps 8 to 1" in shown


def test_every_change_of_the_lab_card_is_shown(lab_site: Site) -> None:
    shown = render_plan(lab_site.plan("00:0a.0", force=True))
    assert "take the text console off the frame buffer device" in shown
    assert "/sys/class/vtconsole/vtcon1/bind\n   - 1\n   + 0\n" in shown


def test_a_refusal_says_why_and_what_to_do(lab_site: Site) -> None:
    shown = render_plan(lab_site.plan("00:0a.0"))
    assert (
        "plan for this host: GPU 00:0a.0 cannot be given to guests now\n\nrefused (last-console)\n" in shown
    )
    assert "  do: if the host is reached over the network or a serial line, accept that: --force" in shown


def test_what_one_thing_mends_is_told_with_it_once(site: Site) -> None:
    reasons = (
        ("driver-unknown", "one", "be root"),
        ("vital-unknown", "two", "be root"),
        ("x", "three", "wait"),
    )
    refusals = tuple(Refusal(CARD, *reason) for reason in reasons)
    assert render_plan(replace(site.plan("3b:00.0"), steps=(), refusals=refusals)).splitlines()[2:] == [
        "refused (driver-unknown)",
        "  one",
        "refused (vital-unknown)",
        "  two",
        "  do: be root",
        "",
        "refused (x)",
        "  three",
        "  do: wait",
        "",
        "more: gpucloud explain driver-unknown",
        "more: gpucloud explain vital-unknown",
        "more: gpucloud explain x",
    ]


def test_nothing_to_do_is_said(site: Site) -> None:
    site.apply("3b:00.0")
    assert render_plan(site.plan("3b:00.0")) == "nothing to do: GPU 3b:00.0 is ready for guests on this host"


def test_several_cards_are_named(site: Site) -> None:
    assert "give GPU 3b:00.0 and 3c:00.0 to guests; 14 changes" in render_plan(
        site.plan("3b:00.0", "3c:00.0")
    )
