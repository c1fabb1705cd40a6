"""A virtual function that a real kernel made: bound, given to a real guest, and given back.

QEMU emulates no GPU with SR-IOV: the card is an NVMe controller, and the file that shows its class is covered
with one that shows a GPU's. Its virtual functions, their IOMMU groups and VFIO are the kernel's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.cloud.lab_host import assert_guest_prints, leftovers, sh

from gpucloud.cloud.kernel_lines import parse_kernel_lines
from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab
from gpucloud.model.failure import Exit
from gpucloud.model.pci import PciId

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1200)]

CARD, GIVEN, OTHER = (f"0000:01:00.{number}" for number in range(3))
AT = "/sys/bus/pci/devices"
COVER = f"echo 0x030200 >/run/class; mount --bind /run/class {AT}/{CARD}/class"
LOCK = "/var/lib/gpucloud/lock"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    with lab.up("sriov", "test-virtual-functions") as host:
        # No layout is the first to cut a card whose driver nobody knows: a first one is there.
        sh(host, f"modprobe nvme; {COVER}; echo 1 >{AT}/{CARD}/sriov_numvfs")
        sh(host, f"gpucloud vgpu apply '{CARD}: 2 x vf' --yes")
        yield host


def driver_of(host: LabHost, address: str) -> str:
    return sh(host, f"readlink {AT}/{address}/driver || true").strip().rpartition("/")[2]


def refusal(host: LabHost, *words: str) -> str:
    return host.run(["gpucloud", *words], ok=(Exit.ERROR,), timeout_s=120).stderr


def test_nova_would_see_the_card_as_pf_and_each_of_them_as_vf(host: LabHost) -> None:
    """What nova reads is libvirt's word for it (nova/virt/libvirt/host.py, ``_get_pcidev_info``)."""
    for address, capability in ((CARD, "virt_functions"), (GIVEN, "phys_function")):
        name = f"pci_{address.replace(':', '_').replace('.', '_')}"
        assert f"<capability type='{capability}'" in sh(host, f"virsh nodedev-dumpxml {name}")
    sh(host, "touch /run/nova.conf && gpucloud capture --output /run/host.tar.gz")
    words = "--release 2025.1 --config /run/nova.conf --devices /run/host.tar.gz --format json"
    seen = json.loads(sh(host, f"gpucloud nova match {words}"))["devices"]
    kinds = {each["address"]: (each["type"], each["parent"]) for each in seen}
    assert kinds[CARD] == ("type-PF", None)
    assert kinds[GIVEN] == kinds[OTHER] == ("type-VF", CARD)


def test_a_guest_has_one_and_its_card_and_the_other_stay_with_the_host(host: LabHost) -> None:
    assert "is bound to no driver" in refusal(host, "launch", "--unit", GIVEN, "--name", "desk")
    sh(host, f"gpucloud apply --unit {GIVEN} --yes")
    assert [driver_of(host, each) for each in (CARD, GIVEN, OTHER)] == ["nvme", "vfio-pci", ""]

    told = json.loads(sh(host, f"gpucloud launch --unit {GIVEN} --name desk --format json", timeout_s=400))
    assert told["functions"] == told["units"] == [GIVEN]
    assert "1b36:0010" in [seen["id"] for seen in told["seen"]]
    console = sh(host, "gpucloud console desk --log")
    assert PciId(0x1B36, 0x0010) in parse_kernel_lines(console).values()

    assert "guest desk has it" in refusal(host, "launch", "--unit", GIVEN, "--name", "second")
    assert "entry 0002 has bound 01:00.1" in refusal(host, "vgpu", "undo")
    assert "guest desk uses it" in refusal(host, "vgpu", "apply", f"{CARD}: none", "--yes")
    assert "in use by guest desk" in refusal(host, "undo")
    assert "which vanish when its driver is taken" in refusal(host, "plan", "--unit", CARD)

    sh(host, "gpucloud destroy desk")
    assert leftovers(host) == ""
    assert driver_of(host, GIVEN) == "vfio-pci"
    given_while_it_runs(host)
    sh(host, "gpucloud undo")
    assert [driver_of(host, each) for each in (CARD, GIVEN, OTHER)] == ["nvme", "", ""]


def given_while_it_runs(host: LabHost) -> None:
    """The guest's kernel finds the function at a port of its own, and lets go of it again."""
    sh(host, "gpucloud launch --gpus 0 --name desk", timeout_s=400)
    sh(host, f"gpucloud vgpu attach desk {GIVEN}")
    assert_guest_prints(host, "desk", r"\[1b36:0010\]")
    assert "guest desk has it" in refusal(host, "launch", "--unit", GIVEN, "--name", "second")
    sh(host, f"gpucloud vgpu detach desk {GIVEN}", timeout_s=120)
    assert json.loads(sh(host, "gpucloud show desk --format json"))["functions"] == []
    sh(host, "gpucloud destroy desk")
    assert leftovers(host) == ""
    assert driver_of(host, GIVEN) == "vfio-pci"


def test_a_start_makes_them_again_once_their_card_has_its_driver(host: LabHost) -> None:
    host.reboot()
    sh(host, f"modprobe nvme; {COVER}; echo {CARD} >{AT}/{CARD}/driver/unbind")
    has_begun = f"grep -q FLOCK.*:$(stat -c %i {LOCK}) /proc/locks"
    comes = f"until {has_begun}; do :; done; echo {CARD} >/sys/bus/pci/drivers/nvme/bind"
    sh(host, f"({comes}) & gpucloud boot; wait", timeout_s=120)
    assert sh(host, f"cat {AT}/{CARD}/sriov_numvfs").strip() == "2"
    sh(host, "gpucloud vgpu undo")
    assert sh(host, f"cat {AT}/{CARD}/sriov_numvfs").strip() == "1"
