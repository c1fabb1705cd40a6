"""nova's pools of free devices, as its logs show them, against what is configured and asked for.

Sources: nova/pci/stats.py (PciDeviceStats), nova/compute/resource_tracker.py (Final resource view).
"""

from __future__ import annotations

from collections import Counter

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper
from gpucloud.doctor.evidence.settings import ALIAS_NAMES, SPEC_NAMES, objects
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.pasted.nova_settings import read_ident
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Level
from gpucloud.model.pci import PciId


def types_in_pools(paper: Paper, ident: PciId) -> set[str]:
    """The device types under which nova's pools hold devices of this product."""
    return {
        remark.caught["type"]
        for remark in paper.said("pools-shown")
        if int(remark.caught["product"], 16) == ident.device
    }


@rule
def no_pool_at_all(case: Case) -> Answers:
    """A device list is set, and the compute service has no pool: nothing on the host matches the list."""
    paper = case.paper
    if paper is None or not paper.has("pools-none") or paper.has("pools-shown"):
        return
    settings = paper.nova.named(*SPEC_NAMES)
    if settings or paper.request.aliases:
        yield known(
            "whitelist-mismatch",
            "nova-compute has no pool of devices: nothing on this host matches its device list",
            (*paper.lines("pools-none"), *(setting.evidence for setting in settings)),
            0.8,
        )


@rule
def pool_of_another_type(case: Case) -> Answers:
    """The pools hold the product that an alias names, under another device type."""
    paper = case.paper
    if paper is None:
        return
    for setting in paper.nova.named(*ALIAS_NAMES):
        for one in objects(setting):
            ident, wanted = read_ident(one), one.get("device_type") or "type-PCI"
            held = types_in_pools(paper, ident) if ident is not None else set()
            if held and wanted not in held:
                yield known(
                    "alias-device-type-mismatch",
                    f"The alias asks for {ident} as {wanted}; nova holds it as {', '.join(sorted(held))}",
                    (setting.evidence, *paper.lines("pools-shown")),
                    0.93,
                )


@rule
def one_product_by_several_aliases(case: Case) -> Answers:
    """A flavor asks for one product by several aliases, and the claim fails.

    The filter of nova before 2023.1 looks at each request by itself, so it accepts a host that has a device
    for each but not for all. Source: nova bug 1986838.
    """
    paper = case.paper
    asked = paper.request.get("pci_passthrough:alias") if paper is not None else None
    if paper is None or asked is None or not paper.has("claim-failed", "stale-unassign", "pools-short"):
        return
    names = {name for name, _ in paper.request.aliases}
    products = Counter(
        ident
        for setting in paper.nova.named(*ALIAS_NAMES)
        for one in objects(setting)
        if one.get("name") in names and (ident := read_ident(one)) is not None
    )
    shared = [str(ident) for ident, count in products.items() if count > 1 and len(names) > 1]
    if shared:
        yield known(
            "not-enough-devices",
            f"The flavor asks for {', '.join(shared)} by several aliases, and the host has too few for all",
            (asked.evidence, *paper.lines("claim-failed", "stale-unassign", "pools-short")),
            0.86,
            level=Level.BLOCKER,
        )
