"""A guest that is no machine: what its user data tells cloud-init is run as processes of this one.

What the commands write to the serial port goes into a file, and what they read of PCI devices is a folder
made of those that nova gave the guest. Only root here, whose the laboratory's cloud is, can make one.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

SERIAL, SYSFS = ">/dev/ttyS0", "/sys/bus/pci/devices"
BRIDGE = {"vendor_id": "8086", "product_id": "29c0", "class": "060000"}
DISPLAY_3D = "030200"
"""Class of a card that says no other."""
_FIRST_BUS = 5
_STAGES = ("bootcmd", "runcmd")
"""Of cloud-init's modules, in its order."""
_SHOWN_BYTES = 100 * 1024
"""nova's driver for libvirt gives so much of a console (MAX_CONSOLE_BYTES of nova/virt/libvirt/driver.py)."""


@dataclass
class LabGuest:
    """A guest of a folder of its own.

    Args:
        folder: of the guest; made by `start`, removed by `end`.
    """

    folder: Path
    _running: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self, user_data: str, devices: Iterable[Mapping[str, str]]) -> None:
        """Run what the user data says, in the background.

        Args:
            user_data: a cloud-config, in JSON.
            devices: ``vendor_id``, ``product_id`` and perhaps ``class`` of each.
        """
        write_devices(self.folder / "pci", devices)
        (self.folder / "console").touch()
        script = script_of(user_data, self.folder)
        # Of nova-compute's session, so that it ends with the cloud; a group of its own, to be ended before.
        self._running = subprocess.Popen(
            ["/bin/sh", "-c", script], stdin=subprocess.DEVNULL, process_group=0, cwd=self.folder
        )

    def console(self) -> str:
        """The end of what it printed."""
        with suppress(FileNotFoundError):
            return (self.folder / "console").read_bytes()[-_SHOWN_BYTES:].decode("latin-1")
        return ""

    def end(self) -> None:
        """End all of it, and leave nothing."""
        if self._running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
        rmtree(self.folder, ignore_errors=True)


def script_of(user_data: str, folder: Path) -> str:
    """The commands of a cloud-config in their order, as one script that keeps to the guest's folder."""
    said = json.loads(user_data.partition("\n")[2]) if user_data.startswith("#cloud-config\n") else {}
    commands = [each for stage in _STAGES for each in said.get(stage, ())]
    lines = [each if isinstance(each, str) else shlex.join(each) for each in commands]
    return "\n".join(lines).replace(SERIAL, f">>{folder / 'console'}").replace(SYSFS, str(folder / "pci"))


def write_devices(folder: Path, devices: Iterable[Mapping[str, str]]) -> None:
    """Make the files of each device that its kernel would show, behind a bridge."""
    addresses = {"0000:00:00.0": BRIDGE}
    for number, device in enumerate(devices):
        addresses[f"0000:{_FIRST_BUS + number:02x}:00.0"] = dict(device)
    for address, device in addresses.items():
        place = folder / address
        place.mkdir(parents=True)
        for name, key in (("vendor", "vendor_id"), ("device", "product_id")):
            (place / name).write_text(f"0x{device[key]}\n")
        (place / "class").write_text(f"0x{device.get('class', DISPLAY_3D)}\n")
        (place / "resource").write_text("0x0000000000000000 0x0000000000000000 0x0000000000000000\n" * 6)
