"""Filters of the scheduler: every finding about the list shows the same line, with all of them mended."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from gpucloud.model.finding import Level
from gpucloud.nova.check.case import Case, Entry
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.lines import under
from gpucloud.nova.check.start import missing_filters
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import options, scheduler
from gpucloud.nova.service import Service

_SOURCE = "nova/conf/scheduler.py"
_MANAGER = "nova/scheduler/host_manager.py"
_PCI, _NUMA = "PciPassthroughFilter", "NUMATopologyFilter"

GONE = Kind(
    "nova-filter-gone",
    Level.BLOCKER,
    "A filter that this release does not have",
    "The scheduler ends when a name in enabled_filters is no filter that it loaded.",
    ("`Scheduler Host Filter ... could not be found.`",),
    ("Take it out of the list",),
    (f"{_MANAGER}: _choose_host_filters", "nova/scheduler/filters/"),
    reader=Service.SCHEDULER,
)
PCI_MISSING = Kind(
    "nova-filter-pci-missing",
    Level.WARNING,
    "PciPassthroughFilter is not on",
    "It is in no release's default list. Without it the scheduler picks hosts without a free device, and "
    "the build fails there.",
    ("`Insufficient compute resources: Claim pci failed`", "`PCI device request ... failed`"),
    ("Name the release's default filters and PciPassthroughFilter",),
    (_SOURCE, "nova docs: admin/pci-passthrough"),
    reader=Service.SCHEDULER,
)
DEFAULTS_LOST = Kind(
    "nova-filter-defaults-lost",
    Level.WARNING,
    "Default filters are lost",
    "enabled_filters replaces the default list. A list without ComputeFilter sends guests to dead hosts, "
    "one without ImagePropertiesFilter to hosts that cannot run the image.",
    ("guests on hosts that are disabled, or that do not fit",),
    ("Name the default filters of the release, too",),
    (_SOURCE,),
    reader=Service.SCHEDULER,
)
NUMA_MISSING = Kind(
    "nova-filter-numa-missing",
    Level.INFO,
    "NUMATopologyFilter is not on",
    "Guests with a NUMA topology and a policy for their device need it: without it the host is picked "
    "first, and refuses then.",
    ("`Requested instance NUMA topology together with requested PCI devices cannot fit`",),
    ("Name NUMATopologyFilter, too, where guests are pinned",),
    (_SOURCE, "nova/scheduler/filters/numa_topology_filter.py"),
    reader=Service.SCHEDULER,
)
AVAILABLE_LOST = Kind(
    "nova-filter-available-lost",
    Level.BLOCKER,
    "The scheduler's own filters are not loaded",
    "available_filters replaces its default: without nova.scheduler.filters.all_filters only the named "
    "classes are known.",
    ("`Scheduler Host Filter ... could not be found.`",),
    ("Add the line available_filters = nova.scheduler.filters.all_filters",),
    (_SOURCE, f"{_MANAGER}: HostManager.__init__"),
    reader=Service.SCHEDULER,
)


def gone(case: Case) -> Iterator[Finding]:
    """A name that is no filter of this release."""
    for name in () if _is_available_lost(case) else missing_filters(case):
        what = f"nova {case.release} has no filter {name or '(an empty name)'}"
        meant = _meant(case, name)
        level = Level.BLOCKER if case.service is Service.SCHEDULER else Level.INFO
        what += f"; is it {meant}?" if meant else ""
        yield GONE.at(case.filters_setting, what, fix=_right_line(case), level=level)


def pci_missing(case: Case) -> Iterator[Finding]:
    """PciPassthroughFilter where devices are given away."""
    if not _lacks_pci(case):
        return
    where = "enabled_filters lacks it" if case.filters_setting else "no enabled_filters: the defaults are on"
    has_pci = bool(case.spec_settings or case.alias_settings or case.filters_setting)
    level = Level.WARNING if has_pci else Level.INFO
    yield PCI_MISSING.at(case.filters_setting, where, fix=_right_line(case), level=level)


def _lacks_pci(case: Case) -> bool:
    on = case.filters if case.filters is not None else scheduler.DEFAULT_FILTERS.at(case.release)
    if _PCI in on or (case.service is not Service.SCHEDULER and case.filters_setting is None):
        return False
    if case.service is not Service.SCHEDULER and not (case.spec_settings or case.alias_settings):
        return False
    # Where it stands by its path, the other rule speaks of it.
    return not any(name.rpartition(".")[2] == _PCI for name in on)


def defaults_lost(case: Case) -> Iterator[Finding]:
    """A list that lacks what is on by default."""
    if case.filters is None:
        return
    lost = [name for name in scheduler.DEFAULT_FILTERS.at(case.release) if name not in case.filters]
    if lost:
        yield DEFAULTS_LOST.at(case.filters_setting, f"not on: {', '.join(lost)}", fix=_right_line(case))


def numa_missing(case: Case) -> Iterator[Finding]:
    """A policy for NUMA without the filter that keeps it."""
    named = _with_numa_policy(case)
    if named:
        what = f"alias {named[0].written.get('name')} has a numa_policy, and {_NUMA} is not on"
        yield NUMA_MISSING.at(case.filters_setting, what, fix=_right_line(case))


def _with_numa_policy(case: Case) -> list[Entry]:
    """Aliases with a policy that no filter keeps."""
    if case.filters is None or _NUMA in case.filters or isinstance(case.aliases, Refusal):
        return []
    return [entry for entry in case.alias_entries if "numa_policy" in entry.written]


def available_lost(case: Case) -> Iterator[Finding]:
    """available_filters without the release's own."""
    if _is_available_lost(case):
        option = options.AVAILABLE_FILTERS.at(case.release)
        lines = case.configuration.every(option, options.AVAILABLE_FILTERS_OLD.at(case.release))
        values = ["nova.scheduler.filters.all_filters", *(one.value for one in lines)]
        level = Level.BLOCKER if case.service is Service.SCHEDULER else Level.INFO
        yield AVAILABLE_LOST.at(
            lines[0], f"{option} lacks all_filters", fix=under(option, *values), level=level
        )


def _is_available_lost(case: Case) -> bool:
    lines = case.configuration.every(
        options.AVAILABLE_FILTERS.at(case.release), options.AVAILABLE_FILTERS_OLD.at(case.release)
    )
    return bool(lines) and not any(one.value.endswith(".all_filters") for one in lines)


def _right_line(case: Case) -> tuple[str, ...]:
    """The line as it should stand: the defaults, what is on, and what is lacking."""
    lacking = [_PCI] if _lacks_pci(case) else []
    lacking += [_NUMA] if _with_numa_policy(case) else []
    names = (*scheduler.DEFAULT_FILTERS.at(case.release), *_known(case), *lacking)
    return under(options.ENABLED_FILTERS.at(case.release), ", ".join(dict.fromkeys(names)))


def _known(case: Case) -> list[str]:
    """The filters that are on and that the scheduler has, slips of the pen put right."""
    known = {*scheduler.KNOWN_FILTERS.at(case.release), *_own(case)}
    named = (name if name in known else _meant(case, name) for name in case.filters or ())
    return list(dict.fromkeys(name for name in named if name is not None))


def _meant(case: Case, name: str) -> str | None:
    """The filter that was meant by a name that is none: a class's path is no name here."""
    if name in scheduler.GONE_FILTERS.at(case.release):
        return None
    known = scheduler.KNOWN_FILTERS.at(case.release)
    last = name.rpartition(".")[2]
    return last if last in {*known, *_own(case)} else next(iter(get_close_matches(name, known, n=1)), None)


def _own(case: Case) -> set[str]:
    """Classes of others that available_filters loads."""
    lines = case.configuration.every(
        options.AVAILABLE_FILTERS.at(case.release), options.AVAILABLE_FILTERS_OLD.at(case.release)
    )
    return {one.value.rpartition(".")[2] for one in lines} - {"all_filters"}


RULES = (gone, pci_missing, defaults_lost, numa_missing, available_lost)
