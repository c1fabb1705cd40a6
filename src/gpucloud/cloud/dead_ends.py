"""What a guest prints when it has stopped on its way up and waits for somebody: no report will come.

The console is hostile input. All that a guest gains by printing such a line is that its own launch ends.
"""

from __future__ import annotations

import re

from gpucloud.cloud.console import without_escapes

_MOST_CHARS = 160
_NOTHING_TO_BOOT = "its firmware finds no boot loader"

_ENDS = {
    # Linux, kernel/panic.c
    r"(?:\[ *\d+\.\d+\] )?Kernel panic - not syncing: (.+)\n": "its kernel panicked: {}",
    # edk2, MdeModulePkg/Universal/BdsDxe/BdsEntry.c, and the shell that some builds start instead
    r"BdsDxe: No bootable option or device was found|UEFI Interactive Shell": _NOTHING_TO_BOOT,
    # SeaBIOS, src/boot.c, where it talks to the serial port at all
    r"No bootable device\.": _NOTHING_TO_BOOT,
    # GRUB, grub-core/kern/rescue_reader.c and normal/main.c
    r"grub rescue>": "its boot loader does not find its own files",
    r"grub>": "its boot loader finds no configuration",
    # initramfs-tools, scripts/local
    r"ALERT! +(\S+) does not exist\. +Dropping to a shell!": "its initramfs does not find {}",
    # dracut, modules.d/98dracut-systemd/dracut-emergency.sh
    r"Entering emergency mode\. Exit the shell to continue\.": "its initramfs gave up",
    # systemd, src/sulogin-shell/sulogin-shell.c
    r"You are in emergency mode\. After logging in": "its system is in emergency mode",
}
"""How a line begins that says so, and what it comes to. A line may still be on its way."""

_ANY = re.compile("|".join(f"(?:{pattern})" for pattern in _ENDS))


def find_dead_end(text: str) -> str | None:
    """Say why a guest with this console text will not come up by itself; None where nothing says so."""
    for line in without_escapes(text).splitlines(keepends=True):
        if _ANY.match(line):
            return next(filter(None, (_explain(line, pattern) for pattern in _ENDS)))
    return None


def _explain(line: str, pattern: str) -> str | None:
    match = re.match(pattern, line)
    if match is None:
        return None
    names = ("".join(filter(str.isprintable, name))[:_MOST_CHARS] for name in match.groups() if name)
    return _ENDS[pattern].format(*names)
