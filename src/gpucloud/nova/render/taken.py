"""What the pools of a spec have on one host: PCI functions to give away, and parents of mediated devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import MdevParent, PciAddress, PciClass, PciFunction, Sriov
from gpucloud.model.spec import COMPANIONS, NovaSettings, Pool, Spec, Use, VgpuChoice, companion_alias
from gpucloud.model.unknown import Unknown
from gpucloud.nova.machine import LISTED, Device, DeviceType, Machine, libvirt_name, machine_of
from gpucloud.nova.render.cut import holding, no_types_yet, takes_nothing, unnamed
from gpucloud.spec import pool_of, pool_of_parent
from gpucloud.spec.choose import is_on

_NO_TYPES = "no vgpu_types say what it is to be cut into"


@dataclass(frozen=True, slots=True)
class Given:
    """A PCI function that guests get whole.

    Args:
        pool: whose it is.
        device: as nova is told of it.
        is_vendor_vfio: its vendor's driver cuts the card; libvirt must not bind the function.
        resource_class: what Placement is to count it as; None: what nova calls it.
        companions: functions that travel with it, which nova is not told of.
    """

    pool: Pool
    device: Device
    is_vendor_vfio: bool = False
    resource_class: str | None = None
    companions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parent:
    """What guests get mediated devices of: a PCI function, or a parent that is none.

    Args:
        pool: whose it is.
        address: its own; of what is no PCI function libvirt's name (``mtty_mtty``).
        card: that of the card, which is another one where the function is a VF.
        type: the id of its type.
        resource_class: what Placement is to count its devices as.
        max_instances: at most so many on the card.
    """

    pool: Pool
    address: str
    card: str
    type: str
    resource_class: str
    max_instances: int | None

    @property
    def is_function(self) -> bool:
        """Claims a PCI function."""
        return ":" in self.address


@dataclass(frozen=True, slots=True)
class HostTaken:
    """One host.

    Args:
        name: as the deployment tool calls it.
        machine: its functions as nova is told of them.
        offered: function, or other parent by libvirt's name, to the mediated types that it offers.
        given: by address.
        parents: by address.
        missing: what could not be decided, and why.
    """

    name: str
    machine: Machine
    offered: Mapping[str, tuple[str, ...]]
    given: tuple[Given, ...]
    parents: tuple[Parent, ...]
    missing: tuple[str, ...]


def take(spec: Spec, name: str, host: Host) -> HostTaken:
    """Look which pool has what of the host.

    Raises:
        Failure: two pools take one card, a card lacks what its pool wants, VFs of a whole card are on, or
            libvirt does not list a parent that is no PCI function.
    """
    taker = _Taker(name, host, machine_of(host))
    for unit in host.units:
        pool = pool_of(spec, name, unit)
        if pool is not None and pool.use is not Use.HOST:
            taker.take(pool, unit)
    taker.take_parents(spec)
    listed = taker.machine.parents
    beside = {} if isinstance(listed, Unknown) else listed
    functions = {str(each.address): tuple(kind.id for kind in kinds) for each, kinds in taker.offering()}
    return HostTaken(
        name,
        taker.machine,
        functions | {each: kinds for each, kinds in beside.items() if not isinstance(kinds, Unknown)},
        tuple(sorted(taker.given, key=lambda each: each.device.address)),
        tuple(sorted(taker.parents, key=lambda each: each.address)),
        tuple(taker.missing),
    )


class _Taker:
    """Collects what one host gives."""

    def __init__(self, name: str, host: Host, machine: Machine) -> None:
        self.machine = machine
        self.given: list[Given] = []
        self.parents: list[Parent] = []
        self.missing = [f"{name}: {why}" for why in machine.unread] if not host.units else []
        self._name = name
        self._with_companions: set[str] = set()
        self._host = host
        self._functions = {} if isinstance(host.functions, Unknown) else host.functions

    def take(self, pool: Pool, unit: GpuUnit) -> None:
        match pool.use:
            case Use.PASSTHROUGH:
                self._whole(pool, unit)
            case Use.SRIOV:
                self._slices(pool, unit, None)
            case _:
                self._vgpus(pool, unit)

    def take_parents(self, spec: Spec) -> None:
        """Take the parents of mediated devices that are no PCI functions and that pools name."""
        pools = [pool for pool in spec.pools if any(match.parents for match in pool.matches)]
        parents = self._host.mdev_parents
        if isinstance(parents, Unknown):
            here = [pool.name for pool in pools if is_on(spec, pool, self._name)]
            self.missing += [f"{self._name}: pool {pool}: its parent: {parents.why}" for pool in here]
            return
        for parent in parents:
            pool = pool_of_parent(spec, self._name, parent.name)
            if pool is not None:
                self._virtual(pool, parent)

    def offering(self) -> Iterator[tuple[PciFunction, tuple[_Type, ...]]]:
        """Functions that offer mediated types, with those."""
        for function in self._functions.values():
            kinds = function.mdev_types
            if not isinstance(kinds, Unknown) and kinds:
                yield function, tuple(_Type(kind.id, _plain(kind.name)) for kind in kinds)

    def _whole(self, pool: Pool, unit: GpuUnit) -> None:
        count = self._count_of_vfs(unit, pool)
        if count is None:
            return
        if count:
            raise Failure(
                f"{self._name}: {unit.address} of pool {pool.name} is given away whole and has {count} "
                "VFs on; nova would offer both",
                f"turn them off (echo 0 > /sys/bus/pci/devices/{unit.address}/sriov_numvfs), or use: sriov",
            )
        told = {function.address: kind for kind, function in self._companions(pool, unit)}
        silent = tuple(str(each) for each in unit.addresses[1:] if each not in told)
        self._give(pool, unit.primary, companions=silent)
        for function in unit.functions:
            if function.address in told:
                self._give(_beside(pool, told[function.address]), function)

    def _companions(self, pool: Pool, unit: GpuUnit) -> Iterator[tuple[str, PciFunction]]:
        """Functions beside the first that guests get, too, by their kind.

        Raises:
            Failure: another card of the pool is on the host, and nova would give a function of either.
        """
        for kind in pool.nova.companions:
            found = [each for each in unit.functions[1:] if _is_of(each, COMPANIONS[kind])]
            if not found:
                self._miss(unit, pool, f"has no function of the kind {kind} that guests could get")
            yield from ((kind, each) for each in found[:1])
        if pool.nova.companions and pool.name in self._with_companions:
            raise Failure(
                f"{self._name}: pool {pool.name} has companions and several cards here: nova gives functions "
                "one by one, and a guest with the sound of another guest's card does not start",
                "leave companions out, or make a pool for each card, with a resource_class of its own and "
                "placement: schedule",
                code=Exit.USAGE,
            )
        self._with_companions.add(pool.name)

    def _slices(self, pool: Pool, unit: GpuUnit, choice: VgpuChoice | None) -> None:
        """The unit's VFs, or the unit itself where it is one whose card is not seen."""
        if _is_vf(unit.primary):
            self._give(pool, unit.primary, choice)
            return
        vfs = self._vfs(unit, pool)
        if vfs is not None and not vfs:
            self._miss(unit, pool, "has no virtual functions yet: make them, and look at the host again")
        wanted = vfs or [] if choice is None else self._holding(pool, unit, vfs or [], choice)
        for function in wanted:
            self._give(pool, function, choice)

    def _holding(
        self, pool: Pool, unit: GpuUnit, vfs: list[PciFunction], choice: VgpuChoice
    ) -> list[PciFunction]:
        """VFs with vGPUs of the type, or with room for them; those of another type are said to be so."""
        meant = [each for each in vfs if _is_meant(choice, each, unit)]
        right, wrong = holding(meant, choice, unit.address, self._host)
        if wrong:
            at = ", ".join(str(each.address) for each in wrong[:8])
            self._miss(
                unit, pool, f"{len(wrong)} of its VFs are cut into another type than {choice.type}: {at}"
            )
        kinds = () if choice.type.isdigit() else unnamed(meant, choice.type)
        if kinds:
            said = f"{', '.join(kinds)} of its VFs is taken for {choice.type}, as a full card names no types"
            self._miss(unit, pool, f"{said}: write the number as vgpu_types if that is right")
        return right[: choice.max_instances]

    def _vgpus(self, pool: Pool, unit: GpuUnit) -> None:
        if pool.mig and not pool.vgpu_types:
            self._miss(unit, pool, "is cut into MIG instances alone, which nova knows nothing of")
            return
        offering = {each.address: kinds for each, kinds in self.offering()}
        vfs = self._vfs(unit, pool)
        members = (unit.primary, *(vfs or ()))
        parents = [each for each in members if each.address in offering]
        if parents:
            for parent in parents:
                self._parent(pool, unit, parent, offering[parent.address])
        elif vfs is None:
            return
        elif (not isinstance(unit.uses, Unknown) and "vgpu-vfio" in unit.uses) or any(
            isinstance(each.vendor_vfio_types, tuple) for each in members[1:]
        ):
            self._slices(pool, unit, self._only_choice(pool))
            if vfs and all(map(takes_nothing, vfs)):
                self._miss(unit, pool, no_types_yet(pool, vfs))
        else:
            self._miss(unit, pool, no_types_yet(pool, vfs))

    def _parent(self, pool: Pool, unit: GpuUnit, parent: PciFunction, kinds: tuple[_Type, ...]) -> None:
        choice = _choice_for(pool, parent, unit)
        if choice is not None:
            self._cut(pool, choice, kinds, str(parent.address), str(unit.address))
        elif not pool.vgpu_types:
            self._miss(unit, pool, _NO_TYPES)

    def _virtual(self, pool: Pool, parent: MdevParent) -> None:
        """A parent that is no PCI function, which nova knows by libvirt's name."""
        name = libvirt_name(parent.name)
        if name is None:
            raise Failure(
                f"{self._name}: pool {pool.name}: nova never sees {parent.name}: of parents that are no PCI "
                f"functions libvirt lists {', '.join(LISTED)} alone",
                "take it out of the pool, or the pool out of the spec of the cloud",
                code=Exit.USAGE,
            )
        if isinstance(parent.types, Unknown):
            self.missing.append(f"{self._name}: {parent.name} of pool {pool.name}: {parent.types.why}")
        elif not pool.vgpu_types:
            self.missing.append(f"{self._name}: {parent.name} of pool {pool.name}: {_NO_TYPES}")
        else:
            kinds = tuple(_Type(kind.id, _plain(kind.name)) for kind in parent.types)
            self._cut(pool, pool.vgpu_types[0], kinds, name, name)

    def _cut(self, pool: Pool, choice: VgpuChoice, kinds: tuple[_Type, ...], at: str, card: str) -> None:
        kind = next((kind for kind in kinds if choice.type in (kind.id, kind.name)), None)
        if kind is None:
            shown = ", ".join(" ".join(f"{each.id} ({each.name})".split()) for each in kinds[:12])
            raise Failure(
                f"{self._name}: {at} of pool {pool.name} offers no vGPU type {choice.type!r}",
                f"name one that it offers: {shown}",
                code=Exit.USAGE,
            )
        wanted = choice.resource_class or pool.nova.resource_class or "VGPU"
        self.parents.append(Parent(pool, at, card, kind.id, wanted, choice.max_instances))

    def _only_choice(self, pool: Pool) -> VgpuChoice | None:
        if len(pool.vgpu_types) > 1:
            raise Failure(
                f"{self._name}: the VFs of pool {pool.name} are PCI devices to nova, whose aliases cannot "
                "tell their vGPU types apart",
                "make a pool for each type, with match: address and a resource_class of its own",
                code=Exit.USAGE,
            )
        return next(iter(pool.vgpu_types), None)

    def _give(
        self,
        pool: Pool,
        function: PciFunction,
        choice: VgpuChoice | None = None,
        companions: tuple[str, ...] = (),
    ) -> None:
        device = self.machine.devices.get(str(function.address)) or self._as_said(pool, function)
        if device is None:
            self._miss_device(pool, function)
            return
        wanted = (choice and choice.resource_class) or pool.nova.resource_class
        self.given.append(Given(pool, device, pool.use is Use.VGPU, wanted, companions))

    def _as_said(self, pool: Pool, function: PciFunction) -> Device | None:
        """The device with the type that the spec gives it, where the host does not show its own."""
        said = pool.nova.device_type
        if said in (None, DeviceType.VF) or isinstance(function.id, Unknown):
            return None
        vendor, product = f"{function.id.vendor:04x}", f"{function.id.device:04x}"
        device = Device(str(function.address), vendor, product, DeviceType(said))
        self.machine = replace(self.machine, devices={**self.machine.devices, device.address: device})
        return device

    def _miss_device(self, pool: Pool, function: PciFunction) -> None:
        address = str(function.address)
        why = next((why for why in self.machine.unread if why.startswith(address)), f"{address}: not read")
        then = "capture it anew, or write nova: {device_type: type-PCI} if you know it"
        self.missing.append(f"{self._name}: pool {pool.name}: {why}: {then}")

    def _vfs(self, unit: GpuUnit, pool: Pool) -> list[PciFunction] | None:
        """The unit's virtual functions that are on; None where that could not be read, which is said."""
        sriov = unit.primary.sriov
        vfs = sriov.vfs if isinstance(sriov, Sriov) else sriov
        if isinstance(vfs, Unknown):
            self._miss(unit, pool, vfs.why)
            return None
        unread = [each for each in vfs or () if each not in self._functions]
        if unread:
            told = f"{len(unread)} of its {len(vfs or ())} virtual functions were not read ({unread[0]})"
            self._miss(unit, pool, f"{told}: capture it anew")
            return None
        return [self._functions[each] for each in vfs or ()]

    def _count_of_vfs(self, unit: GpuUnit, pool: Pool) -> int | None:
        """How many are on of a card that goes whole; None where that could not be read, which is said.

        Where nothing is known of SR-IOV, ``_give`` says so: without it nova's type of the device is unknown.
        """
        sriov = unit.primary.sriov
        if not isinstance(sriov, Sriov):
            return 0
        if isinstance(sriov.enabled, int):
            return sriov.enabled
        if isinstance(sriov.vfs, Unknown):
            self._miss(unit, pool, sriov.vfs.why)
            return None
        return len(sriov.vfs)

    def _miss(self, unit: GpuUnit, pool: Pool, why: str) -> None:
        self.missing.append(f"{self._name}: {unit.address} of pool {pool.name}: {why}")


@dataclass(frozen=True, slots=True)
class _Type:
    id: str
    name: str | None


def _plain(name: str | None | Unknown) -> str | None:
    return None if isinstance(name, Unknown) else name


def _beside(pool: Pool, kind: str) -> Pool:
    """The pool as one of the functions of that kind: what it says of cards is not said of them."""
    said = pool.nova
    kept = NovaSettings(
        alias=companion_alias(said.alias or pool.name, kind),
        device_type=said.device_type if said.device_type == DeviceType.PCI else None,
        resource_class=said.resource_class and f"{said.resource_class}_{kind.upper()}",
        numa_policy=said.numa_policy,
        managed=said.managed,
    )
    return replace(pool, nova=kept)


def _is_of(function: PciFunction, kind: int) -> bool:
    return isinstance(function.pci_class, PciClass) and function.pci_class.kind == kind


def _is_vf(function: PciFunction) -> bool:
    return isinstance(function.physical_function, PciAddress)


def _choice_for(pool: Pool, parent: PciFunction, unit: GpuUnit) -> VgpuChoice | None:
    """The type that names the function or its card; else the one that names nothing."""
    named = [each for each in pool.vgpu_types if each.addresses and _is_meant(each, parent, unit)]
    return next(iter(named), next((each for each in pool.vgpu_types if not each.addresses), None))


def _is_meant(choice: VgpuChoice, function: PciFunction, unit: GpuUnit) -> bool:
    names = (str(function.address), str(unit.address))
    return not choice.addresses or any(fnmatchcase(name, each) for name in names for each in choice.addresses)
