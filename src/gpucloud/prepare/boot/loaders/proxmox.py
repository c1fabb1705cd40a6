"""Proxmox VE where it keeps several boot partitions alike: GRUB or systemd-boot, by how the firmware starts.

proxmox-boot-tool takes the arguments for systemd-boot from /etc/kernel/cmdline and those for GRUB from its
configuration. Which of both starts the host is decided by its firmware, so both get them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpucloud.model.boot import BootFiles
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.arguments import Argument
from gpucloud.prepare.boot.loaders.grub import GrubDropIn
from gpucloud.prepare.boot.loaders.loader import Texts, add_to_cmdline, cmdline_lines, in_all, kernel_words
from gpucloud.prepare.boot.own.paths import GRUB_DROP_IN
from gpucloud.prepare.boot.paths import KERNEL_CMDLINE

_GRUB = GrubDropIn()


@dataclass(frozen=True, slots=True)
class ProxmoxBoot:
    """Both places, then the partitions made alike again."""

    tools: tuple[tuple[str, ...], ...] = (*_GRUB.tools, ("proxmox-boot-tool", "refresh"))
    name: str = "GRUB's drop-in and `/etc/kernel/cmdline`: the firmware decides which of both counts"
    own: tuple[str, ...] = (GRUB_DROP_IN,)

    def arguments(self, files: BootFiles) -> tuple[Argument, ...] | Unknown:
        """What both places say, and what either switches off."""
        grub, line = _GRUB.arguments(files), files.text(KERNEL_CMDLINE)
        if isinstance(grub, Unknown) or isinstance(line, Unknown):
            return grub if isinstance(grub, Unknown) else Unknown(f"{KERNEL_CMDLINE} is not known")
        systemd = tuple(Argument(word, KERNEL_CMDLINE) for word in kernel_words(cmdline_lines(line or "")))
        if line is None:
            return grub
        return in_all((grub, systemd))

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        grub, line = _GRUB.arguments(files), files.text(KERNEL_CMDLINE)
        have = {argument.text for argument in grub} if isinstance(grub, tuple) else set()
        texts = dict(_GRUB.add(files, [word for word in words if word not in have]))
        if isinstance(line, str) and words:
            texts[KERNEL_CMDLINE] = add_to_cmdline(line, words)
        return texts
