"""Names and sections: what nova does not read it passes over without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache

from gpucloud.model.finding import Level
from gpucloud.nova.check.case import Case
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.lines import alias_lines, shown, spec_lines, under
from gpucloud.nova.check.rules.placement import ELSEWHERE
from gpucloud.nova.check.rules.text import judge_json, meant_objects
from gpucloud.nova.config import Setting, normal_section
from gpucloud.nova.releases import options, vgpu
from gpucloud.nova.releases.fact import Fact
from gpucloud.nova.releases.known import KnownOption, known_option, names_in, options_of
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.releases.release import Release

_SOURCE = "oslo.config: cfg.py (only registered names are looked up)"

NOT_READ = Kind(
    "nova-option-not-read",
    Level.BLOCKER,
    "Nova does not read an option under this name",
    "oslo.config looks up the names that nova registers, and passes over all others without a word.",
    ("nothing: no message in any log", "no devices, aliases or filters although nova.conf names them"),
    ("Write it under the name and in the section of this release",),
    (_SOURCE, "nova/conf/pci.py, devices.py, scheduler.py"),
)
OTHER_RELEASE = Kind(
    "nova-option-other-release",
    Level.WARNING,
    "An option of another release",
    "Other releases of nova read it, this one passes over it without a word.",
    ("nothing: no message in any log",),
    ("Leave it out, or write what this release has instead",),
    (_SOURCE, "nova/conf/", "commit 50a7a3050a for the filters"),
)
UNKNOWN = Kind(
    "nova-option-unknown",
    Level.WARNING,
    "No release of nova has this option in this section",
    "oslo.config passes over names that nova does not register.",
    ("nothing: no message in any log",),
    ("Correct the name, or leave it out",),
    (_SOURCE,),
)
OLD_NAME = Kind(
    "nova-option-old-name",
    Level.INFO,
    "An old name that is still read",
    "Nova reads it for the current option and logs that it is deprecated. Some later release drops it.",
    ('`Deprecated: Option "pci_alias" from group "DEFAULT" is deprecated.`',),
    ("Write the current name",),
    ("nova/conf/ (deprecated_name, deprecated_group)",),
)
MIXED_NAMES = Kind(
    "nova-option-mixed-names",
    Level.WARNING,
    "One option under an old and a new name",
    "Values under all names of an option that repeats add up: the new line does not replace the old one, "
    "in the same file or in another.",
    ("more devices are tracked than the new lines name",),
    ("Keep one name",),
    ("oslo.config: cfg.py, _Namespace._get_file_value with multi=True",),
)
DEFAULT_CASE = Kind(
    "nova-section-default",
    Level.BLOCKER,
    "The section DEFAULT is not in capitals",
    "Sections are found whatever their case, but for DEFAULT: [default] is another section, which "
    "nobody reads.",
    ("nothing: all options of the section count as not set",),
    ("Write [DEFAULT]",),
    ("oslo.config: cfg.py, _normalize_group_name",),
)
REPEATED = Kind(
    "nova-option-repeated",
    Level.WARNING,
    "An option that does not add up is set more than once",
    "Of an option that holds one list or one value the last line counts, in the last file that has it; the "
    "lines before it are lost.",
    ("filters or mdev types of an earlier line are not on",),
    ("Write all values in one line, with commas",),
    ("oslo.config: cfg.py, _Namespace._get_file_value", "nova/conf/scheduler.py, devices.py (ListOpt)"),
)

_MEANT: tuple[tuple[Fact[OptionName] | Fact[OptionName | None], tuple[str, ...]], ...] = (
    (
        options.DEVICE_SPEC,
        (
            "device_spec",
            "device_specs",
            "dev_spec",
            "pci_device_spec",
            "passthrough_whitelist",
            "pci_passthrough_whitelist",
            "pci_whitelist",
            "whitelist",
            "passthrough_devices",
        ),
    ),
    (options.ALIAS, ("pci_alias", "pci_aliases", "aliases", "alias")),
    (
        options.ENABLED_FILTERS,
        ("enabled_filters", "scheduler_default_filters", "scheduler_enabled_filters", "default_filters"),
    ),
    (options.AVAILABLE_FILTERS, ("available_filters", "scheduler_available_filters")),
    (options.REPORT_IN_PLACEMENT, ("report_in_placement", "pci_report_in_placement")),
    (options.PCI_IN_PLACEMENT, ("pci_in_placement",)),
    (options.PCI_WEIGHT, ("pci_weight_multiplier",)),
    (
        vgpu.MDEV_TYPES,
        (
            "enabled_mdev_types",
            "mdev_enabled_types",
            "enabled_mdev_type",
            "mdev_types",
            "enabled_vgpu_types",
            "vgpu_enabled_types",
            "enabled_vgpu_type",
            "vgpu_types",
        ),
    ),
)
MEANING: Mapping[str, Fact[OptionName] | Fact[OptionName | None]] = {
    name: fact for fact, names in _MEANT for name in names
}
"""Names that are meant for an option, right or wrong, to that option."""
_GENERAL = ("alias", "aliases", "whitelist", "default_filters")
"""Names that mean other things in sections of other programs."""
_OWN = ("DEFAULT", "pci", "devices", "filter_scheduler")
_COMPLETE = ("pci", "devices", "filter_scheduler", "scheduler", "libvirt", "workarounds", "quota", "compute")
_FIRST, _LAST = 13, 34
_COMPARED, _LONGEST = 50, 80
"""Unknown names that are compared with known ones, and their letters."""


def not_read(case: Case) -> Iterator[Finding]:
    """A name of passthrough, filters or vGPU that this release does not read there."""
    for setting in case.configuration.settings():
        name = setting.name.lower().replace("-", "_")
        fact = MEANING.get(name)
        section = normal_section(setting.section)
        if fact is None or not _is_meant(setting):
            continue
        here = OptionName(section, setting.name)
        if here not in read_names(fact, case.release):
            yield _not_read(case, setting, here, fact)
            if fact in (options.DEVICE_SPEC, options.ALIAS):
                yield from judge_json(case, setting, is_alias=fact is options.ALIAS)


def unknown(case: Case) -> Iterator[Finding]:
    """A name that other releases have; or that none has, in a section whose names are all known."""
    compared = 0
    for setting in case.configuration.settings():
        section = normal_section(setting.section)
        known = names_in(section, case.release)
        if setting.name in known or setting.name in ELSEWHERE or _is_meant(setting):
            continue
        ages = options_of(section).get(setting.name)
        if ages:
            yield _other_release(case, setting, ages)
        elif section in _COMPLETE and known:
            compared += 1
            near = get_close_matches(setting.name[:_LONGEST], known, n=1) if compared <= _COMPARED else []
            fix = under(OptionName(section, near[0]), setting.value) if near else ()
            yield UNKNOWN.at(setting, f"nova has no option {shown(setting)}", fix=fix)


def old_name(case: Case) -> Iterator[Finding]:
    """An option under an old name, or under an old and the current one."""
    for fact, old in (
        (options.DEVICE_SPEC, options.DEVICE_SPEC_OLD),
        (options.ALIAS, options.ALIAS_OLD),
        (options.ENABLED_FILTERS, options.ENABLED_FILTERS_OLD),
        (vgpu.MDEV_TYPES, vgpu.MDEV_TYPES_OLD),
    ):
        current = fact.at(case.release)
        if current is None:
            continue
        news = case.configuration.every(current)
        olds = [one for name in old.at(case.release) for one in case.configuration.every(name)]
        for one in olds:
            what = f"{shown(one)} is an old name of {current}"
            yield OLD_NAME.at(one, what, fix=_as_it_should_stand(case, one, current))
        adds_up = fact in (options.DEVICE_SPEC, options.ALIAS)
        names = {f"[{normal_section(one.section)}]{one.name}" for one in (*olds, *news)}
        if adds_up and len(names) > 1:
            lines = [_as_it_should_stand(case, one, current)[1:] for one in (*olds, *news)]
            fix = (f"[{current.section}]", *(line for each in lines for line in each))
            yield MIXED_NAMES.at(olds[0], f"values of {' and '.join(sorted(names))} add up", fix=fix)


def default_case(case: Case) -> Iterator[Finding]:
    """[default] in other letters than capitals."""
    seen = set()
    for setting in case.configuration.settings():
        if setting.section.lower() == "default" and setting.section != "DEFAULT" and setting.file not in seen:
            seen.add(setting.file)
            yield DEFAULT_CASE.at(setting, f"the section is [{setting.section}]", fix=("[DEFAULT]",))


def repeated(case: Case) -> Iterator[Finding]:
    """A list in several lines or files, of which one counts."""
    for option in (options.ENABLED_FILTERS.at(case.release), vgpu.MDEV_TYPES.at(case.release)):
        if option is None:
            continue
        found = case.configuration.every(option)
        last = case.configuration.last(option)
        values = list(dict.fromkeys(one.value for one in found))
        if last is not None and len(values) > 1:
            places = ", ".join(f"{one.file}:{one.line}" for one in found if one is not last)
            what = f"of {len(found)} lines with {option} this one counts; lost: {places}"
            yield REPEATED.at(last, what, fix=under(option, ",".join(_joined(values))))


def _other_release(case: Case, setting: Setting, ages: tuple[KnownOption, ...]) -> Finding:
    """A name that only other releases read, with the one that it was an old name of."""
    series = f"{ages[0].first} to {ages[-1].last}"
    what = f"{shown(setting)} is read by nova {series}, not by {case.release.number}"
    meant = ages[-1].stands_for
    fix = under(meant, setting.value) if known_option(meant, case.release) is not None else ()
    return OTHER_RELEASE.at(setting, what, fix=fix)


def _is_meant(setting: Setting) -> bool:
    """Whether it is surely meant for passthrough, filters or vGPU: by its name, or by name and value."""
    name = setting.name.lower().replace("-", "_")
    if name not in _GENERAL or normal_section(setting.section) in _OWN:
        return name in MEANING
    ids = {"vendor_id", "product_id"}
    wanted = {"name"} if MEANING[name] is options.ALIAS else set()
    return "{" in setting.value and any(
        wanted <= one.keys() and ids & one.keys() for one in meant_objects(setting.value)
    )


def _joined(values: list[str]) -> list[str]:
    return list(dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip()))


def read_names(fact: Fact[OptionName] | Fact[OptionName | None], release: Release) -> tuple[OptionName, ...]:
    """The names under which a release reads an option, the current one first."""
    old: Mapping[int, Fact[tuple[OptionName, ...]]] = {
        id(options.DEVICE_SPEC): options.DEVICE_SPEC_OLD,
        id(options.ALIAS): options.ALIAS_OLD,
        id(options.ENABLED_FILTERS): options.ENABLED_FILTERS_OLD,
        id(options.AVAILABLE_FILTERS): options.AVAILABLE_FILTERS_OLD,
        id(vgpu.MDEV_TYPES): vgpu.MDEV_TYPES_OLD,
    }
    current = fact.at(release)
    more = old[id(fact)].at(release) if id(fact) in old else ()
    return (*((current,) if current is not None else ()), *more)


@cache
def _readers(here: OptionName, meaning: str) -> tuple[int, ...]:
    """The series that read, under this name, the option that is meant."""
    fact = MEANING[meaning]
    return tuple(n for n in range(_FIRST, _LAST + 1) if here in read_names(fact, Release(n, 9, 9)))


def _not_read(
    case: Case, setting: Setting, here: OptionName, fact: Fact[OptionName] | Fact[OptionName | None]
) -> Finding:
    current = fact.at(case.release)
    readers = _readers(here, setting.name.lower().replace("-", "_"))
    series = f"{readers[0]} to {readers[-1]}" if readers else ""
    if current is None:
        what = f"{shown(setting)} is not an option of nova {case.release}"
        return OTHER_RELEASE.at(setting, f"{what}; nova {series} reads it" if series else what)
    fix = _as_it_should_stand(case, setting, current)
    what = f"nova {case.release} does not read {shown(setting)}, but {current}"
    if readers:
        return OTHER_RELEASE.at(setting, f"{what}; {series} read it", fix=fix, level=Level.BLOCKER)
    return NOT_READ.at(setting, what, fix=fix)


def _as_it_should_stand(case: Case, setting: Setting, current: OptionName) -> tuple[str, ...]:
    """The setting under its right name, with what else is surely wrong put right."""
    lines = {case.spec_option: spec_lines, case.alias_option: alias_lines}.get(current)
    meant = [] if lines is None else meant_objects(setting.value)
    return under(current, setting.value) if lines is None or not meant else lines(case.release, *meant)


RULES = (not_read, unknown, old_name, default_case, repeated)
