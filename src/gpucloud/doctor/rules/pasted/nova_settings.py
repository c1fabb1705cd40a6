"""nova's own options, judged as nova reads them.

Sources: nova/pci/request.py (_ALIAS_SCHEMA), nova/pci/devspec.py, nova/conf/pci.py and scheduler.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.settings import ALIAS_NAMES, SPEC_NAMES, objects
from gpucloud.doctor.intent import cards
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Level
from gpucloud.model.pci import PciId
from gpucloud.model.unknown import Unknown

_FULL_ADDRESS = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]")


@rule
def filter_left_out(case: Case) -> Answers:
    """enabled_filters is set without PciPassthroughFilter: hosts without the device are chosen."""
    if case.paper is None:
        return
    nova = case.paper.nova
    lists = nova.named("enabled_filters", "scheduler_default_filters")
    wants = (
        nova.named(*ALIAS_NAMES, *SPEC_NAMES) or case.paper.request.aliases or case.paper.has("claim-failed")
    )
    if lists and wants and not any("PciPassthroughFilter" in one.value for one in lists):
        refused = case.paper.lines("claim-failed", "no-valid-host")
        yield known(
            "filter-not-enabled",
            "enabled_filters lacks PciPassthroughFilter, which is in no release's default",
            (lists[-1].evidence, *refused),
            0.9,
            # Where each host has a free device, nothing fails without the filter.
            level=Level.BLOCKER if refused else Level.WARNING,
        )


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
    settings = case.paper.nova.named(*SPEC_NAMES)
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
    settings = case.paper.nova.named(*SPEC_NAMES)
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
    specs = [one for setting in nova.named(*SPEC_NAMES) for one in objects(setting)]
    offered = {ident for one in specs if (ident := read_ident(one))}
    if not specs or len(offered) != len(specs):
        return
    for setting in nova.named(*ALIAS_NAMES):
        for one in objects(setting):
            ident = read_ident(one)
            if ident is not None and ident not in offered:
                yield known(
                    "alias-definition-invalid",
                    f"The alias asks for {ident}, which no entry of the device list offers",
                    (setting.evidence, *(other.evidence for other in nova.named(*SPEC_NAMES))),
                    0.6,
                    level=Level.WARNING,
                )


def read_ident(entry: Mapping[str, object]) -> PciId | None:
    """The ids of an alias or an entry of the device list; None where they are not both given in full."""
    try:
        return PciId(int(str(entry["vendor_id"]), 16), int(str(entry["product_id"]), 16))
    except (KeyError, ValueError):
        return None
