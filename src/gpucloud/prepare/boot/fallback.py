"""The way in which a host starts now, kept as a boot entry that GRUB takes when the new one does not come up.

The running kernel is what is known to start: its image, the arguments it was given and a copy of its
initramfs make the entry. It stands in ``custom.cfg``, which GRUB reads at every start (grub.d/41_custom) and
which no tool has to write. The count of tries stands in GRUB's environment block, and GRUB itself takes it
down before it starts a kernel, as Fedora's ``08_fallback_counting`` does with ``boot_counter``: so a start
that hangs before any of this host's programs runs is counted, too. Where GRUB cannot write the block
(``boot.medium``) a start that hangs is tried again and again, and the plan says so.

While a start is tried the kernel is told to restart on a panic, and so are the initramfs's own emergencies
(``panic=`` for the kernel and initramfs-tools(7), ``rd.shell=0 rd.emergency=reboot`` in dracut.cmdline(7)),
where the menu's entries pass ``$gpucloud_trial`` on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gpucloud.inventory.system.kernel import before_init
from gpucloud.model.boot import BootFiles
from gpucloud.model.change import Content, FileState, KeepOldStart
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.own.paths import HEADER
from gpucloud.prepare.boot.paths import GRUB_CUSTOM, GRUB_SCRIPTS
from gpucloud.prepare.steps.fallback.environment import VARIABLE, read_variable

OLD = "gpucloud=old"
"""What the kernel of the old entry is told, so that the next look knows which entry was started."""
TRIES = 2
TRIAL = ("gpucloud=try", "panic=30", "rd.shell=0", "rd.emergency=reboot")
TRIAL_VARIABLE = "gpucloud_trial"
_BEGIN, _END = "# BEGIN gpucloud\n", "# END gpucloud\n"
_BLOCK = re.compile(rf"^{_BEGIN}.*?^{_END}", re.MULTILINE | re.DOTALL)
_IMAGE = "BOOT_IMAGE="
_INITRAMFS = ("initrd.img-{}", "initramfs-{}.img", "initrd-{}")
"""Debian's family; Red Hat's; SUSE's."""


@dataclass(frozen=True, slots=True)
class _Running:
    """The running kernel as GRUB has started it."""

    release: str
    image: str
    """Path of its image, as GRUB knows it."""
    arguments: tuple[str, ...]
    initramfs: str
    """Path on the host."""


def keep_old_start(host: Host, files: BootFiles, folder: str | None) -> KeepOldStart | None | Unknown:
    """The change that keeps the old start; Unknown, with the reason, where this boot loader cannot.

    None: it is kept already, since an earlier change that no start has shown to be right yet.

    Args:
        host: the host, running as it is known to start.
        files: its boot files.
        folder: where GRUB has its own files; None: it is another boot loader.
    """
    if folder is None:
        return Unknown("this boot loader is not taught to take another entry by itself")
    if why := _lacking(files, folder):
        return Unknown(why)
    if read_variable(_text(files, folder)) is not None:
        return None
    running, config = _running(host, files), f"{folder}/{GRUB_CUSTOM}"
    before = files.state(config)
    if isinstance(running, Unknown):
        return running
    if isinstance(before, Unknown):
        return before
    digest = hashlib.sha256(" ".join((running.release, *running.arguments)).encode()).hexdigest()
    copy = f"gpucloud-old-{digest[:8]}.img"
    block = _render(running, f"{running.image.rpartition('/')[0]}/{copy}")
    return KeepOldStart(
        initramfs=running.initramfs,
        copy=f"/boot/{copy}",
        config=config,
        before=before,
        after=_with_block(before, block),
        environment=f"{folder}/grubenv",
    )


def tries_left(files: BootFiles, folder: str | None) -> int | None:
    """How many times GRUB takes an earlier change's new start yet; None: no change is on trial."""
    said = None if folder is None else read_variable(_text(files, folder))
    return int(said) if said is not None and said.isascii() and said.isdigit() else None


def risk_of_trying(files: BootFiles, folder: str) -> str:
    """What could go wrong with counting in GRUB's folder, in words; empty: nothing known."""
    why = files.unwritable.get(folder, Unknown(f"what {folder} lies on was not read"))
    if why is None:
        return ""
    if isinstance(why, Unknown):
        return f"whether GRUB can count the tries in {folder}/grubenv is not known: {why.why}"
    return (
        f"{folder} is on {why}, where GRUB cannot write (its manual: The GRUB environment block): tries are "
        "not counted, and a start that hangs is tried again until somebody takes the old entry in GRUB's menu"
    )


def risk_without(why: Unknown, files: BootFiles, folder: str | None) -> str:
    """What could go wrong where the old start is not kept, in words.

    Args:
        why: why it is not.
        files: its boot files; in a capture's GRUB's scripts are unknown: the host itself may keep it.
        folder: where GRUB has its own files; None: it is another boot loader.
    """
    risk = f"a start that hangs before systemd runs may need a hand at the boot menu: {why.why}"
    if folder is None or not isinstance(files.folders.get(GRUB_SCRIPTS), Unknown):
        return risk
    return "; ".join(filter(None, (risk, risk_of_trying(files, folder))))


def has_entry(state: FileState) -> bool:
    """Claims that GRUB's drop-in file has an entry of this module's."""
    return _BLOCK.search(state.text) is not None


def without_entry(state: FileState) -> str | None:
    """GRUB's drop-in file without that entry; None: nothing else was in it."""
    return _BLOCK.sub("", state.text) or None


def _with_block(before: FileState | None, block: str) -> FileState:
    if before is None:
        return FileState(Content(block))
    text = _BLOCK.sub("", before.text)
    gap = "" if not text or text.endswith("\n") else "\n"
    return replace(before, text=Content(f"{text}{gap}{block}"))


def _lacking(files: BootFiles, folder: str) -> str | None:
    """What GRUB needs and this host does not show, in words."""
    wanted = ((GRUB_SCRIPTS, "41_custom"), (folder, "grub.cfg"), (folder, "grubenv"))
    for place, name in wanted:
        names = files.folders.get(place, Unknown(f"{place} was not read"))
        if isinstance(names, Unknown):
            return names.why
        if name not in (names or ()):
            return f"there is no {place}/{name}"
    text = files.text(f"{folder}/grubenv")
    return text.why if isinstance(text, Unknown) else None


def _text(files: BootFiles, folder: str) -> str:
    text = files.text(f"{folder}/grubenv")
    return text if isinstance(text, str) else ""


def _running(host: Host, files: BootFiles) -> _Running | Unknown:
    release, arguments = host.kernel.release, host.kernel.arguments
    if isinstance(release, Unknown):
        return release
    if isinstance(arguments, Unknown):
        return arguments
    images = [word.removeprefix(_IMAGE) for word in arguments if word.startswith(_IMAGE)]
    names = files.folders.get("/boot") or ()
    if isinstance(names, Unknown):
        return names
    found = [name for pattern in _INITRAMFS if (name := pattern.format(release)) in names]
    image = images[0].rpartition(")")[2] if images else ""
    if image.rpartition("/")[2] not in names or not found:
        return Unknown("the running kernel is not one that GRUB has started from /boot with an initramfs")
    given = tuple(_given(arguments))
    if any("'" in word or not word.isprintable() for word in (image, *given)):
        return Unknown("an argument of the running kernel cannot be said to GRUB again")
    return _Running(release, image, given, f"/boot/{found[0]}")


def _given(arguments: Sequence[str]) -> Iterator[str]:
    """What the kernel was told, but for what GRUB and this module add to it."""
    text = "\n".join(word for word in arguments if not word.startswith(_IMAGE) and word != OLD)
    text = re.sub(rf"^{re.escape(chr(10).join(TRIAL))}$", "", text, flags=re.MULTILINE)
    return (word.replace('"', "") for word in text.split("\n") if word)


def _render(running: _Running, initramfs: str) -> str:
    told = before_init(running.arguments)
    given = (running.image, *told, OLD, *running.arguments[len(told) :])
    words = " ".join(f"'{word}'" for word in given)
    return (
        f"{_BEGIN}{HEADER}"
        "# It acts only while a change of how this host starts is on trial, and shows nothing else.\n"
        f'if [ -n "${{{VARIABLE}}}" ]; then\n'
        f"  menuentry 'Linux {running.release}, as it started before the change' --id gpucloud-old"
        " --unrestricted {\n"
        "    insmod all_video\n"
        "    insmod gzio\n"
        f"    search --no-floppy --file --set=root '{initramfs}'\n"
        f"    linux {words}\n"
        f"    initrd '{initramfs}'\n"
        "  }\n"
        f"{_choose()}"
        f"fi\n{_END}"
    )


def _choose() -> str:
    """GRUB's script that counts down before it starts the new kernel, and takes the old entry at 0."""
    lines = [f'  if [ "${{{VARIABLE}}}" = 0 ]; then', "    set default=gpucloud-old", "  else"]
    lines += [f"    set {TRIAL_VARIABLE}='{' '.join(TRIAL)}'", f"    export {TRIAL_VARIABLE}"]
    for left in range(TRIES, 0, -1):
        word = "if" if left == TRIES else "elif"
        lines += [f'    {word} [ "${{{VARIABLE}}}" = {left} ]; then', f"      set {VARIABLE}={left - 1}"]
    return "\n".join([*lines, "    fi", f"    save_env {VARIABLE}", "  fi", ""])
