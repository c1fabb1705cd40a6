"""Text consoles and framebuffers, imitated from Linux 6.1."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.prepare.fake_tree import FakeTree


@dataclass
class FakeConsoles(FakeTree):
    """drivers/tty/vt/vt.c, drivers/video/fbdev/core/fbmem.c and fbcon.c."""

    def store_bind(self, console: str, text: str) -> None:
        if (self._at(f"/sys/class/vtconsole/{console}/name")).read_text().startswith("(M)"):
            self._give_consoles_to(console if text.strip() == "1" else "vtcon0")

    def register_framebuffer(self, device: Path) -> None:
        folder = self._at("/sys/class/graphics")
        number = next(n for n in range(32) if not (folder / f"fb{n}").exists())
        (folder / f"fb{number}").mkdir(parents=True)
        (device / f"graphics/fb{number}").mkdir(parents=True)
        if not self._at("/sys/class/vtconsole/vtcon1").exists():
            self._console("vtcon1", "(M) frame buffer device")
            self._give_consoles_to("vtcon1")

    def unregister_framebuffer(self, device: Path) -> None:
        for framebuffer in (device / "graphics").iterdir():
            self._at(f"/sys/class/graphics/{framebuffer.name}").rmdir()
        shutil.rmtree(device / "graphics")
        self._give_consoles_to("vtcon0")
        if not any(self._at("/sys/class/graphics").iterdir()):
            shutil.rmtree(self._at("/sys/class/vtconsole/vtcon1"))

    def _console(self, name: str, text: str) -> None:
        folder = self._at(f"/sys/class/vtconsole/{name}")
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{text}\n")
        (folder / "bind").write_text("0\n")

    def _give_consoles_to(self, name: str) -> None:
        for folder in self._at("/sys/class/vtconsole").iterdir():
            (folder / "bind").write_text("1\n" if folder.name == name else "0\n")
