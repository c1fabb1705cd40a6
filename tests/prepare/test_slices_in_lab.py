"""Virtual functions that a real kernel makes: asked, cut off, made at every start, and taken away.

QEMU emulates no GPU with SR-IOV. The host's drivers and the kernel's PCI core do here with an NVMe controller
what they do with a card; where a pool has to find a card, the file that shows the controller's class is
covered with one that shows a GPU's. Nothing else is covered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.prepare.cuts import WAYS_OUT, every_other
from tests.prepare.disk_host import REBUILT_S, apply_spec, disk_host, gpucloud, is_confirmed, sh, statuses
from tests.prepare.kernel_contract import Machine, RealMachine, Subject
from tests.prepare.sriov_contract import SriovContract

from gpucloud.lab.disk.recipe import Makes
from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab

CONTROLLER = "0000:01:00.0"
SPEC = 'pools: {cut: {use: sriov, vfs: 3, match: {address: "0000:01:00.0"}}}\n'
_CLASS = "/etc/class-of-a-gpu"
_COVER = f"""\
[Unit]
Before=gpucloud-boot.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/mount --bind {_CLASS} /sys/bus/pci/devices/{CONTROLLER}/class

[Install]
WantedBy=multi-user.target
"""

_CUT_OFF = """
import os, signal, sys, time
sys.path.insert(0, "/opt/gpucloud/lib")
from gpucloud.model.change import SetVfs
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Plan, Step
from gpucloud.prepare.apply import apply
from gpucloud.prepare.journal import STATE, Journal
from gpucloud.prepare.journal.disk import RealDisk
from gpucloud.prepare.system import LiveSystem

class Doomed(RealDisk):
    left = int(sys.argv[2])

    def append(self, path, data):
        Doomed.left -= 1
        if Doomed.left == 0 and sys.argv[3] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        super().append(path, data)
        if Doomed.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

address = PciAddress.parse(sys.argv[1])
steps = tuple(
    Step(SetVfs(address=address, before=before, after=after), "it is wanted", address)
    for before, after in ((0, 4), (4, 2))
)
outcome = apply(Plan("here", (address,), False, (), steps), LiveSystem(), Journal(STATE, time.time, Doomed()))
assert outcome.failure is None, outcome.failure
"""
"""Makes four and then two, and dies by SIGKILL before or after the n-th event is on the disk."""


def slices(host: LabHost) -> list[str]:
    """Addresses of the controller's virtual functions."""
    listed = sh(host, f"cd /sys/bus/pci/devices/{CONTROLLER} && readlink virtfn* || true").split()
    return sorted(link.rpartition("/")[2] for link in listed)


@pytest.fixture(scope="module")
def controller(lab: Lab) -> Iterator[LabHost]:
    """A server with such a controller, started once; whoever changes it puts it back."""
    with lab.up("sriov", "test-sriov") as host:
        host.run(["modprobe", "-a", "nvme", "vfio-pci"], ok=(0,))
        yield host


@pytest.mark.lab
@pytest.mark.slow
class TestRealVirtualFunctions(SriovContract):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject(CONTROLLER, "nvme")

    @pytest.fixture
    def machine(self, controller: LabHost) -> Machine:
        return RealMachine(controller.run)


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize(
    ("event", "when", "way_out"),
    every_other([(1, "after"), (2, "before"), (2, "after"), (3, "before")], WAYS_OUT),
)
def test_virtual_functions_that_were_cut_off_are_the_old_or_the_new(
    controller: LabHost, event: int, when: str, way_out: tuple[str, ...]
) -> None:
    killed = 'python3 -c "$1" "$2" "$3" "$4"; test $? -eq 137'
    words = ("sh", "-c", killed, "sh", _CUT_OFF, CONTROLLER, str(event), when)
    controller.run(words, ok=(0,), timeout_s=300)
    gpucloud(controller, *way_out)
    if way_out != ("undo",):
        assert slices(controller) == ["0000:01:00.1", "0000:01:00.2"]
        gpucloud(controller, "undo")
    assert slices(controller) == []


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(3000)
def test_virtual_functions_are_there_after_every_start_until_they_are_undone(lab: Lab) -> None:
    with disk_host(lab, "sriov", Makes.INITRAMFS_TOOLS, "slices") as host:
        assert "no GPU" in gpucloud(host, "plan", "--unit", CONTROLLER, ok=(2,)).stderr
        host.put(b"0x030200\n", _CLASS)
        host.put(_COVER.encode(), "/etc/systemd/system/cover.service")
        sh(host, "systemctl enable --now cover.service")
        apply_spec(host, SPEC)
        assert slices(host) == [], "a plan for the next start makes nothing now"
        for _ in range(2):
            host.reboot(timeout_s=REBUILT_S)
            assert slices(host) == ["0000:01:00.1", "0000:01:00.2", "0000:01:00.3"]
            assert sh(host, "systemctl is-active gpucloud-boot").strip() == "active"
        assert is_confirmed(host)
        gpucloud(host, "boot")
        assert statuses(host)[-1] == "applied"
        assert_a_guest_gets(host, "0000:01:00.2")
        said = gpucloud(host, "undo").stderr
        assert "what this start did of it" in said
        assert len(slices(host)) == 3
        gpucloud(host, "undo")
        assert slices(host) == []
        host.reboot(timeout_s=REBUILT_S)
        assert slices(host) == []
        assert set(statuses(host)) == {"undone"}


def assert_a_guest_gets(host: LabHost, function: str) -> None:
    """One of those that the start has made goes to a guest, which sees it, and comes back."""
    gpucloud(host, "apply", "--unit", function, "--yes")
    told = gpucloud(host, "launch", "--unit", function, "--name", "one", "--format", "json").stdout
    assert [seen["id"] for seen in json.loads(told)["seen"]].count("1b36:0010") == 1
    gpucloud(host, "destroy", "one")
    gpucloud(host, "undo")
    assert len(slices(host)) == 3
