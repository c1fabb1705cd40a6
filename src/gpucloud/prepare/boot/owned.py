"""Files that are gpucloud's own: whole, never merged with anybody else's."""

from __future__ import annotations

HEADER = "# Written by gpucloud for the pools of its spec; do not edit. Taken back by: gpucloud undo\n"

GRUB_DROP_IN = "/etc/default/grub.d/zz-gpucloud.cfg"
"""Last, so that no other drop-in can assign what this one adds to (cloud images bring one that does)."""
MODPROBE = "/etc/modprobe.d/gpucloud.conf"
MODULES_LOAD = "/etc/modules-load.d/gpucloud.conf"
INITRAMFS_HOOK = "/etc/initramfs-tools/hooks/gpucloud"
INITRAMFS_SCRIPT = "/etc/initramfs-tools/scripts/init-top/00gpucloud"
"""Scripts without prerequisites run in the order of their names: before ``udev``, which loads drivers."""
DRACUT_CONF = "/etc/dracut.conf.d/90-gpucloud.conf"
DRACUT_SETUP = "/usr/lib/dracut/modules.d/90gpucloud/module-setup.sh"
DRACUT_HOOK = "/usr/lib/dracut/modules.d/90gpucloud/run-claim.sh"
DRACUT_CLAIM = "/usr/lib/dracut/modules.d/90gpucloud/claim"

OWNED = (
    GRUB_DROP_IN,
    MODPROBE,
    MODULES_LOAD,
    INITRAMFS_HOOK,
    INITRAMFS_SCRIPT,
    DRACUT_CONF,
    DRACUT_SETUP,
    DRACUT_HOOK,
    DRACUT_CLAIM,
)
IN_INITRAMFS = frozenset(OWNED) - {GRUB_DROP_IN, MODULES_LOAD}
"""A change of one of them needs the initramfs made anew."""
