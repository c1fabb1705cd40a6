"""Every file looked through by what kind of file it is: what was set up by hand, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import NamedTuple

from gpucloud.inventory.system import by_hand
from gpucloud.inventory.system.boot import GRUB, OWN, split_setting
from gpucloud.model.change import FileState
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.adopt import modules, programs
from gpucloud.prepare.adopt.arguments import argument, holds_arguments, settings_in_arguments
from gpucloud.prepare.adopt.read import FilesByHand
from gpucloud.prepare.adopt.setting import RUNNING, Setting, Whole, Word
from gpucloud.prepare.adopt.statement import Scripts

_BY_FOLDER: tuple[tuple[str, modules.Recognise], ...] = (
    ("/etc/modprobe.d/*", modules.settings_in_modprobe),
    ("/etc/modules-load.d/*", modules.settings_in_list),
    ("/etc/modules", modules.settings_in_list),
    ("/etc/module", modules.settings_in_list),
    ("/etc/initramfs-tools/modules", modules.settings_in_list),
    ("/etc/dracut.conf", modules.settings_in_dracut),
    ("/etc/dracut.conf.d/*", modules.settings_in_dracut),
    ("/etc/mkinitcpio.conf", modules.settings_in_mkinitcpio),
    *((path, programs.settings_in_rc_local) for path in by_hand.RC_LOCAL),
    (f"{by_hand.UDEV_RULES}/*", programs.settings_in_rules),
    *((f"{folder}/{name}", programs.settings_in_script) for folder, name in by_hand.IN_INITRAMFS),
)
_NOWHERE = "the running kernel was told so, and none of the files that are known here says it"


class Recognised(NamedTuple):
    """What was set up by hand."""

    settings: tuple[Setting, ...]
    """In the order of their files and lines; of scripts those that something runs."""
    scripts: tuple[str, ...]
    """Scripts that are understood, whether something runs them or not."""


def recognise(host: Host, found: FilesByHand) -> Recognised:
    """Look through all files."""
    texts = {
        path: state.text
        for path, state in found.files.files.items()
        if isinstance(state, FileState) and path not in OWN
    }
    scripts, odd = programs.scripts_in({path: text for path, text in texts.items() if _is_script(path)})
    settings = [each for path in sorted(texts) for each in _in_file(path, texts[path], scripts, found)]
    settings = [_kept_if_named(each, found.named) for each in settings]
    return Recognised(
        (*settings, *_typed(host, settings), *_odd(odd)), tuple(path for path in scripts if path in texts)
    )


def _in_file(path: str, text: str, scripts: Scripts, found: FilesByHand) -> Iterator[Setting]:
    if holds_arguments(path):
        yield from settings_in_arguments(path, text)
    elif path in by_hand.MISNAMED and path.startswith("/etc/default/"):
        yield from _misnamed(path, text)
    elif path.startswith(f"{by_hand.DRIVERCTL}/"):
        yield from programs.settings_of_driverctl(path, text)
    elif path.startswith(f"{by_hand.UNITS}/"):
        yield from programs.settings_in_unit(path, text, scripts, found.links)
    else:
        for pattern, settings_in in _BY_FOLDER:
            if fnmatchcase(path, pattern):
                yield from settings_in(path, text, scripts)
                return


def _misnamed(path: str, text: str) -> Iterator[Setting]:
    """A file beside the one that was meant: it goes whole where it says nothing but arguments."""
    asks = tuple(ask for each in settings_in_arguments(GRUB, text) for ask in each.asks)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    does = "does nothing: this file is not /etc/default/grub"
    is_plain = bool(lines) and all(split_setting(line) for line in lines)
    stays = None if is_plain else programs.NOT_UNDERSTOOD
    cut = Whole() if is_plain else None
    yield Setting(path, None, path.rpartition("/")[2], does, cut, asks, is_effective=False, stays=stays)


def _is_script(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    is_there = any(folder == place and fnmatchcase(name, pattern) for place, pattern in by_hand.SCRIPTS)
    return is_there or path in by_hand.SCRIPT_FILES


def _kept_if_named(setting: Setting, named: Mapping[str, frozenset[str]]) -> Setting:
    """A unit that another file names stays: that one would miss it."""
    if not setting.path.startswith(f"{by_hand.UNITS}/") or setting.stays is not None:
        return setting
    others = sorted(named.get(setting.path.rpartition("/")[2], frozenset()) - {setting.path})
    return replace(setting, cut=None, stays=f"{others[0]} names it") if others else setting


def _typed(host: Host, settings: list[Setting]) -> Iterator[Setting]:
    """Arguments of the running kernel that no file says: built into an image, or typed at the boot menu."""
    words = {setting.text for setting in settings if isinstance(setting.cut, Word)}
    running = host.kernel.arguments
    for word in () if isinstance(running, Unknown) else running:
        for setting in argument(RUNNING, None, word):
            if word not in words and setting.stays is None and setting.asks:
                yield replace(setting, cut=None, stays=_NOWHERE)


def _odd(paths: tuple[str, ...]) -> Iterator[Setting]:
    for path in paths:
        name = path.rpartition("/")[2]
        yield Setting(path, None, name, "is a script about VFIO", stays=programs.NOT_UNDERSTOOD)
