"""Kernel arguments that set a host up by hand, wherever a boot loader keeps them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from gpucloud.inventory.system.boot import (
    ENTRIES,
    GRUB,
    GRUB_DROP_INS,
    GRUB_ENVIRONMENT,
    KERNEL_CMDLINE,
    split_setting,
)
from gpucloud.prepare.adopt.setting import VFIO_MODULES, Setting, Word, asks_of_ids, plain
from gpucloud.prepare.boot.paths import KERNELSTUB

_WORD = re.compile(r"[^\s\"']+")
_KEPT_AWAY = re.compile(
    r"(?:module_blacklist|modprobe\.blacklist|rd\.driver\.blacklist)=.*|nouveau\.modeset=0"
)
_RESCUE = "the entry of the rescue system is never touched"
STAYS_AWAY = "it gives no card to guests: what it keeps away stays away, and gpucloud does not say it again"


def holds_arguments(path: str) -> bool:
    """Claims a file that says which arguments the kernel gets."""
    folder, _, name = path.rpartition("/")
    if folder in ENTRIES:
        return name.endswith(".conf")
    return path in (GRUB, KERNEL_CMDLINE, GRUB_ENVIRONMENT, KERNELSTUB) or folder == GRUB_DROP_INS


def settings_in_arguments(path: str, text: str) -> Iterator[Setting]:
    """Arguments of one file; those of the rescue system stay, as one way to start is never touched."""
    is_rescue = path.rpartition("/")[0] in ENTRIES and "rescue" in path.rpartition("/")[2]
    for number, words in _words(path, text):
        for word in words:
            for setting in argument(path, number, word):
                yield replace(setting, cut=None, asks=(), stays=_RESCUE) if is_rescue else setting


def argument(path: str, line: int | None, word: str) -> Iterator[Setting]:
    """What one argument sets up; nothing for any other."""
    name, _, value = word.partition("=")
    at = line or 0
    match plain(name):
        case "vfio_pci.ids" | "pci_stub.ids":
            driver = name.partition(".")[0]
            cut = Word(at, at, word, f"{name}=")
            does = f"gives every card with these ids to {driver}, equal ones that the host keeps, too"
            yield Setting(path, line, word, does, cut, tuple(asks_of_ids(value)))
        case "rd.driver.pre" if {plain(each) for each in value.split(",")} <= VFIO_MODULES:
            yield Setting(path, line, word, "loads VFIO before other drivers", Word(at, at, word))
        case _ if _KEPT_AWAY.fullmatch(word):
            yield Setting(path, line, word, "keeps a driver away", stays=STAYS_AWAY)


def _words(path: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """The arguments on each line of a file, with its number; a line that ends in a backslash goes on."""
    goes_on = path in (KERNEL_CMDLINE, KERNELSTUB)
    for number, line in enumerate(text.splitlines(), 1):
        setting = split_setting(line)
        if goes_on or setting is not None:
            said = setting[1] if setting is not None else line.strip().rstrip(",")
            yield number, _WORD.findall(said.partition(" #")[0])
            goes_on = line.endswith("\\") or path in (KERNEL_CMDLINE, KERNELSTUB)


def without_options(text: str, swaps: dict[str, str]) -> str:
    """Kernelstub's configuration with other options in the user's list, as kernelstub writes it.

    Raises:
        ValueError: it is not as kernelstub writes it.
    """
    settings = json.loads(text)
    try:
        options = settings["user"]["kernel_options"]
        settings["user"]["kernel_options"] = [
            word for word in (swaps.get(each, each) for each in options) if word
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{KERNELSTUB} is not as kernelstub writes it") from error
    return json.dumps(settings, indent=2)
