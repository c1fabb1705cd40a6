"""Whether a service starts with these files, and with which message it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpucloud.nova.check.case import Case
from gpucloud.nova.config import Setting, normal_section, read_value
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import options, pci, scheduler, vgpu
from gpucloud.nova.releases.known import known_option, names_in, old_names
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.service import Service

_CLASS = re.compile(r"^(VGPU|CUSTOM_[A-Z0-9_]+)$")
_LONGEST = 255


def start_error(case: Case) -> Refusal | None:
    """What nova ends with; None where it starts.

    A file that cannot be read comes first, then values of the wrong type (each service prints all of its
    options when it starts), then what the service itself parses.
    """
    if case.configuration.error is not None:
        return Refusal("ConfigFileParseError", str(case.configuration.error))
    for _, refusal in wrong_values(case):
        return refusal
    return next(_refusals(case), None)


def wrong_values(case: Case) -> Iterator[tuple[Setting, Refusal]]:
    """Values that oslo.config does not take for the type of their option.

    Only the value that counts is read: one that a later line replaces may be anything. What another option
    is put into ($name) is known when nova runs, not here.
    """
    for name in dict.fromkeys(_typed(case)):
        setting = case.configuration.last(name, old_names(name, case.release))
        known = known_option(name, case.release)
        if setting is not None and known is not None and "$" not in setting.value:
            try:
                read_value(known.kind, setting.value)
            except ValueError as error:
                yield setting, _wrong(case, name.name, setting, str(error))
    if case.service is Service.COMPUTE:
        yield from _wrong_mdev_values(case)


def reads_specs_at_start(case: Case) -> bool:
    """Whether a bad list of devices stops this service."""
    return case.service.value in pci.SPEC_READ_AT_START.at(case.release)


def reads_aliases_at_start(case: Case) -> bool:
    """Whether a bad alias stops this service."""
    return case.service.value in pci.ALIAS_READ_AT_START.at(case.release)


def missing_filters(case: Case) -> tuple[str, ...]:
    """Filters that are on and that nova does not find; none where classes of others are loaded, too."""
    known = {*scheduler.KNOWN_FILTERS.at(case.release)}
    available = case.configuration.every(
        options.AVAILABLE_FILTERS.at(case.release), options.AVAILABLE_FILTERS_OLD.at(case.release)
    )
    if available:
        named = {one.value.rpartition(".")[2] for one in available}
        known = (known if "all_filters" in named else set()) | named
    on = case.filters if case.filters is not None else scheduler.DEFAULT_FILTERS.at(case.release)
    return tuple(name for name in on if name not in known)


def _refusals(case: Case) -> Iterator[Refusal]:
    """What the service parses, in its order: nova-api aliases first, nova-compute entries first."""
    aliases = case.aliases if reads_aliases_at_start(case) else None
    specs = case.specs if reads_specs_at_start(case) else None
    is_compute = case.service is Service.COMPUTE
    mdev = case.mdev if is_compute and vgpu.SEVERAL_TYPES.at(case.release) else None
    parsed: list[object] = [specs, mdev, aliases] if is_compute else [aliases, specs]
    yield from (each for each in parsed if isinstance(each, Refusal))
    providers = case.match.providers if is_compute and case.match is not None else None
    # What nova did not foresee while it updates its resources it logs, and goes on.
    if isinstance(providers, Refusal) and not providers.is_crash:
        yield providers
    if case.service is Service.SCHEDULER and missing_filters(case):
        names = ", ".join(missing_filters(case))
        yield Refusal("SchedulerHostFilterNotFound", f"Scheduler Host Filter {names} could not be found.")


def _typed(case: Case) -> Iterator[OptionName]:
    """Options with a type that the files set, under current or old names."""
    for section, name in case.configuration.names:
        if name in names_in(section, case.release):
            known = known_option(OptionName(section, name), case.release)
            current = None if known is None else known_option(known.stands_for, case.release)
            if current is not None and current.kind not in ("text", "multi", "list"):
                yield current.name


def _wrong_mdev_values(case: Case) -> Iterator[tuple[Setting, Refusal]]:
    for name in case.mdev_types if vgpu.SEVERAL_TYPES.at(case.release) else ():
        for key, setting in case.mdev_keys_of(name).items():
            try:
                _read_mdev_value(key, setting.value)
            except ValueError as error:
                yield setting, _wrong(case, key, setting, str(error))


def _read_mdev_value(key: str, text: str) -> None:
    if key == "max_instances":
        read_value("int:1:", text)
    if key == "mdev_class" and len(text) > _LONGEST:
        raise ValueError(f"Value {text!r} exceeds maximum length {_LONGEST}")
    if key == "mdev_class" and _CLASS.search(text) is None:
        raise ValueError(f"Value {text!r} doesn't match regex {_CLASS.pattern!r}")


def _wrong(case: Case, name: str, setting: Setting, reason: str) -> Refusal:
    """Oslo's complaint, which names the last file that has the section, wherever the value stands."""
    section = normal_section(setting.section)
    holders = [file.name for file in case.configuration.files if section in file.sections]
    place = f"LocationInfo(location=<Locations.user: (4, True)>, detail={holders[-1] if holders else ''!r})"
    return Refusal("ConfigFileValueError", f"Value for option {name} from {place} is not valid: {reason}")
