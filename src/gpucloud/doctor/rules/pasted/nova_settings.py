"""nova's own options, judged as nova reads them.

Sources: nova/pci/request.py (_ALIAS_SCHEMA), nova/pci/devspec.py, nova/conf/pci.py and scheduler.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.settings import Setting, objects
from gpucloud.doctor.intent import cards
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Level
from gpucloud.model.pci import PciId
from gpucloud.model.unknown import Unknown

_ALIAS = ("alias", "pci_alias")
_LIST = ("device_spec", "passthrough_whitelist", "pci_passthrough_whitelist")
_UNREAD = {
    "dev_spec": "dev_spec is no option of nova: it is device_spec",
    "device_specs": "device_specs is no option of nova: it is device_spec",
    "pci_device_spec": "pci_device_spec is no option of nova: it is [pci] device_spec",
    "passthrough_white_list": "passthrough_white_list is no option of nova: it is [pci] "
    "passthrough_whitelist",
}
_ALIAS_KEYS = {
    "name", "vendor_id", "product_id", "device_type", "capability_type", "numa_policy", "resource_class",
    "traits", "live_migratable",
}  # fmt: skip
_MANY = 6
"""From 8 devices on nova itself warns; 8 in 6 groups give 20160 candidates (nova bug 2126751)."""
_TYPES = ("type-PCI", "type-PF", "type-VF")
_CURLY = re.compile("[\u201c\u201d\u2018\u2019\u00ab\u00bb\u201e\u2033]")
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_PLACEHOLDER = re.compile(r"\.\.\.|\u2026|<[^>]*>|\{\{|XXXX|\$\{")


@rule
def alias_malformed(case: Case) -> Answers:
    """An alias that nova refuses: not one JSON object, typographic quotes, wrong keys or ids."""
    if case.paper is None:
        return
    for setting in case.paper.nova.named(*_ALIAS):
        wrong = _alias_fault(setting)
        if wrong:
            yield known(
                "alias-definition-invalid", f"The alias is malformed: {wrong}", (setting.evidence,), 0.93
            )


@rule
def device_list_malformed(case: Case) -> Answers:
    """A device list that nova refuses, does not read, or that matches nothing."""
    if case.paper is None:
        return
    nova = case.paper.nova
    for setting in nova.settings:
        wrong = _UNREAD.get(setting.name, "") or _place_fault(setting)
        if not wrong and setting.name in _LIST:
            wrong = _list_fault(setting)
        if wrong:
            yield known(
                "whitelist-mismatch", f"nova gives no device away: {wrong}", (setting.evidence,), 0.92
            )


@rule
def filter_left_out(case: Case) -> Answers:
    """enabled_filters is set without PciPassthroughFilter: hosts without the device are chosen."""
    if case.paper is None:
        return
    nova = case.paper.nova
    lists = nova.named("enabled_filters", "scheduler_default_filters")
    wants = nova.named(*_ALIAS, *_LIST) or case.paper.request.aliases or case.paper.has("claim-failed")
    if lists and wants and not any("PciPassthroughFilter" in one.value for one in lists):
        yield known(
            "filter-not-enabled",
            "enabled_filters lacks PciPassthroughFilter, which is in no release's default",
            (lists[-1].evidence, *case.paper.lines("claim-failed", "no-valid-host")),
            0.9,
        )


@rule
def placement_half_configured(case: Case) -> Answers:
    """PCI in Placement is on: on one side only, or at all, which changes how devices are claimed."""
    if case.paper is None:
        return
    nova = case.paper.nova
    report = any(one.is_true for one in nova.named("report_in_placement"))
    use = any(one.is_true for one in nova.named("pci_in_placement"))
    lines = tuple(one.evidence for one in nova.named("report_in_placement", "pci_in_placement"))
    if use and not report and nova.named(*_LIST):
        title = "The scheduler asks Placement for PCI devices, and this compute reports none there"
        yield known("pci-in-placement", title, lines, 0.85)
    elif report or use:
        level, confidence = (Level.WARNING, 0.6) if case.paper.has("no-valid-host") else (Level.INFO, 0.4)
        title = "PCI in Placement is on; in its first releases guests get more or other devices than asked"
        yield known("pci-in-placement", title, lines, confidence, level=level)


@rule
def alias_repeated_with_placement(case: Case) -> Answers:
    """With PCI in Placement an alias has one spec; a repeated name is refused."""
    if case.paper is None or not any(one.is_true for one in case.paper.nova.named("pci_in_placement")):
        return
    named: dict[object, list[Setting]] = {}
    for setting in case.paper.nova.named(*_ALIAS):
        for one in objects(setting):
            named.setdefault(one.get("name"), []).append(setting)
    for name, settings in named.items():
        if len(settings) > 1:
            title = f"The alias {name} has several specs, and PCI in Placement takes one"
            lines = [setting.evidence for setting in settings]
            yield known("alias-definition-invalid", title, lines, 0.82)
            yield known("pci-in-placement", title, lines, 0.75)


@rule
def many_candidates(case: Case) -> Answers:
    """Many devices in one request multiply the allocation candidates: the request times out or finds none."""
    if case.paper is None or not any(one.is_true for one in case.paper.nova.named("pci_in_placement")):
        return
    asked = case.paper.request.get("pci_passthrough:alias")
    if asked is not None and any(count >= _MANY for _, count in case.paper.request.aliases):
        title = "Many devices in one request through Placement: the number of candidates explodes"
        yield known("pci-in-placement", title, (asked.evidence,), 0.65, level=Level.WARNING)


@rule
def vgpu_inventory_uncapped(case: Case) -> Answers:
    """Several vGPU types without max_instances: with SR-IOV each VF reports its own inventory."""
    if case.paper is None:
        return
    nova = case.paper.nova
    types = [one for one in nova.named("enabled_mdev_types", "enabled_vgpu_types") if "," in one.value]
    if types and not nova.named("max_instances", "device_addresses"):
        yield known(
            "pci-in-placement",
            "Several vGPU types and no max_instances: with SR-IOV cards Placement counts more than the "
            "card gives",
            (types[0].evidence,),
            0.4,
            level=Level.INFO,
        )


@rule
def limits_that_do_not_count(case: Case) -> Answers:
    """Unified limits do not count devices that are asked for by an alias."""
    if case.paper is None:
        return
    for setting in case.paper.nova.named("driver"):
        if "UnifiedLimitsDriver" in setting.value:
            yield known(
                "quota",
                "Unified limits do not count devices asked for by pci_passthrough:alias (before nova 2026.1)",
                (setting.evidence,),
                0.5,
                level=Level.INFO,
            )


@rule
def device_list_matches_nothing(case: Case) -> Answers:
    """The ids in the device list are those of no card that the host shows, though of the same vendor."""
    if case.paper is None or isinstance(case.host.functions, Unknown):
        return
    cards_there = {unit.primary.id for unit in cards(case) if isinstance(unit.primary.id, PciId)}
    settings = case.paper.nova.named(*_LIST)
    wanted = {ident for setting in settings for one in objects(setting) if (ident := read_ident(one))}
    specs = sum(1 for setting in settings for _ in objects(setting))
    is_complete = bool(wanted) and len(wanted) == specs
    is_same_vendor = bool({one.vendor for one in wanted} & {one.vendor for one in cards_there})
    if is_complete and is_same_vendor and not wanted & cards_there:
        shown = ", ".join(sorted(map(str, cards_there)))
        yield known(
            "whitelist-mismatch",
            f"The device list names {', '.join(sorted(map(str, wanted)))}; the host's cards are {shown}",
            (*(setting.evidence for setting in settings), *case.paper.lines("no-valid-host")),
            0.85,
        )


@rule
def alias_outside_device_list(case: Case) -> Answers:
    """An alias asks for ids that the device list beside it does not offer."""
    if case.paper is None:
        return
    nova = case.paper.nova
    specs = [one for setting in nova.named(*_LIST) for one in objects(setting)]
    offered = {ident for one in specs if (ident := read_ident(one))}
    if not specs or len(offered) != len(specs):
        return
    for setting in nova.named(*_ALIAS):
        for one in objects(setting):
            ident = read_ident(one)
            if ident is not None and ident not in offered:
                yield known(
                    "alias-definition-invalid",
                    f"The alias asks for {ident}, which no entry of the device list offers",
                    (setting.evidence, *(other.evidence for other in nova.named(*_LIST))),
                    0.6,
                    level=Level.WARNING,
                )


def read_ident(entry: Mapping[str, object]) -> PciId | None:
    """The ids of an alias or an entry of the device list; None where they are not both given in full."""
    try:
        return PciId(int(str(entry["vendor_id"]), 16), int(str(entry["product_id"]), 16))
    except (KeyError, ValueError):
        return None


def _alias_fault(setting: Setting) -> str:
    value = setting.value.strip()
    if _CURLY.search(value):
        return "typographic quotes are no JSON"
    if value.startswith("["):
        return "it is a list; nova wants one object for each alias line"
    if _PLACEHOLDER.search(value) or not value.startswith("{"):
        return ""
    data = setting.data
    if not isinstance(data, dict):
        return "it is no JSON object" + (" (JSON wants double quotes)" if "'" in value else "")
    return next(_alias_faults(data), "")


def _alias_faults(data: dict[str, object]) -> Iterator[str]:
    if not data.get("name"):
        yield "it has no name"
    if isinstance(data.get("name"), str) and data["name"] != str(data["name"]).strip():
        yield "its name has spaces around it"
    unknown = sorted(set(data) - _ALIAS_KEYS)
    if unknown:
        yield f"nova knows no key {', '.join(map(json.dumps, unknown))} in an alias"
    for key in ("vendor_id", "product_id"):
        ident = data.get(key)
        if ident is not None and not (isinstance(ident, str) and _HEX.fullmatch(ident)):
            yield f"{key} {ident!r} is not four hexadecimal digits"
    if not (data.get("vendor_id") and data.get("product_id")) and not data.get("resource_class"):
        yield "it has neither vendor_id and product_id nor a resource_class"
    if "device_type" in data and data["device_type"] not in _TYPES:
        yield f"device_type is one of {', '.join(_TYPES)}"
    if data.get("vendor_id") == "11de":
        yield "vendor 11de is no GPU vendor: NVIDIA is 10de"


def _place_fault(setting: Setting) -> str:
    if setting.name == "pci_passthrough_whitelist" and setting.section == "pci":
        return "no release reads [pci] pci_passthrough_whitelist; it is device_spec (passthrough_whitelist)"
    if setting.name in ("passthrough_whitelist", "device_spec") and setting.section == "default":
        return f"{setting.name} belongs under [pci], not under [DEFAULT]"
    return ""


def _list_fault(setting: Setting) -> str:
    value = setting.value.strip()
    if _CURLY.search(value):
        return "typographic quotes are no JSON"
    if _PLACEHOLDER.search(value) or value[:1] not in "{[":
        return ""
    if setting.data is None:
        return "the device list is no JSON" + (" (JSON wants double quotes)" if "'" in value else "")
    return next((fault for one in objects(setting) for fault in _spec_faults(one)), "")


def _spec_faults(spec: dict[str, object]) -> Iterator[str]:
    if "name" in spec:
        yield "`name` belongs into the alias; in the device list it is a tag that means nothing"
    for key in ("vendor_id", "product_id"):
        ident = spec.get(key)
        if ident is not None and not (isinstance(ident, str) and _is_device_id(ident)):
            yield f"{key} {ident!r} is no hexadecimal number of four digits"
    if str(spec.get("vendor_id", "")).lower().removeprefix("0x") == "11de":
        yield "vendor 11de is no GPU vendor: NVIDIA is 10de"
    address = spec.get("address")
    if isinstance(address, str) and re.search(r"[0-9a-fA-F]\*|\*[0-9a-fA-F]", address):
        yield f"address {address!r}: a field is a number or *, not a part of both"
    if "devname" in spec and "address" in spec:
        yield "devname and address exclude each other"


def _is_device_id(text: str) -> bool:
    return text.strip() == "*" or re.fullmatch(r"\s*(?:0x)?[0-9a-fA-F]{1,4}\s*", text) is not None
