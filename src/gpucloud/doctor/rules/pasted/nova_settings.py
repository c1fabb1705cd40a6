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
_TYPES = ("type-PCI", "type-PF", "type-VF")
_CURLY = re.compile("[\u201c\u201d\u2018\u2019\u00ab\u00bb\u201e\u2033]")
_FULL_ADDRESS = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]")
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
def filters_out_of_place(case: Case) -> Answers:
    """enabled_filters outside [filter_scheduler]: nova does not read it there.

    Source: nova/conf/scheduler.py; scheduler_default_filters went with Pike.
    """
    paper = case.paper
    if paper is None:
        return
    for setting in paper.nova.named("enabled_filters", "scheduler_default_filters"):
        is_elsewhere = setting.name == "enabled_filters" and setting.section not in ("", "filter_scheduler")
        if is_elsewhere and "PciPassthroughFilter" in setting.value:
            title = (
                f"enabled_filters stands under [{setting.section}]; nova reads it under [filter_scheduler]"
            )
            yield known("filter-not-enabled", title, (setting.evidence,), 0.88)


@rule
def types_out_of_place(case: Case) -> Answers:
    """enabled_mdev_types outside [devices]: nova does not read it there, so it offers no vGPU."""
    paper = case.paper
    if paper is None:
        return
    for setting in paper.nova.named("enabled_mdev_types", "enabled_vgpu_types"):
        if setting.section not in ("", "devices"):
            title = f"{setting.name} stands under [{setting.section}]; nova reads it under [devices]"
            yield known("whitelist-mismatch", title, (setting.evidence,), 0.85)


@rule
def type_not_offered(case: Case) -> Answers:
    """Nova is told a vGPU type that the card does not offer."""
    paper = case.paper
    offered = {r.caught["type"] for r in paper.said("mdev-types") if "type" in r.caught} if paper else set()
    if paper is None or not offered:
        return
    for setting in paper.nova.named("enabled_mdev_types", "enabled_vgpu_types"):
        wanted = {name.strip() for name in setting.value.split(",") if name.strip()}
        if wanted and not wanted & offered:
            yield known(
                "vgpu-type-or-capacity",
                f"nova is told {', '.join(sorted(wanted))}; the card offers {', '.join(sorted(offered)[:6])}",
                (setting.evidence, *paper.lines("mdev-types")[:3]),
                0.82,
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
def device_list_at_other_addresses(case: Case) -> Answers:
    """The device list names addresses alone, and the cards that the host shows are at others."""
    if case.paper is None:
        return
    settings = case.paper.nova.named(*_LIST)
    named = [str(one.get("address", "")) for setting in settings for one in objects(setting)]
    shown = {str(unit.address) for unit in cards(case)}
    if not named or not shown or not all(_FULL_ADDRESS.fullmatch(one) for one in named):
        return
    if not shown & {one.lower() for one in named}:
        yield known(
            "whitelist-mismatch",
            f"The device list names {', '.join(named[:4])}; the host's cards are at "
            f"{', '.join(sorted(shown)[:4])}",
            (setting.evidence for setting in settings),
            0.76,
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
