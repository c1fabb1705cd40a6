"""What was set up by hand on a captured host: planned as on the host, and nobody's secrets in the capture."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prepare.adopt.hosts import SPEC, adoption, site_of
from tests.prepare.adopt.styles import BOUND, GIVEN, STYLES, Style
from tests.prepare.site import Site

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.telling import telling_lines
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.model.change import EnableUnit, RemoveFile
from gpucloud.model.plan import Plan
from gpucloud.prepare.adopt import SpecFile, plan_adoption, read_files_by_hand

pytestmark = pytest.mark.proof


def captured(site: Site, path: Path) -> str:
    data = render_capture(collect_here(str(site.root)))
    path.write_bytes(data)
    return gzip.decompress(data).decode(errors="replace")


def plan_from(path: Path) -> Plan:
    reader = open_capture(path)
    file = SpecFile(SPEC, None)
    return plan_adoption(read_host(reader), read_files_by_hand(reader), file, "gpu01")


def told(plan: Plan) -> set[tuple[str, str, bool]]:
    """What is said of each file: entries of boot loaders are named otherwise in a capture."""
    assert plan.wanted is not None
    assert plan.wanted.adopted is not None
    return set(_told(plan))


def _told(plan: Plan) -> Iterator[tuple[str, str, bool]]:
    assert plan.wanted is not None
    assert plan.wanted.adopted is not None
    for each in plan.wanted.adopted.settings:
        folder, _, name = each.path.rpartition("/")
        yield folder if folder.endswith("entries") else f"{folder}/{name}", each.does, each.left is None


@pytest.mark.parametrize(
    "name", [name for name in STYLES if "kernelstub" not in name and "quick" not in name]
)
def test_a_capture_is_taken_over_like_its_host(name: str, tmp_path: Path) -> None:
    site = site_of(tmp_path, STYLES[name])
    captured(site, tmp_path / "capture.tar.gz")
    here, elsewhere = adoption(site), plan_from(tmp_path / "capture.tar.gz")
    assert told(elsewhere) == told(here)
    gone = [step.change for step in here.steps if isinstance(step.change, RemoveFile | EnableUnit)]
    there = [step.change for step in elsewhere.steps if isinstance(step.change, RemoveFile | EnableUnit)]
    assert [change.path for change in there] == [change.path for change in gone]


def test_only_what_tells_of_devices_leaves_the_host(tmp_path: Path) -> None:
    secret = f"#!/bin/sh\n# for alice\ncurl -u alice:hunter2 https://acme.example/vfio\n{BOUND}"
    files = {
        "/etc/rc.local": secret,
        "/etc/systemd/system/acme-billing.service": "[Service]\nExecStart=/opt/acme/billing hunter2\n",
        "/etc/udev/rules.d/70-acme.rules": 'SUBSYSTEM=="usb", ATTR{serial}=="hunter2"\n',
    }
    wants = "/etc/systemd/system/multi-user.target.wants/acme-billing.service"
    links = {wants: "/etc/systemd/system/acme-billing.service"}
    site = site_of(tmp_path, Style("debian-12", files, {}, GIVEN, links))
    text = captured(site, tmp_path / "capture.tar.gz")
    assert "drivers/vfio-pci/bind" in text
    for word in ("alice", "hunter2", "acme", "billing"):
        assert word not in text


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_lines_keep_their_numbers_and_say_nothing_new(text: str) -> None:
    lines, kept = text.splitlines(), telling_lines(text).split("\n")[:-1]
    assert len(kept) == len(lines)
    for line, each in zip(lines, kept, strict=True):
        assert each in (line, "redacted", "#", "#!")
