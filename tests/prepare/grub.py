"""What GRUB does with gpucloud's entry at a start: a shell runs the script, the environment is the block's.

The script uses what both languages have in common, ``if``, ``[`` and assignments, but for ``set``,
``menuentry`` and ``save_env``, which are spelt otherwise here. GRUB itself is asked in ``test_grub_itself``.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.prepare.boot_hosts import RELEASE

from gpucloud.prepare.steps.fallback.environment import read_variable, with_variable


@dataclass(frozen=True)
class Menu:
    """GRUB of a host whose files are below ``root``."""

    root: Path

    def start(self) -> str:
        """Start once: ``old``, ``new`` (on trial) or ``usual``; the block is written as GRUB writes it."""
        return self._run(is_real=True)

    def look(self) -> str:
        """What would be started now."""
        return self._run(is_real=False)

    def tell(self, root: Path, entry: str | None = None) -> None:
        """Let the kernel know what it was told by the entry that is started now."""
        words = {"old": " gpucloud=old", "new": " gpucloud=try panic=30"}.get(entry or self.look(), "")
        (root / "proc/cmdline").write_text(
            f"BOOT_IMAGE=/boot/vmlinuz-{RELEASE} root=UUID=1 ro quiet{words}\n"
        )

    def initramfs(self) -> str:
        """What the old entry's initramfs holds."""
        path = re.search(r"initrd '(.*)'", self._custom())
        assert path is not None
        return (self.root / path[1].lstrip("/")).read_text()

    def _custom(self) -> str:
        custom = self.root / "boot/grub/custom.cfg"
        return custom.read_text() if custom.exists() else ""

    def _run(self, *, is_real: bool) -> str:
        block = self.root / "boot/grub/grubenv"
        tries = read_variable(block.read_text()) or ""
        script = re.sub(r"^ *menuentry .*\{$", "  entry() {", self._custom(), flags=re.MULTILINE)
        script = re.sub(r"^( *)set ", r"\1", script, flags=re.MULTILINE)
        script = re.sub(r"^ *save_env .*$", "", script, flags=re.MULTILINE)
        end = '\nprintf "%s|%s|%s" "$default" "$gpucloud_trial" "$gpucloud_tries"\n'
        done = subprocess.run(
            ["/bin/sh", "-euc", f"default= gpucloud_trial= gpucloud_tries={tries}\n{script}{end}"],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        default, trial, left = done.stdout.split("|")
        if is_real and left:
            block.write_text(with_variable(block.read_text(), left))
        return "old" if default == "gpucloud-old" else "new" if trial else "usual"
