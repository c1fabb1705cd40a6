"""Real mediated devices of the kernel's sample drivers, and real guests that get and lose them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.cloud.cli_cloud import CliCloud
from tests.cloud.contract import Ground
from tests.cloud.lab_host import ask_qemu, assert_guest_prints, leftovers, sh

from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab
from gpucloud.model.failure import Failure
from gpucloud.model.guest import GuestSpec

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1200)]

SERIAL, DISPLAY, SHOWN = (f"83b8f4f2-509f-382f-3c1e-e6bfe0fa100{number}" for number in (1, 2, 3))
SERIAL_ID, DISPLAY_ID, SHOWN_ID = (0x4348, 0x3253), (0x1234, 0x1111), (0x1B36, 0x000F)
PARENTS = ["mbochs", "mdpy", "mtty"]
BUS = "/sys/class/mdev_bus"
SHELF = """<domain type='kvm'><name>shelf</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    with lab.up("mdev", "test-mdev") as host:
        sh(host, f"echo {SERIAL} >{BUS}/mtty/mdev_supported_types/mtty-1/create")
        sh(host, f"echo {DISPLAY} >{BUS}/mbochs/mdev_supported_types/mbochs-small/create")
        sh(host, f"echo {SHOWN} >{BUS}/mdpy/mdev_supported_types/mdpy-vga/create")
        yield host


def pci_of(host: LabHost, guest: str) -> set[tuple[int, int]]:
    """What QEMU itself has behind the root ports of a guest, by vendor and device."""
    buses = ask_qemu(host, guest, "query-pci")
    assert isinstance(buses, list)
    bridges = [device["pci_bridge"] for bus in buses for device in bus["devices"] if "pci_bridge" in device]
    behind = [device["id"] for bridge in bridges for device in bridge.get("devices", ())]
    return {(each["vendor"], each["device"]) for each in behind}


def test_a_server_shows_parents_that_are_no_pci_functions_and_their_limits(host: LabHost) -> None:
    assert sh(host, f"ls {BUS}").split() == PARENTS
    large = f"{BUS}/mbochs/mdev_supported_types/mbochs-large"
    assert sh(host, f"cat {large}/available_instances {large}/device_api").split() == ["3", "vfio-pci"]
    made = "for n in 1 2 3 4; do echo 83b8f4f2-509f-382f-3c1e-e6bfe0fa200$n >create || echo full; done"
    said = sh(host, f"cd {large} && {made} 2>/dev/null; cat available_instances")
    assert said.split() == ["full", "0"]
    sh(host, "for at in /sys/bus/mdev/devices/*fa200?; do echo 1 >$at/remove; done")


def test_a_guest_gets_devices_at_launch_and_while_it_runs_and_lets_go_of_them(host: LabHost) -> None:
    ground = Ground(CliCloud(host), 0, GuestSpec("desk", 0), [])
    launch = "gpucloud launch --vgpu mdpy-vga --vgpu mtty-1 --screen --name desk --format json"
    told = sh(host, launch, timeout_s=400)
    assert json.loads(told)["vgpus"] == [SHOWN, SERIAL]
    assert "4348:3253" in [seen["id"] for seen in json.loads(told)["seen"]]
    refused = host.run(["gpucloud", "launch", "--vgpu", SERIAL, "--name", "second"])
    assert f"mediated device {SERIAL} is in use" in refused.stderr

    sh(host, "gpucloud vgpu attach desk mbochs-small")
    assert ground.cloud.show("desk").vgpus == (SHOWN, SERIAL, DISPLAY)
    assert pci_of(host, "desk") == {SHOWN_ID, SERIAL_ID, DISPLAY_ID}
    assert_guest_prints(host, "desk", r"0000:03:00.0: \[1234:1111\] type 00")
    assert "vnc://127.0.0.1:" in sh(host, "virsh domdisplay desk")
    assert ask_qemu(host, "desk", "qom-get", path="hostdev0", property="display") == "on"

    sh(host, f"gpucloud vgpu detach desk {SERIAL}")
    assert ground.cloud.show("desk").vgpus == (SHOWN, DISPLAY)
    assert pci_of(host, "desk") == {SHOWN_ID, DISPLAY_ID}
    ground.cloud.destroy("desk", lambda _: None)
    assert leftovers(host) == ""


def test_a_guest_that_is_off_has_it_when_it_starts(host: LabHost) -> None:
    host.put(SHELF.encode(), "/run/shelf.xml")
    sh(host, "virsh define /run/shelf.xml && gpucloud vgpu attach shelf mtty-1 && virsh start --paused shelf")
    device = ask_qemu(host, "shelf", "qom-get", path="hostdev0", property="sysfsdev")
    assert device == f"/sys/bus/mdev/devices/{SERIAL}"
    with pytest.raises(Failure, match="in use"):
        Ground(CliCloud(host), 0, GuestSpec("desk", 0), []).launch(vgpus=(SERIAL,))
    sh(host, "virsh destroy shelf && gpucloud vgpu detach shelf mtty-1")
    assert "mdev" not in sh(host, "virsh dumpxml --inactive shelf && virsh undefine shelf")


def test_the_drivers_are_there_again_after_a_restart(host: LabHost) -> None:
    sh(host, "for at in /sys/bus/mdev/devices/*; do echo 1 >$at/remove; done")
    host.reboot()
    assert sh(host, f"ls {BUS}").split() == PARENTS
