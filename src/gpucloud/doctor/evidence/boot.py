"""Kernel arguments and module configuration in pasted text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from gpucloud.doctor.evidence.text import Line
from gpucloud.model.finding import Evidence
from gpucloud.model.host import ModuleDirective

_LOGGED = re.compile(r"(?:Kernel )?[Cc]ommand line:\s*(?P<words>.+)")
_GRUB = re.compile(r"^\s*+(?:[\w/.:-]*:\s*+)?(?:export\s++)?GRUB_CMDLINE_LINUX\w*\s*[+]?=\s*(?P<words>.+)")
_ARGUMENTS = re.compile(
    r"(?:^|\s)(?:BOOT_IMAGE=|intel_iommu=|amd_iommu=|iommu=|root=|vfio[-_]pci\.ids=|pcie_acs_override=|rd\.driver)"
)
_WORD = re.compile(r"[\w.,:+/@()\"'%-]+(?:=\S*)?$")
_DIRECTIVE = re.compile(
    r"^\s*+(?:[^\s:]*/modprobe\.d/[^\s:]{1,200}+:(?:\d+:)?\s*+)?"
    r"(?P<text>(?:options|blacklist|softdep|install|remove)\s+[\w-]+.*)$"
)
_QUOTING = "`> \t"
"""What people put around a line that they quote, in Markdown and in mails."""
MOST_DIRECTIVES = 1000
"""Directives that are kept, and words of the kernel command line."""
_CMDLINE_KEYS = ("cmdline", "kernel_args", "boot_args", "kernel_arguments")
_ENTRY = re.compile(
    r"^\s*+(?:options|linux\s++\S++|args=)\s*+[\"']?(?P<words>(?:(?!root=)\S++\s++)*+root=.+)"
)
"""The line of a boot entry that holds the arguments. Source: systemd-boot(7), grubby(8), grub.cfg."""
_WRITTEN_IN = "/etc/kernel/cmdline"
"""Arguments for the next boot entry. Source: kernel-install(8), proxmox-boot-tool."""


@dataclass
class BootSettings:
    """Arguments of the running kernel, arguments written for the next boot, module configuration."""

    running: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    directives: list[ModuleDirective] = field(default_factory=list)
    shown: dict[str, Evidence] = field(default_factory=dict)
    written_at: Evidence | None = None
    is_running_known: bool = False
    has_more: bool = False
    """There was more than is kept."""
    _is_open: bool = False
    """The value of the line before was not ended: its quotation mark comes on a later line."""
    _is_for_next_boot: bool = False
    """The line before named the file that the next boot entry is made of."""

    def read(self, line: Line) -> None:
        """Take one line; lines that hold neither change nothing."""
        text = line.text.strip(_QUOTING)
        written = _GRUB.match(text) or _ENTRY.match(text)
        if written is not None:
            self._write(line, written["words"])
            self._is_open = written["words"].count('"') == 1
            return
        if self._is_open:
            self._is_open = False
            if '"' in text and "=" not in text.partition('"')[2]:
                self._write(line, text)
                return
        directive = _DIRECTIVE.match(text)
        if directive is not None:
            if len(self.directives) < MOST_DIRECTIVES:
                self.directives.append(ModuleDirective(line.key, line.number, directive["text"].strip()))
            else:
                self.has_more = True
            return
        logged = _LOGGED.search(text)
        words = logged["words"] if logged is not None else text
        if logged is None and _WRITTEN_IN in text:
            self._is_for_next_boot = True
        elif logged is not None or self._is_command_line(line):
            if self._is_for_next_boot or _holds_next_command_line(line.key):
                self._write(line, words)
            else:
                self._run(line, words)
            self._is_for_next_boot = False

    def _is_command_line(self, line: Line) -> bool:
        if not _ARGUMENTS.search(line.text):
            return _holds_command_line(line.key) and bool(line.text.strip())
        words = line.text.split()
        return sum(1 for word in words if _WORD.match(word)) == len(words) and (
            len(words) < 3 or sum("=" in word for word in words) * 4 >= len(words)
        )

    def _run(self, line: Line, words: str) -> None:
        if self.is_running_known and not _holds_command_line(line.key):
            return
        self.is_running_known = True
        self._take(self.running, words.strip().strip("\"'"))
        self.shown.setdefault("/proc/cmdline", Evidence(line.key, line.text.strip()[:400], line.number))

    def _take(self, arguments: list[str], words: str) -> None:
        """Add arguments; their order counts, and so do repeats."""
        more = words.split()
        room = MOST_DIRECTIVES - len(arguments)
        self.has_more = self.has_more or len(more) > room
        arguments += more[:room]

    def _write(self, line: Line, words: str) -> None:
        self._take(self.written, words.split("#", 1)[0].strip().strip("\"'"))
        if self.written_at is None:
            self.written_at = Evidence(line.key, line.text.strip()[:400], line.number)


@lru_cache(maxsize=64)
def _holds_next_command_line(key: str) -> bool:
    return "etc" in key and "kernel" in key and "cmdline" in key


@lru_cache(maxsize=64)
def _holds_command_line(key: str) -> bool:
    return any(word in key for word in _CMDLINE_KEYS)
