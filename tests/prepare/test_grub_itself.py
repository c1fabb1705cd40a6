"""GRUB itself reads the entry of the old start, counts in its block on a disk, and takes the entry."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.prepare.boot_hosts import BLOCK, build_family, plan_for

from gpucloud.model.change import KeepOldStart
from gpucloud.prepare.steps.fallback.environment import with_variable

CONFIG = """\
set pager=0
if [ -s $prefix/grubenv ]; then
  load_env
fi
set default=0
if [ -f $prefix/custom.cfg ]; then
  source $prefix/custom.cfg
fi
echo "default is $default"
for word in $gpucloud_trial; do echo "told $word"; done
exit
"""
SAID = re.compile(r"(?:default is|told) [a-z0-9.=-]+")


@dataclass(frozen=True)
class Disk:
    """A disk with GRUB's folder on it, in front of grub-emu."""

    folder: Path

    def start(self) -> list[str]:
        """What GRUB says while it reads its configuration."""
        emulator = "TERM=vt100 grub-emu --device-map=map --root=hd0 --directory=/boot/grub"
        done = subprocess.run(
            ["script", "-qec", emulator, "/dev/null"],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=60,
        )
        return list(dict.fromkeys(SAID.findall(done.stdout)))

    def block(self) -> str:
        return self._run("debugfs", "-R", "cat /boot/grub/grubenv", "image")

    def make(self, custom: str, block: str) -> None:
        place = self.folder / "root/boot/grub"
        place.mkdir(parents=True)
        for name, text in {"grub.cfg": CONFIG, "custom.cfg": custom, "grubenv": block}.items():
            (place / name).write_text(text)
        (self.folder / "map").write_text(f"(hd0) {self.folder}/image\n")
        self._run("truncate", "-s", "8M", "image")
        self._run("mke2fs", "-q", "-t", "ext4", "-d", "root", "image")

    def _run(self, *argv: str) -> str:
        done = subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout


def test_grub_tries_the_new_start_twice_and_takes_the_old_one_then(tmp_path: Path) -> None:
    disk = disk_with(tmp_path, "2")
    told = ["told gpucloud=try", "told panic=30", "told rd.shell=0", "told rd.emergency=reboot"]
    for left in ("1", "0"):
        assert disk.start() == ["default is 0", *told]
        assert disk.block() == with_variable(BLOCK, left)
    for _ in range(2):
        assert disk.start() == ["default is gpucloud-old"]
        assert disk.block() == with_variable(BLOCK, "0")


def test_grub_does_nothing_of_it_where_nothing_is_on_trial(tmp_path: Path) -> None:
    disk = disk_with(tmp_path, None)
    assert disk.start() == ["default is 0"]
    assert disk.block() == BLOCK


def disk_with(folder: Path, tries: str | None) -> Disk:
    plan = plan_for(build_family(folder / "host", "debian-12"))
    (change,) = (step.change for step in plan.steps if isinstance(step.change, KeepOldStart))
    disk = Disk(folder / "disk")
    disk.make(change.after.text, with_variable(BLOCK, tries))
    return disk
