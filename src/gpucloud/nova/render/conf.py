"""Settings into options of nova.conf for each kind of service, and options into text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gpucloud.nova.releases import options, vgpu
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.render.settings import HostSettings, Settings

HEADING = "Written by gpucloud nova render"
ADDED_FILTERS = ("PciPassthroughFilter", "NUMATopologyFilter")
"""Filters that devices need and that are on in no release by themselves."""


@dataclass(frozen=True, slots=True)
class Option:
    """One assignment, with a remark for the line above it."""

    name: OptionName
    value: str
    remark: str | None = None


def shared(settings: Settings) -> tuple[Option, ...]:
    """What every service on every node is told, the same everywhere.

    nova-compute reads aliases when a guest is resized, and from 31.3.1 and 32.0.0 on does not start with
    some that ``pci_in_placement`` would make right: so that option is for it, too.
    """
    release = settings.release
    report, schedule = options.REPORT_IN_PLACEMENT.at(release), options.PCI_IN_PLACEMENT.at(release)
    said = []
    if settings.reports and report is not None:
        said.append(Option(report, "true", "cannot be taken back: nova-compute would not start again"))
    if settings.schedules and schedule is not None:
        said.append(Option(schedule, "true", "only after every nova-compute has reported its devices"))
    name = options.ALIAS.at(release)
    return (*said, *(Option(name, json.dumps(dict(alias))) for alias in settings.aliases))


def scheduling(settings: Settings) -> tuple[Option, ...]:
    """What nova-scheduler is told besides."""
    if settings.filters is None:
        return ()
    name = options.ENABLED_FILTERS.at(settings.release)
    remark = f"the defaults of nova {settings.release}, and what devices need"
    return (Option(name, ",".join(settings.filters), remark),)


def computing(settings: Settings, host: HostSettings) -> tuple[Option, ...]:
    """What nova-compute of one host is told besides."""
    name = options.DEVICE_SPEC.at(settings.release)
    return (
        *(Option(name, json.dumps(dict(entry.written)), entry.remark) for entry in host.entries),
        *_mediated(settings, host),
        *(Option(OptionName("libvirt", key), value) for key, value in (host.live_migration or {}).items()),
    )


def _mediated(settings: Settings, host: HostSettings) -> Iterator[Option]:
    name, groups = vgpu.MDEV_TYPES.at(settings.release), vgpu.MDEV_GROUPS.at(settings.release)
    if not host.mdev_types or name is None:
        return
    yield Option(name, ",".join(host.mdev_types))
    for kind, section in host.mdev_types.items():
        keys = {
            "device_addresses": ",".join(section.device_addresses),
            "mdev_class": section.mdev_class if section.mdev_class != "VGPU" else "",
        }
        for key, value in keys.items():
            if value:
                yield Option(OptionName(f"{groups[0]}{kind}", key), value)


def placing(settings: Settings) -> tuple[Option, ...]:
    """What Placement is told in its own file."""
    return tuple(Option(OptionName(*place), value) for place, value in settings.candidates.items())


def render_ini(said: Iterable[Option]) -> str:
    """Options as a file; the empty text for none."""
    sections = render_sections(said)
    return f"# {HEADING}\n\n{sections}" if sections else ""


def render_sections(said: Iterable[Option]) -> str:
    """Options by section, with a blank line between sections."""
    sections: dict[str, list[str]] = {}
    for option in said:
        lines = sections.setdefault(option.name.section, [])
        if option.remark is not None:
            lines.append(f"# {option.remark}\n")
        lines.append(f"{option.name.name} = {option.value}\n")
    return "\n".join(f"[{name}]\n{''.join(lines)}" for name, lines in sections.items())


def is_ours(text: str) -> bool:
    """Claims that a file was written by gpucloud: it may be replaced."""
    return HEADING in text.partition("\n")[0]


def files_of(texts: Mapping[str, Iterable[Option]]) -> dict[str, str]:
    """Files by path, without those that would be empty."""
    rendered = {path: render_ini(said) for path, said in texts.items()}
    return {path: text for path, text in rendered.items() if text}
