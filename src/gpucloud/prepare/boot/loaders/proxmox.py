"""Proxmox VE where it keeps several boot partitions alike: GRUB or systemd-boot, by how the firmware starts.

proxmox-boot-tool takes the arguments for systemd-boot from the first line of /etc/kernel/cmdline, whatever
stands in others, and those for GRUB from its configuration. Which of both starts the host is decided by its
firmware, so both get them. Source: zz-proxmox-boot, update_esps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpucloud.model.boot import BootFiles
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.arguments import Argument
from gpucloud.prepare.boot.loaders.grub import GrubDropIn
from gpucloud.prepare.boot.loaders.loader import Texts, add_words, in_all, kernel_words
from gpucloud.prepare.boot.own.paths import GRUB_DROP_IN
from gpucloud.prepare.boot.paths import KERNEL_CMDLINE

_GRUB = GrubDropIn()
_ROOT = "root="


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
        if line is None:
            return grub
        first = line.partition("\n")[0]
        if _ROOT not in first:
            return Unknown(
                f"{KERNEL_CMDLINE} has no {_ROOT} in its first line, and proxmox-boot-tool reads no other: "
                "it would write no entry: write all arguments into that line"
            )
        return in_all((grub, tuple(Argument(word, KERNEL_CMDLINE) for word in kernel_words(first))))

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        grub, line = _GRUB.arguments(files), files.text(KERNEL_CMDLINE)
        have = {argument.text for argument in grub} if isinstance(grub, tuple) else set()
        texts = dict(_GRUB.add(files, [word for word in words if word not in have]))
        first, _, rest = line.partition("\n") if isinstance(line, str) else ("", "", "")
        if isinstance(line, str) and (changed := add_words(first, words)) != first:
            texts[KERNEL_CMDLINE] = f"{changed}\n{rest}"
        return texts
