"""Files that are gpucloud's own: whole, never merged with anybody else's."""

from __future__ import annotations

from gpucloud.inventory.system.boot import OWN

HEADER = "# Written by gpucloud for the pools of its spec; do not edit. Taken back by: gpucloud undo\n"

(
    GRUB_DROP_IN,
    MODPROBE,
    MODULES_LOAD,
    INITRAMFS_HOOK,
    INITRAMFS_SCRIPT,
    DRACUT_CONF,
    DRACUT_SETUP,
    DRACUT_HOOK,
    DRACUT_CLAIM,
    UNIT,
) = OWNED = OWN
"""GRUB's drop-in sorts last, so that no other can assign what it adds to (cloud images bring one that does).
The initramfs's script sorts first: without prerequisites they run by name, and ``udev`` loads drivers."""
PROGRAMS = frozenset((INITRAMFS_HOOK, INITRAMFS_SCRIPT, DRACUT_SETUP, DRACUT_HOOK, DRACUT_CLAIM))
"""Those that are run: of a capture, which has no modes, that is known of them."""
IN_INITRAMFS = frozenset(OWNED) - {GRUB_DROP_IN, MODULES_LOAD, UNIT}
"""A change of one of them needs the initramfs made anew."""
