"""Mediated devices that gpucloud makes of real parents: for a guest, over a restart, and taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.cloud.cli_cloud import CliCloud
from tests.cloud.contract import Ground
from tests.cloud.lab_host import leftovers, sh

from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab
from gpucloud.model.failure import Exit
from gpucloud.model.guest import GuestSpec
from gpucloud.prepare.boot.own.paths import UNIT
from gpucloud.prepare.boot.own.unit import render_unit

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1200)]

SERIAL, SECOND = (f"83b8f4f2-509f-382f-3c1e-e6bfe0fa300{number}" for number in (1, 2))
MTTY = "/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    with lab.up("mdev", "test-parents") as host:
        host.put(render_unit().encode(), UNIT)
        sh(host, "systemctl daemon-reload && systemctl enable gpucloud-boot.service")
        yield host


def listed(host: LabHost) -> dict[str, list[str]]:
    """Who uses what is made, as `gpucloud vgpu list` tells."""
    cards = json.loads(sh(host, "gpucloud vgpu list --format json"))["cards"]
    return {each["name"]: each["used_by"] for card in cards for each in card["slices"]}


def on_bus(host: LabHost) -> list[str]:
    """What the kernel itself has."""
    return sh(host, "ls /sys/bus/mdev/devices 2>/dev/null || true").split()


def refused(host: LabHost, *words: str) -> str:
    done = host.run(["gpucloud", "vgpu", *words], timeout_s=120)
    assert done.code == Exit.ERROR, done.stdout
    return done.stderr


def test_types_are_told_and_a_device_is_made_kept_given_and_taken_back(host: LabHost) -> None:
    cards = json.loads(sh(host, "gpucloud vgpu types --format json"))["cards"]
    parents = {card["unit"]: card for card in cards if card["interface"] == "mdev-of-parent"}
    assert sorted(parents) == ["mbochs", "mdpy", "mtty"]
    fits = {kind["id"]: kind["fits"] for kind in parents["mtty"]["profiles"]}
    assert fits["mtty-1"] == int(sh(host, f"cat {MTTY}/available_instances"))

    sh(host, f"gpucloud vgpu create mtty-1 --on mtty --uuid {SERIAL} --yes", timeout_s=120)
    sh(host, f"gpucloud vgpu create mtty-1 --on mtty --uuid {SECOND} --yes", timeout_s=120)
    assert on_bus(host) == [SERIAL, SECOND]

    host.reboot()
    sh(host, "systemctl start gpucloud-boot.service", timeout_s=300)
    assert on_bus(host) == [SERIAL, SECOND]
    order = "systemctl show --property=After libvirtd.service"
    assert "gpucloud-boot.service" in sh(host, order)

    ground = Ground(CliCloud(host), 0, GuestSpec("desk", 0), [])
    told = json.loads(sh(host, f"gpucloud launch --vgpu {SERIAL} --name desk --format json", timeout_s=400))
    assert told["vgpus"] == [SERIAL]
    assert "4348:3253" in [seen["id"] for seen in told["seen"]]
    assert listed(host) == {SERIAL: ["guest desk"], SECOND: []}
    assert "guest desk uses it" in refused(host, "delete", SERIAL, "--yes")
    assert "guest desk uses" in refused(host, "undo", "0001")
    assert on_bus(host) == [SERIAL, SECOND]

    sh(host, f"gpucloud vgpu attach desk {SECOND}")
    assert listed(host) == {SERIAL: ["guest desk"], SECOND: ["guest desk"]}
    sh(host, f"gpucloud vgpu detach desk {SECOND}")
    assert listed(host)[SECOND] == []
    ground.cloud.destroy("desk", lambda _: None)
    assert leftovers(host) == ""

    sh(host, f"gpucloud vgpu delete {SECOND} --yes", timeout_s=120)
    assert on_bus(host) == [SERIAL]
    sh(host, "gpucloud vgpu undo", timeout_s=120)
    assert on_bus(host) == [SERIAL, SECOND]
    sh(host, "gpucloud vgpu undo && gpucloud vgpu undo", timeout_s=120)
    assert on_bus(host) == []
    assert int(sh(host, f"cat {MTTY}/available_instances")) == fits["mtty-1"]
