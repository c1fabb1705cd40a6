"""nova's options in a report, judged by ``gpucloud.nova``: it knows what each release reads and refuses.

Each option is judged by itself: of a report's lines nobody knows which stand in one file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper
from gpucloud.doctor.evidence.settings import ALIAS_NAMES, SPEC_NAMES, Setting
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.failure import Failure
from gpucloud.nova import config
from gpucloud.nova.check import Case as NovaCase
from gpucloud.nova.check import Finding as NovaFinding
from gpucloud.nova.check import Service
from gpucloud.nova.check.rules import alias, names, spec, text
from gpucloud.nova.releases import options
from gpucloud.nova.releases.release import SERIES, Release, parse_release

_OF_VALUE = (text.bad_json, spec.vendor, alias.refused, spec.refused, spec.key_ignored)
"""Those that see one value; what is clearest comes first."""
_ON = (
    config.Setting("pci", "report_in_placement", "true", "report", 2),
    config.Setting("filter_scheduler", "pci_in_placement", "true", "report", 3),
)
"""Without these some keys are refused, and whether they are on is another rule's question."""
_OBJECT = ("{", "[", "\u201c", "\u201d")
_PLACEHOLDER = re.compile(r"\.\.\.|\u2026|<[^>]*>|\{\{|XXXX|\$\{")
_WORD = re.compile(r"[a-z]{4,12}|20\d\d\.[12]")


def release_told(paper: Paper) -> Release | None:
    """The release that the report names by its codename or cycle; None where it names none."""
    for word in _WORD.findall(paper.about("release", "openstack", "nova", "kolla")):
        try:
            return parse_release(word)
        except Failure:
            continue
    return None


@rule
def option_misread(case: Case) -> Answers:
    """An option that nova refuses, or does not read under its name and in its section."""
    if case.paper is None:
        return
    told = release_told(case.paper)
    for setting in case.paper.nova.settings:
        found = next(_findings(setting, told), None)
        if found is not None:
            cause, begins, confidence = _meaning(setting)
            yield known(cause, f"{begins}: {found.what}", (setting.evidence,), confidence)


def _findings(setting: Setting, told: Release | None) -> Iterator[NovaFinding]:
    """What nova's rules say of one option, the clearest first."""
    if setting.name not in names.MEANING:
        return
    value = setting.value.replace("{...}", "{}")
    rules = (*_OF_VALUE, names.not_read) if _is_written_out(setting.name, value) else (names.not_read,)
    mine = config.Setting(_section(setting), setting.name, value, "report", 1)
    files = config.Configuration((config.ConfigFile("report", (mine, *_ON)),))
    judged = NovaCase(files, told or SERIES[-1], Service.COMPUTE)
    found = (finding for each in rules for finding in each(judged) if finding.line == 1)
    yield from (finding for finding in found if _counts(finding, told))


def _counts(finding: NovaFinding, told: Release | None) -> bool:
    if finding.kind is spec.KEY_IGNORED:
        return "belongs to an alias" in finding.what
    return told is not None or finding.kind is not names.OTHER_RELEASE


def _is_written_out(name: str, value: str) -> bool:
    """Whether a value stands as in a file, and is neither an example with gaps nor another thing."""
    is_object = name in (*ALIAS_NAMES, *SPEC_NAMES) and value.startswith(_OBJECT)
    return is_object and _PLACEHOLDER.search(value) is None


def _section(setting: Setting) -> str:
    """The section as nova writes it; of a line without one, that in which some release reads it."""
    if setting.section:
        return "DEFAULT" if setting.section == "default" else setting.section
    fact = names.MEANING[setting.name]
    read = (each for release in SERIES for each in names.read_names(fact, release))
    return next((each.section for each in read if each.name == setting.name), "pci")


def _meaning(setting: Setting) -> tuple[str, str, float]:
    """The cause, how its title begins, and how sure it is."""
    fact = names.MEANING.get(setting.name)
    if fact is options.ALIAS:
        return "alias-definition-invalid", "The alias is malformed", 0.93
    if fact is options.ENABLED_FILTERS:
        return "filter-not-enabled", "The list of filters is not read", 0.88
    if fact is options.DEVICE_SPEC:
        return "whitelist-mismatch", "nova gives no device away", 0.92
    return "whitelist-mismatch", "nova does not read an option for devices", 0.85
