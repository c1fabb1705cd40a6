"""How a function stands now against what a plan found and what it made of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gpucloud.model.change import BindDriver, SetDriverOverride, UnbindDriver
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Plan
from gpucloud.prepare.steps.driver import read_driver
from gpucloud.prepare.steps.override import read_override
from gpucloud.prepare.system import System


class Standing(Enum):
    """Where one function is on the way from before to planned."""

    BEFORE = "as before"
    PLANNED = "as planned"
    BETWEEN = "between"
    """Where a cut leaves it: unbound, or with one of its two overrides."""
    CHANGED = "changed by somebody else"
    GONE = "not there"


@dataclass(frozen=True, slots=True)
class Way:
    """What a plan does to one function."""

    address: PciAddress
    driver: tuple[str | None, str | None]
    """Before and as planned."""
    override: tuple[str | None, str | None]
    """Before and as planned."""


@dataclass(frozen=True, slots=True)
class Stand:
    """How one function stands, with what was seen."""

    way: Way
    standing: Standing
    seen: str


def ways_of(plan: Plan) -> tuple[Way, ...]:
    """What the plan does to each function, in the order of addresses."""
    changes = [step.change for step in plan.steps]
    unbinds = {change.address: change for change in changes if isinstance(change, UnbindDriver)}
    overrides = {change.address: change for change in changes if isinstance(change, SetDriverOverride)}
    binds = {change.address: change for change in changes if isinstance(change, BindDriver)}
    return tuple(_way(unbinds.get(at), overrides.get(at), binds[at]) for at in sorted(binds))


def _way(unbind: UnbindDriver | None, override: SetDriverOverride | None, bind: BindDriver) -> Way:
    if override is not None:
        overrides = (override.before, override.after)
    else:  # it stood already: a function is bound where its override says
        stood = unbind.override if unbind is not None else bind.driver
        overrides = (stood, stood)
    return Way(bind.address, (unbind.driver if unbind else None, bind.driver), overrides)


def look_at(way: Way, system: System) -> Stand:
    """How the function stands now.

    Raises:
        StepError: it cannot be looked at.
        StillWaitingError: the kernel does not answer.
    """
    if system.list_dir(f"/sys/bus/pci/devices/{way.address}") is None:
        return Stand(way, Standing.GONE, f"{way.address} is not there any more")
    seen = read_driver(way.address, system), read_override(way.address, system)
    text = f"{way.address} is with {seen[0] or 'no driver'} and has {seen[1] or 'no'} override"
    return Stand(way, _judge(way, *seen), text)


def _judge(way: Way, driver: str | None, override: str | None) -> Standing:
    if (driver, override) == (way.driver[0], way.override[0]):
        return Standing.BEFORE
    if (driver, override) == (way.driver[1], way.override[1]):
        return Standing.PLANNED
    is_ours = driver in (*way.driver, None) and override in (*way.override, way.driver[0])
    return Standing.BETWEEN if is_ours else Standing.CHANGED
