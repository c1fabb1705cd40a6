"""What of the settings a spec can say instead, for which cards; and what stays, with the reason.

A card goes to the same use as before, or its settings stay. It is taken over where a driver for guests has
it now, or none: what a file asks for and the host does not do is for a person to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciFunction, PciId, Sriov
from gpucloud.model.spec import Pool, Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.adopt.setting import RUNNING, STUBS, Ask, Setting, Word, plain
from gpucloud.prepare.plan.vfio import is_vfio
from gpucloud.spec import pool_of

_NVIDIA = 0x10DE


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one setting."""

    setting: Setting
    units: tuple[PciAddress, ...]
    """Cards that it is about."""
    left: str | None
    """Why it stays; None: it goes."""
    entries: tuple[str, ...] = ()
    """Entries of its list that stay though it goes, and why."""
    why_entries: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of all of them."""

    verdicts: tuple[Verdict, ...]
    given: tuple[PciAddress, ...]
    """Cards for guests that the spec does not have yet."""
    cut: Mapping[PciAddress, int]
    """Cards whose virtual functions the spec does not have yet, with how many they make."""


def decide(host: Host, settings: Sequence[Setting], spec: Spec, host_name: str | Unknown) -> Decision:
    """Decide on every setting.

    Raises:
        Failure: the spec contradicts itself on this host, or needs its name.
    """
    return _Judge(host, spec, host_name, _by_name(host), _by_address(host)).decide(settings)


Names = Mapping[PciAddress | PciId, Sequence[PciFunction]]


def _by_name(host: Host) -> Names:
    """Functions by their addresses and ids: a hostile host may have thousands of both."""
    found: dict[PciAddress | PciId, list[PciFunction]] = {}
    for function in () if isinstance(host.functions, Unknown) else host.functions.values():
        found.setdefault(function.address, []).append(function)
        if isinstance(function.id, PciId):
            found.setdefault(function.id, []).append(function)
    return found


def _by_address(host: Host) -> Mapping[PciAddress, GpuUnit]:
    return {address: unit for unit in host.units for address in unit.addresses}


@dataclass
class _Judge:
    host: Host
    spec: Spec
    host_name: str | Unknown
    functions: Names
    units: Mapping[PciAddress, GpuUnit]
    uses: dict[PciAddress, tuple[Use, int | None]] = field(default_factory=dict)
    """What the settings make of each card that can be taken over."""

    def decide(self, settings: Sequence[Setting]) -> Decision:
        usable = [each for each in settings if each.stays is None and each.is_effective]
        for ask in (ask for setting in usable for ask in setting.asks if ask.use is not None):
            for unit in self._takeable(ask):
                self.uses.setdefault(unit.address, (ask.use or Use.PASSTHROUGH, ask.vfs))
        first = [self._of(setting) for setting in settings if not self._ends_with_restart(setting)]
        is_clear = not any(self._still_needs_vfio(verdict) for verdict in first)
        verdicts = [self._helper(verdict, is_clear=is_clear) for verdict in first]
        verdicts = list(_with_scripts(verdicts))
        new = {at: use for at, use in self.uses.items() if self._pool(at) is None}
        given = tuple(sorted(at for at, (use, _) in new.items() if use is Use.PASSTHROUGH))
        return Decision(
            tuple(verdicts), given, {at: vfs or 1 for at, (use, vfs) in new.items() if use is Use.SRIOV}
        )

    def _ends_with_restart(self, setting: Setting) -> bool:
        """Claims what only the running kernel was told, of cards that the spec gives to guests already."""
        return setting.path == RUNNING and all(self._why_not(ask) is None for ask in setting.asks)

    def _of(self, setting: Setting) -> Verdict:
        units = tuple(dict.fromkeys(at for ask in setting.asks for at in self._units(ask)))
        if setting.stays is not None:
            return Verdict(setting, units, setting.stays)
        reasons = {ask.entry: why for ask in setting.asks if (why := self._why_not(ask)) is not None}
        if not reasons:
            return Verdict(setting, units, None)
        why = "; ".join(dict.fromkeys(reasons.values()))
        is_list = isinstance(setting.cut, Word) and bool(setting.cut.prefix)
        if is_list and len(reasons) < len({ask.entry for ask in setting.asks}):
            return Verdict(setting, units, None, tuple(reasons), why)
        return Verdict(setting, units, why)

    def _helper(self, verdict: Verdict, *, is_clear: bool) -> Verdict:
        """A setting that names no device goes where none is left that needs it, and some card was given."""
        if verdict.setting.asks or verdict.left is not None:
            return verdict
        if not is_clear:
            return Verdict(verdict.setting, (), "other settings that stay need it")
        has_cards = any(use is Use.PASSTHROUGH for use, _ in self.uses.values())
        return verdict if has_cards else Verdict(verdict.setting, (), "no card is given to guests by hand")

    @staticmethod
    def _still_needs_vfio(verdict: Verdict) -> bool:
        stays = verdict.left is not None or bool(verdict.entries)
        return stays and any(ask.use is Use.PASSTHROUGH for ask in verdict.setting.asks)

    def _takeable(self, ask: Ask) -> Sequence[GpuUnit]:
        """Cards that an ask means, if all that it means are cards that can be taken over."""
        if ask.use is None or self._why_not_here(ask) is not None:
            return ()
        units = [self.units.get(function.address) for function in self._functions(ask)]
        known = [unit for unit in units if unit is not None]
        is_fine = all(self._why_not_unit(unit, ask) is None for unit in known)
        return known if is_fine and len(known) == len(units) else ()

    def _why_not(self, ask: Ask) -> str | None:
        """Why an ask cannot be taken over; None: it is, on every device that it means."""
        if (why := self._why_not_here(ask)) is not None:
            return why
        for function in self._functions(ask):
            unit = self.units.get(function.address)
            if unit is None:
                return f"{function.address.short} ({function.name}) is no GPU, and pools hold GPUs only"
            if ask.use is not None and (why := self._why_not_unit(unit, ask)) is not None:
                return why
        return self._unmet(ask)

    def _unmet(self, ask: Ask) -> str | None:
        """What a setting is about that has no effect by itself, and that nothing else gives to guests."""
        for address in self._units(ask):
            if address not in self.uses and self._pool(address) is None:
                return f"nothing else here gives {address.short} to guests"
        return None

    def _why_not_here(self, ask: Ask) -> str | None:
        if ask.why_not is not None:
            return ask.why_not
        if isinstance(self.host.functions, Unknown):
            return f"which devices are here is not known: {self.host.functions.why}"
        return None if self._functions(ask) else f"nothing here is {ask.entry}"

    def _why_not_unit(self, unit: GpuUnit, ask: Ask) -> str | None:
        pool = self._pool(unit.address)
        if pool is not None and pool.use is not ask.use:
            return f"pool {pool.name} of the spec wants {unit.address.short} for {pool.use.value}"
        if pool is not None:
            return None
        use, _ = self.uses.get(unit.address, (ask.use, None))
        if use is not ask.use:
            return f"other settings want {unit.address.short} for something else"
        return _not_whole(unit) if ask.use is Use.PASSTHROUGH else _no_vfs(unit, ask)

    def _units(self, ask: Ask) -> Iterator[PciAddress]:
        for function in self._functions(ask):
            if (unit := self.units.get(function.address)) is not None:
                yield unit.address

    def _functions(self, ask: Ask) -> Sequence[PciFunction]:
        name = ask.address or ask.id
        return self.functions.get(name, ()) if name is not None else ()

    def _pool(self, address: PciAddress) -> Pool | None:
        unit = self.units.get(address)
        return pool_of(self.spec, self.host_name, unit) if unit is not None else None


def _not_whole(unit: GpuUnit) -> str | None:
    """Why a card is not with guests now, as a whole."""
    driver = unit.primary.driver
    if isinstance(driver, Unknown):
        return f"which driver has {unit.address.short} is not known: {driver.why}"
    if driver is None or is_vfio(driver) or plain(driver) in STUBS:
        return None
    return f"{unit.address.short} is with {driver} now: say in the spec what it is for, then adopt again"


def _no_vfs(unit: GpuUnit, ask: Ask) -> str | None:
    sriov = unit.primary.sriov
    if not isinstance(unit.primary.id, Unknown) and unit.primary.id.vendor == _NVIDIA:
        return "NVIDIA's virtual functions are made by /usr/lib/nvidia/sriov-manage only"
    if not isinstance(sriov, Sriov) or unit.address != ask.address:
        return f"{ask.entry} shows no virtual functions"
    if sriov.enabled != ask.vfs:
        return f"{ask.entry} has not {ask.vfs} virtual functions now: say in the spec how many it is to have"
    return None


def _with_scripts(verdicts: Sequence[Verdict]) -> Iterator[Verdict]:
    """What runs a script goes only where all that runs it goes."""
    held = {
        each.setting.runs: each.setting.path
        for each in verdicts
        if each.left is not None and each.setting.runs
    }
    for verdict in verdicts:
        path = held.get(verdict.setting.runs or "")
        if verdict.left is None and path is not None:
            yield Verdict(verdict.setting, verdict.units, f"{path}, which stays, runs the same script")
        else:
            yield verdict
