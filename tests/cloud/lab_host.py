"""Looks at a server in the laboratory that guests are launched on."""

from __future__ import annotations

import json

from gpucloud.lab.host import LabHost


def sh(host: LabHost, script: str, timeout_s: float = 60) -> str:
    """What a shell script prints that has to work."""
    return host.run(["sh", "-c", script], timeout_s=timeout_s, ok=(0,)).stdout


def cards_of(host: LabHost) -> list[str]:
    """Addresses of the cards, by what they are: ATI Rage 128, which nothing else on the server is."""
    return sh(host, "cd /sys/bus/pci/devices && grep -lx 0x5046 */device | cut -d/ -f1").split()


def drivers_of(host: LabHost) -> str:
    """The drivers of all PCI functions that have one."""
    return sh(host, "for at in /sys/bus/pci/devices/*; do readlink $at/driver || true; done")


def ask_qemu(host: LabHost, guest: str, command: str, **arguments: str) -> object:
    """What the QEMU of a running guest itself answers (QMP)."""
    question = json.dumps({"execute": command, "arguments": arguments})
    told = host.run(["virsh", "qemu-monitor-command", guest, question], timeout_s=60, ok=(0,)).stdout
    return json.loads(told)["return"]


def leftovers(host: LabHost) -> str:
    """Everything that a guest could have left: domains, timers, folders, variables, processes."""
    return sh(
        host,
        "virsh list --all --name | grep . || true;"
        "systemctl list-timers --all --no-legend 'gpucloud-end-*';"
        "cd /var/lib/libvirt && find gpucloud qemu/nvram -mindepth 1 2>/dev/null || true;"
        "pgrep -a qemu-system || true",
    ).strip()


def assert_guest_prints(host: LabHost, guest: str, line: str) -> None:
    """Press Enter at the check guest's console, whose kernel then says what it has found.

    QEMU looks once a second whether somebody has the console open (its chardev/char-pty.c).
    """
    seen = f"grep -q '{line}' /var/log/libvirt/gpucloud/{guest}.log"
    press = f"exec >$(virsh ttyconsole {guest}); until {seen}; do printf '\\n'; sleep 2; done"
    sh(host, press, timeout_s=120)
