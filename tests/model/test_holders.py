"""Who keeps a driver, and what makes them let go: the doctor and the plan say the same."""

from __future__ import annotations

import pytest

from gpucloud.model.holders import keeps_driver, release_command
from gpucloud.model.pci import Holder


@pytest.mark.parametrize(
    "node", ["/dev/nvidia0", "/dev/dri/card1", "/dev/snd/controlC1", "/dev/vfio/11", "/dev/i2c-7"]
)
def test_a_node_of_the_card_keeps_its_driver(node: str) -> None:
    assert keeps_driver(Holder(7, "reader", node))


@pytest.mark.parametrize("node", ["/dev/input/event9", "/dev/hidraw3", "/dev/bus/usb/005/002"])
def test_what_is_plugged_in_or_heard_of_lets_the_driver_go(node: str) -> None:
    assert not keeps_driver(Holder(800, "systemd-logind", node))


@pytest.mark.parametrize(
    ("holder", "command"),
    [
        (Holder(812, "qemu-system-x86", "/dev/vfio/11", "web1"), "gpucloud destroy web1"),
        (Holder(2000, "nvidia-persiste", "/dev/nvidia0"), "systemctl stop nvidia-persistenced"),
        (Holder(500, "systemd-logind", "/dev/dri/card0"), "systemctl stop display-manager"),
        (Holder(4711, "python3", "/dev/nvidia0"), "kill 4711"),
    ],
)
def test_only_what_stays_dead_is_killed(holder: Holder, command: str) -> None:
    assert release_command(holder) == command
