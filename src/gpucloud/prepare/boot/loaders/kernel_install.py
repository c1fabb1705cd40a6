"""Debian's family with systemd-boot: whoever makes an initramfs makes the boot entries anew, too.

update-initramfs runs /etc/initramfs/post-update.d/systemd-boot of Debian's package, and that
``kernel-install add``: it writes the kernel's entry with what /etc/kernel/cmdline says, or, where that is not
there, with what the running kernel was told (90-loaderentry.install). So the arguments are kept in that file
alone, and an entry is never edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpucloud.inventory.system.kernel import parse_arguments
from gpucloud.model.boot import BootFiles
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.arguments import Argument
from gpucloud.prepare.boot.loaders.bls import BootEntries
from gpucloud.prepare.boot.loaders.loader import Texts, add_to_cmdline, cmdline_lines, in_all, kernel_words
from gpucloud.prepare.boot.own.initramfs import INITRAMFS_TOOLS
from gpucloud.prepare.boot.paths import KERNEL_CMDLINE

_ENTRIES = BootEntries(has_grub=False)
_KERNEL = "vmlinuz-"
_MACHINE = "systemd.machine_id="
"""kernel-install adds it to entries that are named after the machine's id."""


@dataclass(frozen=True, slots=True)
class KernelInstall:
    """``/etc/kernel/cmdline``, then every entry made anew."""

    tools: tuple[tuple[str, ...], ...] = (INITRAMFS_TOOLS.command,)
    name: str = "`/etc/kernel/cmdline`, of which kernel-install makes the entries"
    own: tuple[str, ...] = ()

    def arguments(self, files: BootFiles) -> tuple[Argument, ...] | Unknown:
        """What the file says; of a capture, which lacks it, what the entries say."""
        entries, line = _ENTRIES.arguments(files), files.text(KERNEL_CMDLINE)
        if isinstance(entries, Unknown) or isinstance(line, Unknown):
            return entries
        if line is None:
            return Unknown(
                f"{KERNEL_CMDLINE} is not there, so entries are made of what the running kernel was told: "
                "write into it what the entries say"
            )
        readings = [kernel_words(text) for text in _readings(files, line)]
        if any(word not in words for words in readings for word in kernel_words(cmdline_lines(line))):
            return Unknown(
                f"a comment in {KERNEL_CMDLINE} has --, behind which kernel-install before systemd 257 gives "
                "all to init: take it out of there"
            )
        return in_all([tuple(Argument(word, KERNEL_CMDLINE) for word in words) for words in readings])

    def edited(self, files: BootFiles) -> tuple[str, ...]:
        """Entries of kernels here that say something else than the file: they would not come back so.

        Those that kernel-install does not make, of another system or by hand, stay as they are.
        """
        line = files.text(KERNEL_CMDLINE)
        if not isinstance(line, str):
            return ()
        wanted = [_own_words(parse_arguments(text)) for text in (line, cmdline_lines(line))]
        releases = _releases(files)
        return tuple(
            path
            for path, words in _ENTRIES.by_entry(files).items()
            if _is_of(releases, path) and _own_words(words) not in wanted
        )

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        line = files.text(KERNEL_CMDLINE)
        return {KERNEL_CMDLINE: add_to_cmdline(line, words)} if isinstance(line, str) and words else {}


def _readings(files: BootFiles, line: str) -> tuple[str, ...]:
    """The file as this host's kernel-install reads it: entries show whether its comments are arguments."""
    made = [_own_words(words) for words in _ENTRIES.by_entry(files).values()]
    readings = (cmdline_lines(line), line)
    return tuple(text for text in readings if _own_words(parse_arguments(text)) in made) or readings


def _releases(files: BootFiles) -> tuple[str, ...] | Unknown:
    """The kernels that are installed."""
    names = files.folders.get("/boot", Unknown("/boot was not read"))
    if isinstance(names, Unknown):
        return names
    return tuple(name.removeprefix(_KERNEL) for name in names or () if name.startswith(_KERNEL))


def _is_of(releases: tuple[str, ...] | Unknown, path: str) -> bool:
    """Whether kernel-install makes the entry: TOKEN-RELEASE.conf, or TOKEN-RELEASE+TRIES.conf.

    Where the kernels are not known, any entry may be one.
    """
    stem = path.rpartition("/")[2].removesuffix(".conf").partition("+")[0]
    return isinstance(releases, Unknown) or any(stem.endswith(f"-{release}") for release in releases)


def _own_words(words: Sequence[str]) -> list[str]:
    return [word for word in words if not word.startswith(_MACHINE)]
