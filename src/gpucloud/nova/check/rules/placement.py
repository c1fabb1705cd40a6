"""PCI devices in Placement: two switches in several services, and keys that only Placement looks at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpucloud.model.finding import Level
from gpucloud.nova.check.case import Case, Entry
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.lines import alias_lines, spec_lines, under
from gpucloud.nova.check.repair import better_class, better_traits
from gpucloud.nova.match.standard import normal_class, normal_traits
from gpucloud.nova.reading import Json, is_yes
from gpucloud.nova.releases import options, pci, platform
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.service import Service

_TRANSLATOR = "nova/compute/pci_placement_translator.py"
_GUIDE = "nova docs: admin/pci-passthrough (PCI tracking in Placement)"

HALF = Kind(
    "nova-placement-half",
    Level.WARNING,
    "Only one half of PCI in Placement is on",
    "report_in_placement makes nova-compute write devices into Placement, pci_in_placement makes nova-api, "
    "the scheduler and all conductors ask there. First the one on all computes, then the other everywhere.",
    ("`Got no allocation candidates from the Placement API`", "devices are given away twice over"),
    ("Set report_in_placement on all computes, restart them, then pci_in_placement on the others",),
    (_GUIDE, _TRANSLATOR),
)
ONE_WAY = Kind(
    "nova-placement-one-way",
    Level.INFO,
    "report_in_placement is written as off",
    "Once a compute has reported its devices it cannot be taken back: nova-compute does not start again "
    "with it off.",
    ("`The [pci]report_in_placement is False but it was enabled before on this compute.`",),
    ("Keep it on where it ever was on",),
    (_TRANSLATOR,),
)
KEYS_OFF = Kind(
    "nova-placement-keys-off",
    Level.WARNING,
    "resource_class or traits without report_in_placement",
    "Only Placement looks at these keys of an entry, and this nova-compute does not report there.",
    ("no custom resource class in Placement",),
    ("Set [pci]report_in_placement, or leave the keys out",),
    (_TRANSLATOR,),
)
NAME_FORM = Kind(
    "nova-placement-name",
    Level.WARNING,
    "A resource class or trait that becomes another name",
    "Nova writes names in capitals, puts _ for other signs and CUSTOM_ in front. Traits are split at "
    "commas and blanks stay: `blue, big` becomes CUSTOM_BLUE and CUSTOM__BIG. A list in JSON stops the "
    "tracking.",
    ("`No such trait(s)`", "`'list' object has no attribute 'split'`", "two names that were meant to be one"),
    ("Write the name as nova writes it, and traits with commas without blanks",),
    (
        f"{_TRANSLATOR}: get_resource_class, get_traits",
        "nova/conf/pci.py prints the blank in its own example",
    ),
)
TOO_MANY = Kind(
    "nova-placement-too-many",
    Level.WARNING,
    "Guests may get more functions than they asked for",
    "With both switches on and an alias of type-VF, this point release hands out more than the flavor asks.",
    ("a guest with more devices than its flavor",),
    ("Update to 29.4.0, 30.2.0, 31.1.0 or 32.0.0",),
    ("nova bug 2098496",),
)
NOT_HERE = Kind(
    "nova-placement-option-elsewhere",
    Level.WARNING,
    "An option of the placement service",
    "nova's section [placement] is about reaching the service. This option is read by placement itself, "
    "from placement.conf.",
    ("time-outs of allocation candidates with 8 equal devices and more",),
    ("Write it into placement.conf, and restart placement-api",),
    ("placement/conf/placement.py (13.0.0, 15.0.0)", _GUIDE),
)
NETWORK = Kind(
    "nova-physical-network",
    Level.WARNING,
    "physical_network on devices that are reported",
    "Devices with a physical_network are for neutron's ports: they are not written into Placement, and "
    "live_migratable does not count for them; an alias can still take them.",
    ("no provider for the device",),
    ("Leave physical_network out for GPUs",),
    (_TRANSLATOR, "nova bug 2102161"),
)

MIXED = Kind(
    "nova-placement-mixed",
    Level.WARNING,
    "Functions of one card with other classes or traits",
    "VFs of one physical function are one inventory in Placement: with other resource classes or traits "
    "nova-compute does not start. nova's own guide prints such an example.",
    ("`VFs from the same PF cannot be configured with different 'resource_class' values`",),
    ("Give all VFs of a function the same class and traits, or take VFs of two cards",),
    (_TRANSLATOR, _GUIDE),
)

_OFF = ("false", "0", "off", "no")
ELSEWHERE = {
    "max_allocation_candidates": "placement",
    "allocation_candidates_generation_strategy": "placement",
    "optimize_for_wide_provider_trees": "workarounds",
}


def half(case: Case) -> Iterator[Finding]:
    """One switch without the other in the same files, or in those of the other service."""
    reports, places = options.REPORT_IN_PLACEMENT.at(case.release), options.PCI_IN_PLACEMENT.at(case.release)
    if reports is None or places is None:
        return
    other = Case(case.against, case.release, case.service) if case.against is not None else case
    has_report = case.reports_in_placement or other.reports_in_placement
    has_place = case.places_pci or other.places_pci
    is_whole_view = case.against is not None or case.service is Service.COMPUTE
    if has_place and not has_report and is_whole_view:
        at = case.configuration.last(places)
        fix = under(reports, "true") if case.service is Service.COMPUTE else ()
        yield HALF.at(at, f"{places} is on and {reports} is off", fix=fix)
    elif case.against is not None and has_report and not has_place:
        yield HALF.at(
            case.configuration.last(reports), f"{reports} is on and {places} is off", level=Level.INFO
        )
    elif case.against is not None and case.places_pci != other.places_pci:
        yield HALF.at(
            case.configuration.last(places),
            f"{places} is not on for both services",
            fix=under(places, "true"),
        )


def one_way(case: Case) -> Iterator[Finding]:
    """The switch written as off."""
    option = options.REPORT_IN_PLACEMENT.at(case.release)
    setting = None if option is None else case.configuration.last(option)
    if setting is not None and setting.value.lower() in _OFF and case.service is Service.COMPUTE:
        yield ONE_WAY.at(setting, f"{option} = {setting.value}")


def keys_off(case: Case) -> Iterator[Finding]:
    """Keys for Placement in an entry that is not reported."""
    if case.reports_in_placement or "traits" not in pci.DEVICE_SPEC_KEYS.at(case.release):
        return
    if case.service is not Service.COMPUTE:
        return
    for entry in case.spec_entries:
        found = [key for key in ("resource_class", "traits") if key in entry.written]
        if found:
            fix = ("[pci]", "report_in_placement = true")
            what = f"the entry has {' and '.join(found)}, and [pci]report_in_placement is off"
            yield KEYS_OFF.at(entry.setting, what, fix=fix)


def name_form(case: Case) -> Iterator[Finding]:
    """Names that nova rewrites, or writes and Placement refuses."""
    for lines, entries in ((spec_lines, case.spec_entries), (alias_lines, case.alias_entries)):
        for entry in entries:
            written = entry.written
            said = []
            if written.get("resource_class") and better_class(written["resource_class"]) is not None:
                said.append(f"resource_class {written['resource_class']!r}")
            if written.get("traits") and better_traits(written["traits"]) is not None:
                said.append(f"traits {written['traits']!r}")
            if said:
                yield NAME_FORM.at(entry.setting, ", ".join(said), fix=lines(case.release, written))


def too_many(case: Case) -> Iterator[Finding]:
    """More functions than asked for."""
    if case.places_pci and platform.TOO_MANY_VFS.at(case.release):
        for entry in case.alias_entries:
            if entry.written.get("device_type") == "type-VF":
                yield TOO_MANY.at(
                    entry.setting, f"alias {entry.written.get('name')} is of type-VF, nova {case.release}"
                )


def not_here(case: Case) -> Iterator[Finding]:
    """Options of placement.conf."""
    for name, section in ELSEWHERE.items():
        setting = case.configuration.last(OptionName(section, name))
        if setting is not None:
            fix = ("# placement.conf", *under(OptionName(section, name), setting.value))
            yield NOT_HERE.at(setting, f"[{section}]{name} is read by placement, not by nova", fix=fix)


def network(case: Case) -> Iterator[Finding]:
    """A device for neutron that is meant for Placement."""
    for entry in case.spec_entries:
        if entry.written.get("physical_network") and any(
            key in entry.written for key in ("resource_class", "traits", "live_migratable")
        ):
            yield NETWORK.at(entry.setting, f"physical_network {entry.written['physical_network']!r}")


def mixed(case: Case) -> Iterator[Finding]:
    """Functions of one slot, which are those of one card, with other classes or traits."""
    if not case.reports_in_placement:
        return
    keys: list[str] = [
        key for key in ("resource_class", "traits") if key in pci.DEVICE_SPEC_KEYS.at(case.release)
    ]
    keys += ["live_migratable"] if pci.LIVE_MIGRATABLE_TRAIT.at(case.release) else []
    first: dict[str, Entry] = {}
    for entry in case.spec_entries:
        address = entry.written.get("address")
        slot, _, function = address.lower().rpartition(".") if isinstance(address, str) else ("", "", "")
        if slot.count(":") != 2 or function not in "01234567" or function == "0" or "*" in slot:
            continue
        other = first.setdefault(slot, entry)
        differs = [key for key in keys if _meaning(key, other.written) != _meaning(key, entry.written)]
        if differs:
            what = f"{other.written['address']} and {address} have another {' and '.join(differs)}"
            fix = spec_lines(case.release, {**entry.written, **{k: other.written.get(k) for k in differs}})
            yield MIXED.at(entry.setting, what, fix=fix)


def _meaning(key: str, written: Mapping[str, Json]) -> object:
    """What nova makes of a value before it compares: a class, a set of traits, or whether it is on.

    Source: nova/compute/pci_placement_translator.py: get_resource_class, get_traits.
    """
    value = written.get(key)
    if key == "live_migratable":
        return is_yes(value)
    if not isinstance(value, str):
        return value
    return normal_class(value) if key == "resource_class" else normal_traits(value.split(","))


RULES = (half, mixed, one_way, keys_off, name_form, too_many, not_here, network)
