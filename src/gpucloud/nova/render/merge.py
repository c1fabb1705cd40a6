"""Rendered options into a file that somebody else wrote: his lines stay where they say something else.

Replaced are lines under a name that is written, old names included. Of options that repeat, those of
others stay: aliases of other names, and entries of device_spec for neutron (physical_network, devname).
Filters of the scheduler that the file has on stay on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpucloud.model.failure import Failure
from gpucloud.nova.config import ConfigFile, Setting, normal_section, read_config_file, read_list
from gpucloud.nova.reading import Json, load_json
from gpucloud.nova.refusal import NovaRaises
from gpucloud.nova.releases import options, scheduler
from gpucloud.nova.releases.known import old_names
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.releases.release import Release

_OF_NEUTRON = ("physical_network", "devname")


@dataclass(frozen=True, slots=True)
class Merged:
    """A file of somebody else with what was rendered in it.

    Args:
        text: the whole file.
        replaced: what lines the file loses, with their values.
    """

    text: str
    replaced: tuple[str, ...]


def merge(name: str, known: str, rendered: str, release: Release) -> Merged:
    """Put rendered options into a file's text; merging again changes nothing.

    Raises:
        Failure: the file is not in nova.conf's format.
    """
    theirs = read_config_file(name, known)
    if theirs.error is not None:
        raise Failure(str(theirs.error), "correct that line, or write to an empty folder")
    ours = tuple(_with_filters(one, theirs, release) for one in read_config_file("", rendered).settings)
    gone, stays = _sorted_out(theirs, ours, release)
    lines = _lines(known)
    kept = [line for number, line in enumerate(lines, start=1) if number not in _spans(lines, gone)]
    for one in ours:
        if one not in stays:
            _insert(kept, one)
    replaced = (f"{name}:{one.line}: [{one.section}]{one.name} = {one.value}" for one in gone)
    return Merged("\n".join(kept) + "\n", tuple(replaced))


def _sorted_out(
    theirs: ConfigFile, ours: tuple[Setting, ...], release: Release
) -> tuple[list[Setting], list[Setting]]:
    """Lines of the file that go, and lines of ours that it has already."""
    gone: list[Setting] = []
    there: list[Setting] = []
    for one in theirs.settings:
        same = next((mine for mine in ours if _key(mine) == _key(one) and mine.value == one.value), None)
        if same is not None and same not in there:
            there.append(same)
        elif any(_is_replaced(one, mine, release) for mine in ours) and not _is_foreign(one, ours, release):
            gone.append(one)
    return gone, there


def _key(setting: Setting) -> tuple[str, str]:
    return normal_section(setting.section), setting.name


def _is_replaced(theirs: Setting, mine: Setting, release: Release) -> bool:
    name = OptionName(*_key(mine))
    old = {options.DEVICE_SPEC: options.DEVICE_SPEC_OLD, options.ALIAS: options.ALIAS_OLD}
    older = [every.at(release) for current, every in old.items() if current.at(release) == name]
    names = {name, *old_names(name, release), *(one for each in older for one in each)}
    return OptionName(*_key(theirs)) in names


def _is_foreign(theirs: Setting, ours: tuple[Setting, ...], release: Release) -> bool:
    """Whether a line of an option that repeats is about something that is not written here."""
    held = _objects(theirs.value)
    if _is_replaced_by(options.ALIAS.at(release), theirs, release):
        names = {each.get("name") for one in ours for each in _objects(one.value)}
        return bool(held) and held[0].get("name") not in names
    if _is_replaced_by(options.DEVICE_SPEC.at(release), theirs, release):
        return any(each.get(key) for each in held for key in _OF_NEUTRON)
    return False


def _is_replaced_by(option: OptionName, theirs: Setting, release: Release) -> bool:
    return _is_replaced(theirs, Setting(option.section, option.name, "", "", 0), release)


def _objects(value: str) -> list[Mapping[str, Json]]:
    try:
        loaded = load_json(value)
    except (ValueError, RecursionError, NovaRaises):
        return []
    return [each for each in (loaded if isinstance(loaded, list) else [loaded]) if isinstance(each, dict)]


def _with_filters(mine: Setting, theirs: ConfigFile, release: Release) -> Setting:
    """The list of filters with those that the file has on, and that the release has."""
    if OptionName(*_key(mine)) != options.ENABLED_FILTERS.at(release):
        return mine
    lists = [read_list(one.value) for one in theirs.settings if _is_replaced(one, mine, release)]
    own, gone = read_list(mine.value), scheduler.GONE_FILTERS.at(release)
    theirs_on = lists[-1] if lists else ()
    if set(own) <= set(theirs_on) and not set(gone) & set(theirs_on):
        return Setting(mine.section, mine.name, ",".join(theirs_on), mine.file, mine.line)
    more = [name for name in theirs_on if name and name not in (*own, *gone)]
    return Setting(mine.section, mine.name, ",".join([*own, *more]), mine.file, mine.line)


def _lines(text: str) -> list[str]:
    unified = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
    return unified.split("\n") if unified else []


def _spans(lines: list[str], gone: list[Setting]) -> frozenset[int]:
    """Numbers of the lines that settings take, with those that go on with their values."""
    return frozenset(number for one in gone for number in _span(lines, one.line))


def _span(lines: list[str], begin: int) -> Iterator[int]:
    yield begin
    for number in range(begin + 1, len(lines) + 1):
        if not lines[number - 1].startswith((" ", "\t")) or not lines[number - 1].strip():
            return
        yield number


def _insert(lines: list[str], setting: Setting) -> None:
    """Write a setting at the end of its section; a section that is not there comes last."""
    new = f"{setting.name} = {setting.value}"
    place = _end_of(lines, setting.section)
    if place is not None:
        lines.insert(place, new)
        return
    lines += [*([""] if lines and lines[-1] else []), f"[{setting.section}]", new]


def _end_of(lines: list[str], section: str) -> int | None:
    """Where a section's last line with anything in it ends; None where there is no such section."""
    place, is_inside = None, False
    for number, line in enumerate(lines, start=1):
        if line.startswith("["):
            is_inside = normal_section(line.strip()[1:-1]) == normal_section(section)
        if is_inside and line.strip():
            place = number
    return place
