"""What shows the boot console: framebuffers' memory, and the drivers of the text consoles."""

from __future__ import annotations

import re

from gpucloud.inventory.reader import Reader, needed
from gpucloud.model.host import Framebuffer, TextConsole
from gpucloud.model.unknown import Unknown

_FRAMEBUFFERS = "bootfb efifb vesafb vga16fb simplefb simple-framebuffer simpledrm efidrm vesadrm ofdrm offb"
"""Names under which drivers/firmware/sysfb_simplefb.c, drivers/video/fbdev and drivers/gpu/drm/sysfb ask."""
_NAMES = frozenset(_FRAMEBUFFERS.split())
_LINE = re.compile(r"\s*([0-9a-f]{1,16})-([0-9a-f]{1,16}) : (.+)", re.ASCII)


def read_framebuffers(reader: Reader) -> tuple[Framebuffer, ...] | Unknown:
    """Read which memory the boot console holds, and under which name."""
    text = needed(reader.read_text("/proc/iomem"), "/proc/iomem")
    return text if isinstance(text, Unknown) else parse_framebuffers(text)


def parse_framebuffers(text: str) -> tuple[Framebuffer, ...] | Unknown:
    """Take the framebuffers out of the nested list; one inside another is given as well.

    Users other than root see every address as zero (kernel/resource.c, ``r_show``).
    """
    lines = [match for match in map(_LINE.fullmatch, text.splitlines()) if match]
    if lines and not any(int(line[2], 16) for line in lines):
        return Unknown("/proc/iomem shows addresses only to root")
    return tuple(
        Framebuffer(line[3], int(line[1], 16), int(line[2], 16)) for line in lines if _is_framebuffer(line[3])
    )


def _is_framebuffer(name: str) -> bool:
    return name.partition(".")[0].lower() in _NAMES


def read_consoles(reader: Reader) -> tuple[TextConsole, ...] | Unknown:
    """Read which drivers show text consoles; a kernel without virtual terminals has none."""
    folder = "/sys/class/vtconsole"
    names = reader.list_dir(folder)
    if not isinstance(names, tuple):
        return () if names is None else names
    consoles = []
    for name in names:
        text = reader.read_text(f"{folder}/{name}/name")
        bound = reader.read_text(f"{folder}/{name}/bind")
        for fact in (text, bound):
            if isinstance(fact, Unknown):
                return fact  # half an answer would be no guard of the last console
        if isinstance(text, str) and isinstance(bound, str):
            consoles.append(TextConsole(name, _described(text.strip()), bound.strip() == "1"))
    return tuple(consoles)


def _described(text: str) -> str:
    """Drop what stands before a description: whether the driver is a module (vt.c, ``show_name``)."""
    return text[4:] if text.startswith(("(S) ", "(M) ")) else text
