"""Placement: whether any host has room for all that the flavor asks of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.rules.answer import Answers, Rule, Step, stops
from gpucloud.cloud.openstack.explain.seen import Candidates, Inventory
from gpucloud.doctor.case import Blind
from gpucloud.model.finding import Evidence, Finding
from gpucloud.model.unknown import Unknown

_PLAIN = ("VCPU", "PCPU", "MEMORY_MB", "DISK_GB")
_ASKED = "GET /allocation_candidates"
_SHOW_TRAITS = "openstack resource provider list --required TRAIT"
_RESERVED = (
    "Devices with one_time_use stay reserved after their first guest (nova 32 and later), "
    "until somebody takes that back."
)
_TAKE_BACK = "Make sure that the device is clean, then take the reservation back"
_ONE_PROVIDER = "One group of a flavor is taken from one provider: a card, or one of its functions."
_SPLIT = "Ask for fewer of one provider, or wait until guests of one card end"
_ANY_NAME = "Placement chooses among providers that have every class and trait that is asked for."


def room(case: Case) -> Answers:
    """The parts for which no host has room; or that no one host has room for all."""
    found = case.seen.candidates
    if isinstance(found, Unknown):
        yield Blind("no-room-on-hosts", "Placement's candidates", found.why)
    elif found.refusal is not None:
        title = f"Placement does not understand what the flavor asks for: {found.refusal}"
        fix = "Correct the flavor, or make the trait or class: openstack trait create, resource class create"
        yield stops("no-room-on-hosts", title, _specs(case), why=_ANY_NAME, fix=fix)
    elif not found.hosts:
        lacking = [name for name, hosts in found.parts.items() if not hosts]
        yield from (_lacks(case, found, name) for name in lacking)
        if not lacking:
            yield _scattered(case, found)


def _lacks(case: Case, found: Candidates, name: str) -> Finding:
    """A class or trait that no host can give."""
    kind, sign, amount = name.partition(":")
    if not sign:
        line = Evidence(_ASKED, f"required={name}: no candidate")
        lacks = "is without" if name.startswith("!") else "has"
        title = f"No host that {lacks} the trait {name.lstrip('!')} has room"
        specs = (line, *_specs(case))
        return stops("no-room-on-hosts", title, specs, why=_ANY_NAME, commands=(_SHOW_TRAITS,))
    stock = found.inventories.get(kind, ())
    line = Evidence(_ASKED, f"resources={name}: no candidate")
    if isinstance(stock, Unknown):
        return stops(_cause(kind, ()), f"No host has room for {name}", (line,), confidence=0.7)
    lines = (Evidence(f"provider {one.provider}", _shown(kind, one)) for one in stock)
    if (held := _reserved(kind, int(amount), stock)) is not None:
        return stops(
            "not-enough-devices", *held[:1], (line, *lines), why=_RESERVED, fix=_TAKE_BACK, commands=held[1:]
        )
    title = _title(kind, int(amount), stock)
    if _is_split(kind, int(amount), stock):
        return stops(_cause(kind, stock), title, (line, *lines), why=_ONE_PROVIDER, fix=_SPLIT)
    fix = "" if kind in _PLAIN or any(one.total for one in stock) else _fix(kind)
    why = "Placement gives out what nova-compute reports to it." if fix else ""
    return stops(_cause(kind, stock), title, (line, *lines), why=why, fix=fix)


def _reserved(kind: str, amount: int, stock: Sequence[Inventory]) -> tuple[str, str] | None:
    """Title and command where enough would be free, were it not reserved."""
    held = [
        one
        for one in stock
        if kind not in _PLAIN and one.reserved and one.free < amount <= one.total - one.used
    ]
    if not held or any(one.free >= amount for one in stock):
        return None
    reserved, total = sum(one.reserved for one in held), sum(one.total for one in stock)
    return (
        f"No {kind} may be given: {reserved} of {total} are reserved, and no guest has them",
        f"openstack resource provider inventory set --amend --resource {kind}:reserved=0 PROVIDER_UUID",
    )


def _is_split(kind: str, amount: int, stock: Sequence[Inventory]) -> bool:
    """Claims enough in all, and on no one provider, each of which could have it."""
    free = [max(one.free, 0) for one in stock]
    is_split = max(free, default=0) < amount <= sum(free)
    return kind not in _PLAIN and is_split and any(one.total >= amount for one in stock)


def _fix(kind: str) -> str:
    """What makes nova-compute report a class that no host reports."""
    if kind.startswith("CUSTOM_PCI_"):
        return "report_in_placement and device_spec in [pci] of nova-compute: gpucloud nova check"
    return "enabled_mdev_types in [devices] of nova-compute, types that the card offers: gpucloud nova check"


def _cause(kind: str, stock: Sequence[Inventory]) -> str:
    if kind in _PLAIN:
        return "no-room-on-hosts"
    if any(one.total for one in stock):
        return "not-enough-devices" if kind.startswith("CUSTOM_PCI_") else "vgpu-type-or-capacity"
    return "pci-in-placement" if kind.startswith("CUSTOM_PCI_") else "vgpu-type-or-capacity"


def _title(kind: str, amount: int, stock: Sequence[Inventory]) -> str:
    if not any(one.total for one in stock):
        return f"No host reports any {kind} to Placement"
    if max(one.total for one in stock) < amount:
        most = max(one.total for one in stock)
        return f"The flavor asks for {amount} {kind} of one provider, and the largest has {most}"
    if _is_split(kind, amount, stock):
        most, left = max(one.free for one in stock), sum(max(one.free, 0) for one in stock)
        return f"No one provider has {amount} {kind} free: {left} are free in all, and {most} on the best"
    used, total = sum(one.used for one in stock), sum(one.total for one in stock)
    return f"No {kind} is free: {used} of {total} are in use, and the flavor asks for {amount}"


def _shown(kind: str, one: Inventory) -> str:
    return f"{kind} total {one.total}, reserved {one.reserved}, used {one.used}"


def _scattered(case: Case, found: Candidates) -> Finding:
    """Each part has room somewhere, and no host for all of them."""
    lines = [
        Evidence(f"resources={name}", ", ".join(sorted(map(case.name_of, hosts))))
        for name, hosts in found.parts.items()
    ]
    is_plain = all(name.partition(":")[0] in _PLAIN for name in found.parts)
    cause = "no-room-on-hosts" if is_plain else "pci-in-placement"
    return stops(cause, "No one host has room for all that the flavor asks for", lines, confidence=0.85)


def _specs(case: Case) -> Iterator[Evidence]:
    for name, value in case.seen.flavor.extra_specs.items():
        if name.startswith(("resources", "trait")):
            yield Evidence(f"flavor {case.seen.flavor_name}", f"{name}={value}")


RULES = (Rule(Step.PLACEMENT, "nova/scheduler/manager.py: select_destinations()", room),)
