"""What to type on this machine to install or start what guests need."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from gpucloud.inventory.system.distribution import family_of, parse_os_release
from gpucloud.model.packages import install_command

_OS_RELEASE = Path("/etc/os-release")
_MOST_CHARS = 1 << 16

LOOK_AT_LIBVIRT = "see journalctl -u libvirtd -u virtqemud"
"""The one daemon and the one for QEMU: which of them runs differs, and the other has no entries."""


def install_line(*wanted: str, family: str | None = None) -> str:
    """The command that brings programs.

    Args:
        wanted: names of programs, or of parts as `gpucloud.model.packages` has them.
        family: of the distribution, as `family_of` names it; this machine's own if left out.
    """
    return install_command(read_family() if family is None else family, *wanted)


def extra_line(extra: str) -> str:
    """What brings an extra of gpucloud's own, into the environment that this program runs in."""
    pip = f"{shlex.quote(sys.executable)} -m pip"
    return f"in the clone that gpucloud was installed from: {pip} install '.[{extra}]'"


def start_line(family: str | None = None) -> str:
    """The command that starts libvirt: the RHEL family runs a daemon for each hypervisor since 9."""
    family = read_family() if family is None else family
    return f"systemctl start {'virtqemud.socket' if family == 'rhel' else 'libvirtd'}"


def read_family(path: Path = _OS_RELEASE) -> str:
    """The family of this machine's distribution; ``linux`` where it does not say."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return family_of(parse_os_release(file.read(_MOST_CHARS)))
    except OSError:
        return "linux"
