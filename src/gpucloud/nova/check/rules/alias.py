"""Aliases: what nova refuses, and what it takes and then matches nothing, or too much."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from gpucloud.model.finding import Level
from gpucloud.nova.alias import Alias, parse_aliases
from gpucloud.nova.check.case import Case, Entry
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.lines import alias_lines, spec_lines
from gpucloud.nova.check.repair import repair_alias
from gpucloud.nova.check.start import reads_aliases_at_start
from gpucloud.nova.config import Setting
from gpucloud.nova.reading import Json, is_yes
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import options, pci
from gpucloud.nova.service import Service

_REQUEST = "nova/pci/request.py"
_STATS = "nova/pci/stats.py"
_IDS = ("vendor_id", "product_id")
_SHARED = ("device_type", "numa_policy")
"""What several definitions of one name must say alike (nova/pci/request.py: get_alias_from_config)."""

REFUSED = Kind(
    "nova-alias-refused",
    Level.BLOCKER,
    "Nova refuses an alias",
    "From 32.0.0 and 31.3.1 on nova-api and nova-compute parse all aliases when they start, and end at a "
    "bad one. Before, each request that names any alias fails.",
    (
        "`Invalid PCI alias definition: ...`",
        "`The PCI alias(es) ... does not have vendor_id and product_id fields set`",
    ),
    ("Correct the alias that the message names",),
    (f"{_REQUEST}: get_alias_from_config, _ALIAS_SCHEMA",),
)
UPPER_CASE = Kind(
    "nova-alias-upper-case",
    Level.BLOCKER,
    "Ids of an alias in capitals",
    "Before 18 nova compares ids of an alias as they are written, and devices always have lower case: "
    "nothing matches.",
    ("`No valid host was found`, and nothing else",),
    ("Write ids in lower case",),
    ("nova/pci/utils.py: pci_device_prop_match",),
)
NO_TYPE = Kind(
    "nova-alias-no-device-type",
    Level.INFO,
    "An alias without device_type",
    "It matches type-PCI and type-VF, never type-PF. Most of today's GPUs can do SR-IOV and are type-PF "
    "even with no virtual function on.",
    (
        "`No valid host was found` although a card is free",
        "`Dropped ... device(s) as they are PFs` (debug, 23)",
    ),
    ('Add "device_type": "type-PF" for a whole card with SR-IOV, type-VF for its functions, type-PCI else',),
    (f"{_STATS}: _filter_pools_for_pfs", "nova/virt/libvirt/host.py"),
)
CAPABILITY = Kind(
    "nova-alias-capability-type",
    Level.BLOCKER,
    "An alias with capability_type",
    "It is kept in the request and compared with the pools, which never have it: nothing matches.",
    ("`No valid host was found`, and nothing else",),
    ("Leave it out",),
    (f"{_REQUEST}, {_STATS}",),
)
NO_IDS = Kind(
    "nova-alias-without-ids",
    Level.WARNING,
    "An alias without ids",
    "Before 32.0.0 and 31.3.1 an alias without vendor_id and product_id matches each device but physical "
    "functions; where only Placement tells devices apart, pci_in_placement must be on.",
    (
        "guests get devices that nobody meant",
        "after an update: `does not have vendor_id and product_id fields set`",
    ),
    ("Add vendor_id and product_id",),
    (f"{_REQUEST}: _validate_aliases", "nova bug 2111440"),
)
UNUSABLE = Kind(
    "nova-alias-name",
    Level.WARNING,
    "An alias that no flavor can name",
    "A flavor asks with NAME:COUNT[,NAME:COUNT...]: a name with a colon or a comma cannot be asked for.",
    ("`not enough values to unpack`, or `PCI alias ... is not defined`",),
    ("Give it a name without colon and comma",),
    (f"{_REQUEST}: _translate_alias_to_requests",),
)
REPEATED = Kind(
    "nova-alias-repeated",
    Level.INFO,
    "One alias with several definitions",
    "A device that fits any of them is taken. All must have the same device_type and numa_policy, and "
    "device_type must be there; with PCI in Placement only one is allowed.",
    (
        "`Device type mismatch for alias`, `'dev_type'`",
        "`have multiple specs but [filter_scheduler]pci_in_placement is True`",
    ),
    ("Give the second another name, or one resource_class to all its devices",),
    (f"{_REQUEST}: get_alias_from_config",),
)
PLACEMENT_KEYS = Kind(
    "nova-alias-placement-keys",
    Level.WARNING,
    "resource_class or traits of an alias without pci_in_placement",
    "Only Placement looks at them. With [filter_scheduler]pci_in_placement off, this service does not use "
    "them; an alias that has nothing else is refused from 32.0.0 and 31.3.1 on.",
    (
        "a guest gets any device with these ids",
        "nova-compute ends where only its own file lacks pci_in_placement",
    ),
    ("Set pci_in_placement = true for nova-api, the scheduler, all conductors, and nova-compute",),
    (_REQUEST, "nova/conf/scheduler.py: pci_in_placement"),
)
NOT_MIGRATABLE = Kind(
    "nova-alias-live-migratable",
    Level.WARNING,
    "An alias for live migration, and no entry for it",
    "An alias with live_migratable yes matches only devices whose entry of device_spec says so, too.",
    ("`No valid host was found`, and nothing else",),
    ("Add live_migratable and managed to the entry of the functions that can migrate",),
    (f"{_STATS}: _filter_pools_for_live_migratable_devices", "nova docs: admin/pci-passthrough"),
)
NOT_ASKED = Kind(
    "nova-alias-not-live-migratable",
    Level.INFO,
    "Devices that can migrate live, and an alias that does not ask for it",
    "Guests of an alias without live_migratable get such devices, too, and cannot be migrated live: nova "
    "looks at what the request asks for, not at the device.",
    ("`This request does not explicitly request live-migratable devices`",),
    ("Add live_migratable yes to the alias: it counts for guests that are built after that",),
    ("nova/conductor/tasks/live_migrate.py", "nova docs: admin/pci-passthrough"),
)
DIFFERS = Kind(
    "nova-alias-differs",
    Level.BLOCKER,
    "The alias is another one for the other service",
    "nova-api turns a flavor into a request with its own aliases, nova-compute does so again for a resize. "
    "Both must have the same definition.",
    ("a resize or cold migration claims other devices, or none", "`PCI alias ... is not defined`"),
    ("Write the same lines for nova-api and nova-compute, and restart both",),
    ("nova docs: admin/pci-passthrough", f"{_REQUEST}, nova/compute/resource_tracker.py"),
)


def refused(case: Case) -> Iterator[Finding]:
    """Aliases that nova does not take."""
    if not isinstance(case.aliases, Refusal) or not case.alias_settings:
        return
    uses = case.service in (Service.API, Service.COMPUTE)
    level = Level.BLOCKER if reads_aliases_at_start(case) else Level.WARNING if uses else Level.INFO
    place = case.aliases.value
    setting = case.alias_settings[place] if place is not None else case.alias_settings[0]
    yield REFUSED.at(setting, case.aliases.message, level=level, fix=_fix_of(case, place))


def capitals(case: Case) -> Iterator[Finding]:
    """Ids in capitals where they match nothing."""
    for entry in case.alias_entries:
        upper = {
            key: value
            for key in _IDS
            if isinstance(value := entry.written.get(key), str) and value != value.lower()
        }
        if upper:
            fix = alias_lines(case.release, entry.written)
            level = Level.INFO if pci.MATCH_IGNORES_CASE.at(case.release) else Level.BLOCKER
            yield UPPER_CASE.at(
                entry.setting, f"ids in capitals: {', '.join(upper.values())}", fix=fix, level=level
            )


def no_type(case: Case) -> Iterator[Finding]:
    """An alias that never gets a physical function."""
    for entry in case.alias_entries:
        if _is_served(case, entry):
            continue
        if "device_type" not in entry.written and any(key in entry.written for key in _IDS):
            fix = alias_lines(case.release, {**entry.written, "device_type": "type-PF"})
            yield NO_TYPE.at(
                entry.setting, f"alias {entry.written.get('name')} never takes a type-PF", fix=fix
            )


def capability(case: Case) -> Iterator[Finding]:
    """capability_type, with which nothing matches."""
    for entry in case.alias_entries:
        if "capability_type" in entry.written:
            fix = alias_lines(case.release, entry.written)
            yield CAPABILITY.at(
                entry.setting, f"alias {entry.written.get('name')} has capability_type", fix=fix
            )


def no_ids(case: Case) -> Iterator[Finding]:
    """An alias that any device fits."""
    if isinstance(case.aliases, Refusal):
        return
    for entry in case.alias_entries:
        lacking = [key for key in _IDS if key not in entry.written]
        if lacking and not (case.places_pci and "resource_class" in entry.written):
            what = f"alias {entry.written.get('name')} has no {' and no '.join(lacking)}"
            yield NO_IDS.at(entry.setting, what)


def unusable(case: Case) -> Iterator[Finding]:
    """A name with a colon or a comma."""
    for entry in case.alias_entries:
        name = entry.written.get("name")
        if isinstance(name, str) and any(sign in name for sign in ":,"):
            yield UNUSABLE.at(entry.setting, f"no flavor can ask for {name!r}")


def repeated(case: Case) -> Iterator[Finding]:
    """Several definitions of one name."""
    if isinstance(case.aliases, Refusal):
        return
    for alias in case.aliases.values():
        if len(alias.specs) > 1:
            at = case.alias_settings[alias.values[-1]]
            what = f"alias {alias.name} has {len(alias.specs)} definitions"
            beside = (
                ", and [filter_scheduler]pci_in_placement is on: one is allowed" if case.places_pci else ""
            )
            level = Level.WARNING if case.places_pci else Level.INFO
            yield REPEATED.at(at, what + beside, level=level)


def placement_keys(case: Case) -> Iterator[Finding]:
    """Keys for Placement where Placement is not asked."""
    if case.places_pci or "resource_class" not in pci.ALIAS_KEYS.at(case.release):
        return
    if case.service is Service.CONDUCTOR:
        return
    option = options.PCI_IN_PLACEMENT.at(case.release)
    for entry in case.alias_entries:
        found = [key for key in ("resource_class", "traits") if key in entry.written]
        if found:
            what = f"alias {entry.written.get('name')} has {' and '.join(found)}, and {option} is off"
            fix = ("[filter_scheduler]", "pci_in_placement = true")
            yield PLACEMENT_KEYS.at(entry.setting, what, fix=fix)


def not_migratable(case: Case) -> Iterator[Finding]:
    """live_migratable in an alias, and in no entry beside it."""
    specs = [entry.written for entry in case.spec_entries]
    if not specs or any(is_yes(written.get("live_migratable")) for written in specs):
        return
    for entry in case.alias_entries:
        if is_yes(entry.written.get("live_migratable")) and entry.written["live_migratable"] is not True:
            what = f"alias {entry.written.get('name')} wants live_migratable, and no entry has it"
            fixed = {**specs[0], "live_migratable": "yes", "managed": "no"}
            yield NOT_MIGRATABLE.at(entry.setting, what, fix=spec_lines(case.release, fixed))


def not_asked(case: Case) -> Iterator[Finding]:
    """live_migratable in an entry, and not in the alias of its ids."""
    able = [each.written for each in case.spec_entries if is_yes(each.written.get("live_migratable"))]
    if "live_migratable" not in pci.ALIAS_KEYS.at(case.release):
        return
    for entry in case.alias_entries:
        if "live_migratable" not in entry.written and any(_meets(entry.written, one) for one in able):
            what = f"alias {entry.written.get('name')} does not ask for live_migratable, an entry has it"
            asked = {**entry.written, "live_migratable": "yes"}
            yield NOT_ASKED.at(entry.setting, what, fix=alias_lines(case.release, asked))


def _meets(alias: Mapping[str, object], spec: Mapping[str, object]) -> bool:
    """Whether an alias may mean devices of an entry, by the ids that both have."""
    return all(
        str(alias[key]).lower() == str(spec[key]).lower() for key in _IDS if key in alias and key in spec
    )


def differs(case: Case) -> Iterator[Finding]:
    """Aliases that are not the same in the files of the other service."""
    if case.against is None or case.service not in (Service.API, Service.COMPUTE):
        return
    other = Case(case.against, case.release, case.service)
    if isinstance(other.aliases, Refusal):
        place = other.aliases.value
        at = other.alias_settings[place or 0] if other.alias_settings else None
        yield DIFFERS.at(
            at, f"the aliases there are refused: {other.aliases.message}", fix=_fix_of(other, place)
        )
        return
    if other.configuration.error is not None:
        yield DIFFERS.at(None, f"no service starts with the other files: {other.configuration.error}")
        return
    if isinstance(case.aliases, Refusal):
        return
    for name, alias in case.aliases.items():
        if _facts(alias) != _facts(other.aliases.get(name)):
            here = case.alias_settings[alias.values[0]]
            there = _place(other, name)
            what = (
                f"alias {name} is another one there ({there})"
                if there
                else f"the other service has no alias {name}"
            )
            yield DIFFERS.at(here, what, fix=_lines(case, alias))
    for name, alias in other.aliases.items():
        if name not in case.aliases:
            where = f"{_place(other, name)} has alias {name}, these files do not"
            yield DIFFERS.at(None, where, fix=_lines(other, alias))


def _is_served(case: Case, entry: Entry) -> bool:
    """Whether a device of the host, where one is known, fits the alias as it is."""
    found = None if case.match is None else case.match.choices.get(str(entry.written.get("name")))
    return found is not None and bool(found.serving)


def _facts(alias: Alias | None) -> object:
    if alias is None:
        return None
    return alias.numa_policy, sorted(map(_folded, alias.specs), key=str)


def _folded(spec: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted((key, value.lower() if key in _IDS else value) for key, value in spec.items())


def _place(case: Case, name: str) -> str | None:
    aliases = case.aliases
    alias = None if isinstance(aliases, Refusal) else aliases.get(name)
    if alias is None:
        return None
    setting = case.alias_settings[alias.values[0]]
    return f"{setting.file}:{setting.line}"


def _lines(case: Case, alias: Alias) -> tuple[str, ...]:
    values: list[Setting] = [case.alias_settings[place] for place in alias.values]
    return (f"[{case.alias_option.section}]", *(f"{case.alias_option.name} = {one.value}" for one in values))


def _fix_of(case: Case, place: int | None) -> tuple[str, ...]:
    """The refused alias as this release takes it; nothing where it cannot be told."""
    mine = _twice(case) if place is None else _written_at(case, case.alias_settings[place])
    if len(mine) != 1 or not _is_taken(case, mine):
        return ()
    same = [each.written for each in case.alias_entries if each.written.get("name") == mine[0].get("name")]
    for right in (mine if len(same) == 1 else _agreed(same, mine[0]), _apart(same, mine[0])):
        if _is_taken(case, right):
            return alias_lines(case.release, *right)
    return ()


def _written_at(case: Case, setting: Setting) -> list[Mapping[str, Json]]:
    return [entry.written for entry in case.alias_entries if entry.setting == setting]


def _twice(case: Case) -> list[Mapping[str, Json]]:
    """The first definition whose name another had before."""
    names = [each.written.get("name") for each in case.alias_entries]
    again = (each.written for at, each in enumerate(case.alias_entries) if names[at] in names[:at])
    return list(islice(again, 1))


def _is_taken(case: Case, written: Sequence[Mapping[str, Json]]) -> bool:
    values = [json.dumps(repair_alias(one, case.release)) for one in written]
    return not isinstance(parse_aliases(values, case.release, pci_in_placement=case.places_pci), Refusal)


def _agreed(same: Sequence[Mapping[str, Json]], mine: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """Definitions of one name, all with what mine says where all must say the same."""
    shared = {key: mine[key] for key in _SHARED if key in mine}
    kept = [
        {key: shared.get(key, one[key]) for key in one if key not in _SHARED or key in mine} for one in same
    ]
    right = [{**one, **shared} for one in kept]
    return [one for number, one in enumerate(right) if one not in right[:number]]


def _apart(same: Sequence[Mapping[str, Json]], mine: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """The same, mine with a name of its own."""
    return [{**one, "name": f"{one['name']}-2"} if one == mine else one for one in same]


RULES = (
    refused,
    capitals,
    no_type,
    capability,
    no_ids,
    unusable,
    repeated,
    placement_keys,
    not_migratable,
    not_asked,
    differs,
)
