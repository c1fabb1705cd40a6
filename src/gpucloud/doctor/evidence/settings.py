"""nova's options in pasted configuration.

Options repeat and every repeat counts (oslo.config MultiStrOpt); sections may be in capitals, names
written with hyphens (charms) and values behind a colon (YAML of deployment tools).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from gpucloud.doctor.evidence.text import Line
from gpucloud.model.finding import Evidence
from gpucloud.nova.reading import is_yes
from gpucloud.nova.releases import options
from gpucloud.nova.releases.options import names_of

_SECTION = re.compile(r"^\s*\[(?P<name>[\w.:-]+)\]\s*$")
_OPTION = re.compile(r"^(?P<indent>\s*+)(?:-\s*+)?(?P<name>[A-Za-z_][\w-]*)\s*[=:]\s*(?P<value>.*)$")
_ITEM = re.compile(r"^\s*-\s*(?P<value>.+)$")
_KNOWN = {
    "alias", "pci_alias", "passthrough_whitelist", "pci_passthrough_whitelist", "device_spec", "dev_spec",
    "pci_device_spec", "device_specs", "passthrough_white_list",
    "enabled_filters", "available_filters", "scheduler_default_filters", "scheduler_available_filters",
    "report_in_placement", "pci_in_placement", "enabled_mdev_types", "enabled_vgpu_types", "max_instances",
    "device_addresses", "mdev_class", "driver", "resume_guests_state_on_host_boot", "cpu_mode",
    "cpu_dedicated_set", "max_allocation_candidates",
}  # fmt: skip
ALIAS_NAMES = names_of(options.ALIAS, options.ALIAS_OLD)
SPEC_NAMES = names_of(options.DEVICE_SPEC, options.DEVICE_SPEC_OLD)
"""Names under which some release reads aliases, and devices that a host offers."""
_JSON_LINES = 40
MOST_SETTINGS = 600
"""Settings that are kept: every alias is held against every device list."""


@dataclass(frozen=True)
class Setting:
    """One option as written: its section (lower case), name with ``_``, value, and the line."""

    section: str
    name: str
    value: str
    evidence: Evidence

    @cached_property
    def data(self) -> object:
        """The value as JSON; None where it is none."""
        try:
            return json.loads(self.value)
        except (ValueError, RecursionError):
            return None

    @property
    def is_true(self) -> bool:
        return is_yes(self.value)


@dataclass
class NovaSettings:
    """Options in the order of the file. Values in braces may run over several lines."""

    settings: list[Setting] = field(default_factory=list)
    sections: set[str] = field(default_factory=set)
    has_more: bool = False
    """There were more settings than are kept."""
    _section: str = ""
    _key: str = ""
    _open: tuple[str, Line, list[str]] | None = None
    _list: tuple[str, int] | None = None

    def read(self, line: Line) -> None:
        """Take one line; lines that hold no option of interest change nothing."""
        if line.key != self._key:
            self._finish()
            self._key, self._section, self._list = line.key, "", None
        if self._open is not None and self._continue(line):
            return
        section = _SECTION.match(line.text)
        if section is not None:
            self._section = section["name"].lower()
            self.sections.add(self._section)
            return
        item = _ITEM.match(line.text)
        if item is not None and self._list is not None:
            self._start(self._list[0], item["value"], line)
            return
        option = _OPTION.match(line.text)
        if option is not None:
            self._take(option, line)

    def finish(self) -> None:
        """Take what is still open at the end of the text."""
        self._finish()

    def named(self, *names: str) -> tuple[Setting, ...]:
        """All settings of these names, in order."""
        return tuple(one for one in self.settings if one.name in names)

    def _take(self, option: re.Match[str], line: Line) -> None:
        name = option["name"].lower().replace("-", "_")
        if name not in _KNOWN:
            if name not in ("type", "values", "value"):
                self._list = None
            return
        value = option["value"].strip()
        if value in ("", "|", ">", "|-", ">-"):
            self._list = (name, len(option["indent"]))
            return
        self._list = None
        self._start(name, value, line)

    def _start(self, name: str, value: str, line: Line) -> None:
        value = _unquote(value)
        if value[:1] in "{[" and _is_open(value):
            self._open = (name, line, [value])
            return
        self._add(name, line, value)

    def _continue(self, line: Line) -> bool:
        assert_open = self._open
        if assert_open is None:
            return False
        name, first, parts = assert_open
        text = line.text.strip()
        if _SECTION.match(line.text) or len(parts) > _JSON_LINES or not text:
            self._finish()
            return False
        parts.append(text)
        if not _is_open("\n".join(parts)):
            self._add(name, first, _unquote("\n".join(parts)))
            self._open = None
        return True

    def _finish(self) -> None:
        if self._open is not None:
            name, first, parts = self._open
            self._open = None
            self._add(name, first, "\n".join(parts))

    def _add(self, name: str, line: Line, value: str) -> None:
        if len(self.settings) >= MOST_SETTINGS:
            self.has_more = True
            return
        evidence = Evidence(line.key, line.text.strip()[:400], line.number)
        self.settings.append(Setting(self._section, name, value, evidence))


def objects(setting: Setting) -> Iterator[dict[str, object]]:
    """The JSON objects of a value: one, or those of a list."""
    data = setting.data
    for one in data if isinstance(data, list) else [data]:
        if isinstance(one, dict):
            yield one


def _is_open(value: str) -> bool:
    return value.count("{") + value.count("[") > value.count("}") + value.count("]")


def _unquote(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" and value[1:2] in "{[ ":
        return value[1:-1].strip()
    return value.rstrip("'\"") if value[:1] in "{[" and value[-1:] in "'\"" else value
