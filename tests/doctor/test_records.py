"""A message is judged by its own record, not with what another program said next."""

from __future__ import annotations

import pytest

from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_text
from gpucloud.model.finding import Level

LOST = "vfio-pci 0000:01:00.0: not ready 65535ms after bus reset; giving up\n"
ASLEEP = "vfio-pci 0000:01:00.0: Unable to change power state from D3cold to D0, device inaccessible\n"
SKIPPED = (
    "2025-02-02 10:10:10.102 20 DEBUG nova.scheduler.filters.pci_passthrough_filter [None req-1] (cpu03) "
    "doesn't have the required PCI devices (InstancePCIRequests(requests=[])) host_passes\n"
)


def said(text: str) -> dict[str, Level]:
    return {one.cause: one.level for one in diagnose(gather(from_text("paste", (text,)))).findings}


@pytest.mark.parametrize(
    "text",
    [
        (
            "[   10.100000] systemd[1]: Started nvidia-fabricmanager.service.\n"
            "[   10.200000] pcieport 0000:00:01.0: AER: Corrected error received: 0000:01:00.0\n"
        ),
        (
            "Nov 23 10:00:00 gpu01 systemd[1]: Started nvidia-vgpu-mgr.service.\n"
            "Nov 23 10:00:01 gpu01 systemd[1]: snapd.socket: inactive.\n"
        ),
        (
            'type=AVC msg=audit(1.1:2): avc:  denied  { read } for  pid=7 comm="chronyd" name="drift" '
            "scontext=system_u:system_r:chronyd_t:s0 tclass=file permissive=0\n"
            "3b:00.0 3D controller [0302]: NVIDIA Corporation GA100 [10de:20b5]\n"
        ),
        "# systemctl is-active nvidia-vgpu-mgr nvidia-vgpud\nactive\ninactive\n",
        "# systemctl is-active nvidia-fabricmanager nvidia-persistenced\nactive\ninactive\n",
        SKIPPED
        + "2025-02-02 10:10:10.103 20 DEBUG nova.filters Filter PciPassthroughFilter returned 2 host(s)\n",
    ],
)
def test_what_stands_beside_it_makes_no_fault_of_it(text: str) -> None:
    assert all(level is Level.INFO for level in said(text).values())


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            (
                "[   10.100000] vfio-pci 0000:01:00.0: Unable to change power state from D3cold to D0, "
                "device inaccessible\n[   11.000000] nvme 0000:02:00.0: platform quirk: from D0 to D3hot\n"
            ),
            "power-state-d3",
        ),
        (
            (
                "[   10.100000] amdgpu: probe of 0000:03:00.0 failed with error -12\n"
                "[   10.200000] nouveau 0000:04:00.0: NVIDIA GM107\n"
            ),
            "bar-allocation",
        ),
        ("# systemctl is-active nvidia-vgpud nvidia-vgpu-mgr\nactive\ninactive\n", "vgpu-manager-not-loaded"),
        (SKIPPED, "not-enough-devices"),
        # What a terminal wraps has no stamp, and is one message.
        (
            "[   10.100000] vfio-pci 0000:01:00.0: Unable to change power state\n from D3cold to D0\n",
            "power-state-d3",
        ),
    ],
)
def test_what_stands_beside_it_hides_no_fault(text: str, cause: str) -> None:
    assert said(text)[cause] is not Level.INFO


@pytest.mark.parametrize(
    "before",
    [LOST, "NVRM: Xid (PCI:0000:01:00): 79, pid=0, GPU has fallen off the bus.\n"],
)
def test_a_card_that_was_lost_before_is_not_asleep(before: str) -> None:
    found = said(before + ASLEEP)
    assert found["power-state-d3"] is Level.INFO
    assert Level.BLOCKER in found.values()
    assert said(before + ASLEEP.replace("0000:01", "0000:02"))["power-state-d3"] is Level.BLOCKER
    assert said(ASLEEP + before)["power-state-d3"] is Level.BLOCKER


def test_without_virtual_functions_a_card_has_types_of_neither_kind() -> None:
    text = (
        "/sys/bus/pci/devices/0000:ae:00.0/sriov_numvfs: 0\n"
        "ls: cannot access '/sys/class/mdev_bus/': No such file or directory\n"
        "nvidia_vgpu_vfio       69632  0\n"
    )
    assert said(text) == {"sriov-vfs-not-enabled": Level.BLOCKER}
