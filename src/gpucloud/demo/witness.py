"""An independent look at a server: plain shell, not gpucloud, says what a host was like.

Two pictures are compared: which driver and override each PCI function has and which modules are
loaded; and every file of the root file system by type, mode, owner, size, change of content and link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OWN_STATE = ("/var/lib/gpucloud", "/var/cache/gpucloud")
"""gpucloud's own journal and caches: they tell what was done and stay on purpose."""

LIVING = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/log", "/var/tmp", "/opt/gpucloud", "/root/.ssh")
"""Trees that a running system writes by itself, and those that the laboratory mounted."""

LIBVIRT_LIVING = ("/var/lib/libvirt/qemu", "/var/cache/libvirt", "/var/lib/systemd", "/var/lib/dbus")

_DRIVERS = r"""
cd /sys/bus/pci/devices
for at in *; do
  driver=none
  [ -e "$at/driver" ] && driver=$(readlink "$at/driver")
  read -r override <"$at/driver_override"
  echo "$at driver ${driver##*/} override ${override:-none}"
done
"""

_MODULES = 'for module in /sys/module/*; do echo "$module loaded"; done\n'


@dataclass(frozen=True, slots=True)
class Picture:
    """A server at one moment. Each maps a place to what was seen there."""

    kernel: Mapping[str, str]
    """PCI functions with their drivers, and modules."""
    files: Mapping[str, str]


def drivers_script() -> str:
    """POSIX shell that prints one line per PCI function: address, driver and override."""
    return _DRIVERS


def modules_script() -> str:
    """POSIX shell that prints one line per kernel module."""
    return _MODULES


def files_script() -> str:
    """POSIX shell that prints one line per file: path, then type, mode, owner, size, mtime, target."""
    pruned = " -o ".join(f"-path {path}" for path in (*OWN_STATE, *LIVING, *LIBVIRT_LIVING))
    # The time of a directory changes with what is in it, and what is in it is compared by itself.
    directories = r"-type d -printf '%p\t%y %m %U:%G\n'"
    others = r"-printf '%p\t%y %m %U:%G %s %T@ %l\n'"
    return rf"find / -xdev \( {pruned} \) -prune -o \( {directories} \) -o {others}"


def parse_lines(text: str, separator: str) -> dict[str, str]:
    """Split each line once at the separator; a line without one is kept with an empty value."""
    parts = (line.partition(separator) for line in text.splitlines() if line)
    return {place: seen for place, _, seen in parts}


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """What is not as it was: one line per place, in the order of places."""
    lines = []
    for place in sorted(before.keys() | after.keys()):
        was, now = before.get(place), after.get(place)
        if was != now:
            lines.append(f"{place}: was {was or 'not there'}, is {now or 'not there'}")
    return tuple(lines)
