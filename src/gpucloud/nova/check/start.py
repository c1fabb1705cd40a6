"""Whether a service starts with these files, and with which message it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpucloud.nova.check.case import Case
from gpucloud.nova.check.options import WRONG
from gpucloud.nova.config import Setting, read_value
from gpucloud.nova.refusal import NovaRaises, Refusal
from gpucloud.nova.releases import options, pci, scheduler, vgpu
from gpucloud.nova.releases.known import KnownOption, place_of, read_in
from gpucloud.nova.service import Service

_CLASS = re.compile(r"^(VGPU|CUSTOM_[A-Z0-9_]+)$")
_LONGEST = 255


def start_error(case: Case) -> Refusal | None:
    """What nova ends with; None where it starts.

    A file that cannot be read comes first, then values of the wrong type (each service prints all of its
    options when it starts), then what the service itself parses.
    """
    if case.configuration.error is not None:
        return Refusal(case.configuration.error.exception, str(case.configuration.error))
    for _, refusal in wrong_values(case):
        return refusal
    return next(_refusals(case), None)


def later_error(case: Case) -> Refusal | None:
    """What a service that starts refuses when it reads it: at a request, or when it looks at a host."""
    reads_aliases = case.service in (Service.API, Service.COMPUTE)
    parsed: list[object] = [case.aliases if reads_aliases else None, case.specs]
    return next((each for each in parsed if isinstance(each, Refusal)), None)


def wrong_values(case: Case) -> Iterator[tuple[Setting, Refusal]]:
    """Values that oslo.config does not take: not of their type, or with a name that stands for nothing.

    They come in the order in which it prints them when a service starts. Only the value that counts is read:
    one that a later line replaces may be anything. What only the host knows is passed over.
    """
    for known in sorted(_set_options(case), key=lambda one: place_of(one.name)):
        settings = case.options.settings(known)
        if known.kind in ("text", "multi", "list") and not any("$" in one.value for one in settings):
            continue
        try:
            case.options.read(known)
        except NovaRaises as raised:
            yield settings[-1], _as_printed(known, raised).over(None)
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


def _as_printed(known: KnownOption, raised: NovaRaises) -> NovaRaises:
    """Whatever is wrong with an option of DEFAULT but its type, oslo says that there is no such option."""
    if known.name.section != "DEFAULT" or raised.exception == WRONG:
        return raised
    name = known.name.name.replace("-", "_")
    return NovaRaises("NoSuchOptError", f"no such option {name} in group [DEFAULT]")


def _set_options(case: Case) -> set[KnownOption]:
    """Options that the files set, under current or old names."""
    names = list(case.configuration.names)
    sections = {section: read_in(section, case.release) for section, _ in names}
    return {sections[section][name] for section, name in names if name in sections[section]}


def _wrong_mdev_values(case: Case) -> Iterator[tuple[Setting, Refusal]]:
    for name in case.mdev_types if vgpu.SEVERAL_TYPES.at(case.release) else ():
        for key, setting in case.mdev_keys_of(name).items():
            try:
                _read_mdev_value(key, case.options.put(setting.value, setting.section)[0])
            except ValueError as error:
                yield setting, case.options.wrong(key, setting, str(error)).over(None)
            except NovaRaises as raised:
                yield setting, raised.over(None)


def _read_mdev_value(key: str, text: str) -> None:
    if key == "max_instances":
        read_value("int:1:", text)
    if key == "mdev_class" and len(text) > _LONGEST:
        raise ValueError(f"Value {text!r} exceeds maximum length {_LONGEST}")
    if key == "mdev_class" and _CLASS.search(text) is None:
        raise ValueError(f"Value {text!r} doesn't match regex {_CLASS.pattern!r}")
