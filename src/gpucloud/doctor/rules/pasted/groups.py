"""Groups of a listing in which no card is seen: a network card or controller is to be given away."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.doctor.case import Case
from gpucloud.doctor.intent import cards, is_given_away
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Level
from gpucloud.model.pci import PciFunction
from gpucloud.model.unknown import Unknown


@rule
def device_in_crowded_group(case: Case) -> Answers:
    """A listing without cards shows a group of several slots: a device of it cannot be given away alone."""
    if case.paper is None or cards(case):
        return
    for number, members in _crowded(case):
        yield known(
            "acs-missing",
            f"Group {number} holds devices of {len({_slot(one) for one in members})} slots: none can be "
            "given away alone",
            (
                case.cite(f"/sys/bus/pci/devices/{one.address}/class", f"{one.address} {one.name}")
                for one in members
            ),
            0.3,
            level=Level.INFO,
        )


def _crowded(case: Case) -> Iterator[tuple[int, tuple[PciFunction, ...]]]:
    """Groups with endpoints of several slots; the chipset's own on bus 0 share theirs by design."""
    functions, groups = case.host.functions, case.host.iommu.groups
    if isinstance(functions, Unknown) or isinstance(groups, Unknown):
        return
    for number, group in groups.items():
        found = (functions[address] for address in group.members if address in functions)
        members = tuple(one for one in found if not one.is_bridge and one.address.bus != 0)
        if len({_slot(one) for one in members}) > 1 and not all(is_given_away(one) for one in members):
            yield number, members


def _slot(one: PciFunction) -> tuple[int, int, int]:
    return one.address.domain, one.address.bus, one.address.device
