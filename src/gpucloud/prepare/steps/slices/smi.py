"""NVIDIA's own program asked for the MIG instances of one card.

Where there are none it says so and ends with 6, "a query to find an object was unsuccessful" (nvidia-smi(1),
"Return value"); what it lists is read as the tables of ``slices.mig``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpucloud.model.unknown import Unknown
from gpucloud.prepare.steps.seen import StepError
from gpucloud.slices.mig.evidence import says_none
from gpucloud.slices.mig.tables import parse_tables

if TYPE_CHECKING:
    from gpucloud.model.pci import PciAddress
    from gpucloud.prepare.system import System


@dataclass(frozen=True, slots=True)
class Seen:
    """A GPU instance that is there."""

    id: int
    profile: int
    start: int
    size: int
    compute: tuple[int, ...]
    """Profile ids of its compute instances, by their places."""

    def overlaps(self, start: int, size: int) -> bool:
        """Claims a memory slice of these."""
        return self.start < start + size and start < self.start + self.size


def read_gpu_instances(address: PciAddress, tool: str, system: System) -> tuple[Seen, ...]:
    """The GPU instances of a card, by their places.

    Raises:
        StepError: the program is not there, failed, or said something else.
    """
    instances = _ask(address, tool, "-lgi", system)
    if not instances:
        return ()
    tables = parse_tables(instances).values()
    inner = parse_tables(_ask(address, tool, "-lci", system)).values()
    compute = {id_: places for each in inner for id_, places in each.compute_profiles.items()}
    found = [
        Seen(each.id, each.profile, each.start, each.size, _kinds(compute.get(each.id, [])))
        for table in tables
        for each in table.instances.values()
        if not isinstance(each.profile, Unknown)
        and not isinstance(each.start, Unknown)
        and not isinstance(each.size, Unknown)
    ]
    if not found:
        raise StepError(f"{tool} mig -lgi lists no GPU instance of {address}, and does not say that none is")
    return tuple(sorted(found, key=lambda each: each.start))


def _kinds(places: list[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(kind for _, kind in sorted(places))


def _ask(address: PciAddress, tool: str, what: str, system: System) -> str:
    """What it lists; empty where it says that there is nothing to list."""
    try:
        said = system.ask_tool((tool, "mig", "-i", str(address), what))
    except OSError as error:
        if says_none(str(error)):
            return ""
        raise StepError(f"MIG instances of {address} could not be asked: {error}") from error
    return "" if says_none(said) else said
