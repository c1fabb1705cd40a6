"""What one shell command does to PCI devices, as far as it is one of the few that set a host up by hand.

Source of the files: Documentation/ABI/testing/sysfs-bus-pci (bind, unbind, new_id, driver_override,
sriov_numvfs) and Documentation/PCI/pci-iov-howto.rst. A command is understood whole, or not at all.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from gpucloud.model.pci import PciAddress, PciId
from gpucloud.model.spec import Use
from gpucloud.prepare.adopt.setting import STUBS, VFIO_MODULES, Ask, ask_of_id, plain

Values = Mapping[str, tuple[str, ...]]
"""Variables, each with the words it can stand for."""

_DEVICE = re.compile(r"/sys/bus/pci/devices/([^/]+)/(driver_override|driver/unbind|sriov_numvfs)")
_DRIVER = re.compile(r"/sys/bus/pci/drivers/([\w-]+)/(bind|unbind|new_id|remove_id)")
_PROBE = "/sys/bus/pci/drivers_probe"
_NEW_ID = re.compile(r"([0-9a-fA-F]{4})[ :]([0-9a-fA-F]{4})", re.ASCII)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_ENDS = (";", "&&", "||", "&")
_IDLE = frozenset(("sleep", "true", ":", "exit", "set", "logger"))
"""Commands that do nothing to a device by themselves."""
_MOST, _VARIABLES = 64, 2
"""Words that one variable may stand for, and variables in one command: a host has fewer cards."""


def commands_of(line: str) -> list[list[str]] | None:
    """The commands of one line as words and operators, comments left out; None: it is no whole line."""
    try:
        reader = shlex.shlex(line, posix=True, punctuation_chars=";&|<>")
        reader.whitespace_split = True
        words = list(reader)
    except ValueError:  # a quote without its end
        return None
    found: list[list[str]] = [[]]
    for word in words:
        if word in _ENDS:
            found.append([])
        else:
            found[-1].append(word)
    return [command for command in found if command]


Scripts = Mapping[str, tuple[Ask, ...]]
"""Scripts that are understood whole, by their paths, with what they ask for."""


def asks_of(command: Sequence[str], values: Values, scripts: Scripts) -> list[Ask] | None:
    """What a command asks for; empty: nothing of any device; None: it is not understood."""
    words = [word for word in command if word not in ("2>/dev/null", "sudo")]
    if any("$(" in word or "`" in word for word in words):
        return None
    expanded = list(_expanded(_without_errors(words), values))
    if not expanded:
        return None
    found: list[Ask] = []
    for each in expanded:
        asks = _asks(each, scripts)
        if asks is None:
            return None
        found += asks
    return list(dict.fromkeys(found))


def _without_errors(words: Sequence[str]) -> list[str]:
    """Without ``2> /dev/null`` at the end, in the words that shlex makes of it."""
    for tail in (["2", ">", "/dev/null"], [">", "/dev/null", "2", ">&", "1"], [">", "/dev/null"]):
        if list(words[-len(tail) :]) == tail:
            return list(words[: -len(tail)])
    return list(words)


def _expanded(words: Sequence[str], values: Values) -> Iterator[list[str]]:
    """The command once for each word that its variables stand for; not at all where one is not known."""
    names = {match[1] or match[2] for word in words for match in _VARIABLE.finditer(word)}
    if not names:
        yield list(words)
        return
    if len(names) > _VARIABLES:
        return
    name = min(names)
    pattern = re.compile(rf"\$(?:\{{{name}\}}|{name}\b)")
    for value in values.get(name, ())[:_MOST]:
        yield from _expanded([pattern.sub(value, word) for word in words], values)


def _asks(words: Sequence[str], scripts: Scripts) -> list[Ask] | None:
    if not words:
        return []
    name = words[0].rpartition("/")[2]
    if words[0] in scripts:
        return list(scripts[words[0]])
    if name in ("sh", "bash", "dash") and len(words) == 2 and words[1] in scripts:
        return list(scripts[words[1]])
    if (name in _IDLE or (name, *words[1:2]) == ("udevadm", "settle")) and ">" not in words:
        return []
    if name == "modprobe":
        modules = [plain(word) for word in words[1:] if not word.startswith("-")]
        return [] if modules and set(modules) <= VFIO_MODULES | STUBS else None
    if name == "driverctl":
        return _driverctl(words[1:])
    if name in ("echo", "printf"):
        return _written(words[1:])
    return None


def _driverctl(words: Sequence[str]) -> list[Ask] | None:
    match [word for word in words if not word.startswith("-")]:
        case ["set-override", address, driver] if plain(driver) in STUBS:
            return _on(address, Use.PASSTHROUGH)
    return None


def _written(words: Sequence[str]) -> list[Ask] | None:
    """What ``echo VALUE > FILE`` and ``echo VALUE | tee FILE`` ask for."""
    for sign in (">", ">>", "|"):
        if words.count(sign) == 1:
            at = words.index(sign)
            value = " ".join(word for word in words[:at] if word not in ("-n", "-e", "%s"))
            target = [word for word in words[at + 1 :] if word not in ("tee", "sudo", "-a")]
            return _write(value.removesuffix("\\n").strip(), target[0]) if len(target) == 1 else None
    return None


def _write(value: str, target: str) -> list[Ask] | None:
    if match := _DEVICE.fullmatch(target):
        return _write_device(match[1], match[2], value)
    if match := _DRIVER.fullmatch(target):
        return _write_driver(match[1], match[2], value)
    return _on(value, None) if target == _PROBE else None


def _write_device(address: str, attribute: str, value: str) -> list[Ask] | None:
    if attribute == "driver/unbind":
        return _on(address, None) if value == address else None
    if attribute == "driver_override":
        return _on(address, Use.PASSTHROUGH) if plain(value) in STUBS else None
    if not re.fullmatch("[0-9]{1,3}", value, re.ASCII):
        return None
    return _on(address, Use.SRIOV if int(value) else None, vfs=int(value) or None)


def _write_driver(driver: str, attribute: str, value: str) -> list[Ask] | None:
    is_stub = plain(driver) in STUBS
    if attribute == "unbind" or (attribute == "bind" and is_stub):
        return _on(value, Use.PASSTHROUGH if attribute == "bind" else None)
    match = _NEW_ID.fullmatch(value)
    if match is None or not is_stub:
        return None
    use = Use.PASSTHROUGH if attribute == "new_id" else None
    return [ask_of_id(use, PciId(int(match[1], 16), int(match[2], 16)))]


def _on(address: str, use: Use | None, vfs: int | None = None) -> list[Ask] | None:
    try:
        place = PciAddress.parse(address)
    except ValueError:
        return None
    return [Ask(use, str(place), address=place, vfs=vfs)]
