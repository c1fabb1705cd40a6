"""Where a tree that acts as the kernel has its devices and attributes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass
class FakeTree:
    """A tree of files with the kernel's paths."""

    root: Path

    def _device(self, bus: str, name: str) -> Path:
        return self._at(f"/sys/bus/{bus}/devices/{name}")

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def _link(self, link: Path, target: Path) -> None:
        link.symlink_to(os.path.relpath(target, link.parent.resolve()))
