"""What the rules look at: the facts of one host, where each was seen, and what the user asked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast

from gpucloud.model.finding import Evidence, Finding
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciFunction
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from gpucloud.doctor.evidence.paper import Paper

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Case:
    """One host, or what a report shows of one, as the rules see it."""

    host: Host
    named: frozenset[PciAddress] = frozenset()
    """Units that the user asked about by address: for them passthrough is wanted beyond doubt."""
    shown: Mapping[str, Evidence] = field(default_factory=lambda: MappingProxyType({}))
    """Where pasted evidence shows a fact, by the place that the fact has on a host."""
    paper: Paper | None = None
    """What pasted evidence says beyond the facts of a host; None where a host itself was read."""
    sliced: Mapping[PciAddress, Evidence] | Unknown = field(default_factory=lambda: MappingProxyType({}))
    """Cards that a spec which was applied here cuts, by what says so; of captures none is known."""
    _answers: dict[Callable[[Case], object], object] = field(default_factory=dict, repr=False, compare=False)

    def once(self, ask: Callable[[Case], Answer]) -> Answer:
        """What a function says of this case, worked out once: rules ask the same for each of many units."""
        if ask not in self._answers:
            self._answers[ask] = ask(self)
        return cast("Answer", self._answers[ask])

    def unit_at(self, address: PciAddress) -> GpuUnit | None:
        """The unit that one of whose functions is at the address."""
        return self.once(_units_by_address).get(address)

    def cite(self, place: str, text: str) -> Evidence:
        """The line that shows a fact: of the pasted evidence where it came from there, else of the host.

        Args:
            place: where the fact lives on a host, such as ``/proc/cmdline``.
            text: what is read there.
        """
        return self.shown.get(place) or Evidence(place, text)

    def cite_driver(self, function: PciFunction) -> Evidence:
        """The line that shows which driver a function has."""
        return self.cite(f"{device_path(function.address)}/driver", f"{function.address} {_driver(function)}")

    def function(self, address: PciAddress) -> PciFunction | None:
        """The function at an address; None where there is none, or functions are unknown."""
        functions = self.host.functions
        return None if isinstance(functions, Unknown) else functions.get(address)


@dataclass(frozen=True, slots=True)
class Blind:
    """Something that a rule could not look at, and why: a rule that lacks its input says so."""

    cause: str
    fact: str
    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """A command to run where the evidence shows no cause, and what its output would decide."""

    topic: str
    """What of the report it is about, in words."""
    where: str
    """``host``, ``guest``, or ``controller`` for nova's API, scheduler and database."""
    run: str
    decides: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor has to say of one input."""

    source: str
    findings: tuple[Finding, ...]
    """The likeliest root cause first."""
    blind: tuple[Blind, ...]
    """What could not be looked at; never a finding."""
    is_of_report: bool = False
    """Made from pasted evidence: that nothing was found in it does not say that nothing is wrong."""
    read: tuple[str, ...] = ()
    """What was recognised in a report, in words: ``3 options of nova``."""
    questions: tuple[Question, ...] = ()
    """What to ask of a report whose evidence is too thin, most deciding first."""
    has_looked: bool = True
    """A GPU was seen, or it was seen that there is none: without that "nothing found" says nothing."""


def device_path(address: PciAddress) -> str:
    """Where the kernel keeps the facts of a PCI function."""
    return f"/sys/bus/pci/devices/{address}"


def list_units(units: tuple[GpuUnit, ...]) -> str:
    """Units in a sentence: ``27:00.0, 28:00.0``."""
    return ", ".join(unit.address.short for unit in units)


def _units_by_address(case: Case) -> Mapping[PciAddress, GpuUnit]:
    return {address: unit for unit in case.host.units for address in unit.addresses}


def _driver(function: PciFunction) -> str:
    match function.driver:
        case Unknown():
            return "driver unknown"
        case None:
            return "no driver"
        case driver:
            return driver
