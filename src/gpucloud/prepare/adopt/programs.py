"""What is run to set a host up by hand: rc.local, scripts, units of systemd, rules of udev, driverctl."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from gpucloud.model.pci import PciAddress
from gpucloud.model.spec import Use
from gpucloud.prepare.adopt.script import Chunk, Meaning, chunks_of, understood
from gpucloud.prepare.adopt.setting import STUBS, Ask, Lines, Setting, Whole, plain
from gpucloud.prepare.adopt.statement import Scripts

NOT_UNDERSTOOD = "not all of it is understood"
_MOST_SCRIPTS, _LONGEST_COMMAND = 64, 4096
_EXEC = re.compile(r"\s*(Exec\w+)=[-@:+!]*(.*)")
_SHELL = re.compile(r"(?:/usr)?(?:/bin/)?(?:sh|bash|env bash) -e?c (.*)")
_RULE = re.compile(r'\s*([A-Z]+(?:\{[\w/.]+\})?)\s*(\+?==?|!=|:=)\s*"([^"]*)"\s*')
_FILE_OF_DEVICE = re.compile(r"(?:pci-)?([0-9a-fA-F:]+\.[0-7])")
_MATCHES = ("ACTION", "SUBSYSTEM", "KERNEL", "ATTR{vendor}", "ATTR{device}", "ATTR{class}")


def settings_in_rc_local(path: str, text: str, scripts: Scripts) -> Iterator[Setting]:
    """Lines and blocks of rc.local."""
    for chunk in chunks_of(text, scripts):
        if chunk.meaning is Meaning.OURS:
            cut = Lines(chunk.first, chunk.last)
            yield Setting(path, chunk.first, chunk.text, _does(chunk), cut, chunk.asks, chunk.runs)
        elif chunk.meaning is Meaning.FOREIGN and _is_about_devices(chunk.text or text):
            does = "writes to PCI devices or their drivers"
            yield Setting(path, chunk.first, chunk.text, does, stays=NOT_UNDERSTOOD)


def _does(chunk: Chunk) -> str:
    return does_of(chunk.asks) if chunk.asks else "helps the lines that bind devices"


def does_of(asks: Sequence[Ask]) -> str:
    """What asks come to, in words."""
    if any(ask.use is Use.SRIOV for ask in asks):
        return "makes virtual functions at the start"
    if any(ask.use is Use.PASSTHROUGH for ask in asks):
        return "gives devices to vfio-pci or pci-stub at the start"
    return "takes devices from their drivers at the start" if asks else "loads VFIO at the start"


def _is_about_devices(text: str) -> bool:
    return re.search(r"/sys/bus/pci|driver_override|sriov_numvfs|vfio", text) is not None


def settings_in_script(path: str, text: str, scripts: Scripts) -> Iterator[Setting]:
    """A script of the initramfs, which is run because it lies there."""
    asks = understood(text, scripts)
    if asks is None:
        yield Setting(path, None, path.rpartition("/")[2], "is run at the start", stays=NOT_UNDERSTOOD)
        return
    runs = next((chunk.runs for chunk in chunks_of(text, scripts) if chunk.runs), None)
    does = does_of(asks) if asks else "puts VFIO into the initramfs"
    yield Setting(path, None, path.rpartition("/")[2], does, Whole(), asks, runs)


def settings_in_unit(
    path: str, text: str, scripts: Scripts, links: Sequence[tuple[str, str]]
) -> Iterator[Setting]:
    """A unit of systemd that does nothing else; a script in it is shown as the command that it is."""
    commands = [_command(match[2]) for line in text.splitlines() if (match := _EXEC.match(line))]
    whole = "\n".join(commands)
    name = path.rpartition("/")[2]
    asks = understood(whole, scripts) if "\\\n" not in text else None
    if asks is None:
        if _is_about_devices(whole):
            yield Setting(path, None, name, "is a unit that writes to PCI devices", stays=NOT_UNDERSTOOD)
        return
    runs = next((chunk.runs for chunk in chunks_of(whole, scripts) if chunk.runs), None)
    enabled = tuple(each for each in links if each[0].rpartition("/")[2] == name)
    if any(target != path for _, target in enabled):
        stays = f"{enabled[0][0]} leads to {enabled[0][1]}, not to it"
        yield Setting(path, None, name, does_of(asks), asks=asks, stays=stays)
        return
    yield Setting(path, None, name, f"is a unit: it {does_of(asks)}", Whole(enabled), asks, runs)


def _command(text: str) -> str:
    """The command of an ``Exec`` line; what a shell is given is the command."""
    match = _SHELL.fullmatch(text.strip()) if len(text) <= _LONGEST_COMMAND else None
    if match is None:
        return text.strip()
    try:
        words = shlex.split(match[1])
    except ValueError:
        return "("
    return words[0] if len(words) == 1 else "("


def settings_in_rules(path: str, text: str, scripts: Scripts) -> Iterator[Setting]:
    """Rules of udev that bind one device or make its virtual functions."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or not _is_about_devices(line):
            continue
        asks = None if line.endswith("\\") else _rule(line, scripts)
        if asks:
            yield Setting(path, number, line.strip(), does_of(asks), Lines(number, number), tuple(asks))
        else:
            yield Setting(path, number, line.strip(), "is a rule about devices", stays=NOT_UNDERSTOOD)


def _rule(line: str, scripts: Scripts) -> list[Ask] | None:
    """What a rule for one address does; None: not understood."""
    parts = [_RULE.fullmatch(part) for part in _at_commas(line)]
    known = [(match[1], match[2], match[3]) for match in parts if match is not None]
    addresses = [value for key, sign, value in known if (key, sign) == ("KERNEL", "==")]
    if len(known) != len(parts) or len(addresses) != 1:
        return None
    asks: list[Ask] = []
    for key, sign, value in known:
        found = [] if key in _MATCHES and sign == "==" else _assigned(key, value, addresses[0], scripts)
        if found is None:
            return None
        asks += found
    return asks


def _assigned(key: str, value: str, address: str, scripts: Scripts) -> list[Ask] | None:
    try:
        place = PciAddress.parse(address)
    except ValueError:
        return None
    if key == "ATTR{driver_override}" and plain(value) in STUBS:
        return [Ask(Use.PASSTHROUGH, address, place)]
    if key == "ATTR{sriov_numvfs}" and re.fullmatch("[1-9][0-9]{0,2}", value, re.ASCII):
        return [Ask(Use.SRIOV, address, place, vfs=int(value))]
    if key.partition("{")[0] == "RUN":
        asks = understood(_command(value.replace("$kernel", address).replace("%k", address)), scripts)
        return list(asks) if asks is not None else None
    return None


def _at_commas(line: str) -> list[str]:
    """The parts of a rule: commas inside quotes part nothing."""
    return [part for part in re.findall(r'(?:[^,"]|"[^"]*")+', line) if part.strip()]


def settings_of_driverctl(path: str, text: str) -> Iterator[Setting]:
    """One file of driverctl(8)."""
    match = _FILE_OF_DEVICE.fullmatch(path.rpartition("/")[2])
    driver = text.strip()
    if match is None or plain(driver) not in STUBS:
        return
    try:
        address = PciAddress.parse(match[1])
    except ValueError:
        return
    asks = (Ask(Use.PASSTHROUGH, str(address), address),)
    does = f"lets driverctl give {address.short} to {driver}"
    yield Setting(path, None, driver, does, Whole(), asks)


def short_of(path: str) -> str:
    """How programs below /usr are called where /sbin and /bin are links to the folders there."""
    return path.removeprefix("/usr") if path.startswith(("/usr/sbin/", "/usr/bin/")) else path


def scripts_in(texts: Mapping[str, str]) -> tuple[Scripts, tuple[str, ...]]:
    """Scripts that are understood with what they ask for, and the paths of those that are not.

    A script that runs another is understood only where that one is; two rounds are enough for what is seen.
    """
    found: dict[str, tuple[Ask, ...]] = {}
    for _ in range(2):
        for path, text in list(texts.items())[:_MOST_SCRIPTS]:
            if path not in found and (asks := understood(text, found)) is not None:
                found[path] = found[short_of(path)] = asks
    return found, tuple(path for path in texts if path not in found)
