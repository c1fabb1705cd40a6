"""Which mediated-device type each GPU of a host gets, and under which resource class."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from gpucloud.nova.refusal import NovaRaises, Refusal
from gpucloud.nova.releases import vgpu
from gpucloud.nova.releases.release import Release

VGPU = "VGPU"
_ADDRESS = re.compile(r"^([\da-fA-F]{4}):([\da-fA-F]{2}):([\da-fA-F]{2}).([0-7])$")
"""Nova's own pattern (``nova/pci/utils.py``): upper case passes, and then equals no address of libvirt's."""


@dataclass(frozen=True, slots=True)
class MdevSection:
    """``[mdev_TYPE]``, or ``[vgpu_TYPE]`` under its old name."""

    device_addresses: tuple[str, ...] = ()
    mdev_class: str = VGPU
    max_instances: int | None = None


@dataclass(frozen=True, slots=True)
class MdevTypes:
    """What the driver has made of the options.

    Args:
        enabled: the types in use.
        by_address: address, as written, to type; of GPUs that a section names.
        classes_by_address: address, as written, to resource class.
        default: the type of all GPUs that no section names; None where they get none.
        allocation_classes: the classes under which the driver looks for a guest's allocations. A class that
            inventories have and this lacks makes guests without their device.
        limits: type to how many of it may exist.
        warnings: what nova logs, and goes on.
    """

    enabled: tuple[str, ...] = ()
    by_address: Mapping[str, str] = field(default_factory=dict)
    classes_by_address: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    allocation_classes: frozenset[str] = frozenset({VGPU})
    limits: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def type_of(self, address: str) -> str | None:
        """The type of the GPU that libvirt has at the address, in lower case as libvirt has it."""
        return self.by_address.get(address, self.default)

    def class_of(self, address: str) -> str:
        """The resource class of the GPU's inventory."""
        return self.classes_by_address.get(address, VGPU)


def choose_types(
    types: Sequence[str],
    sections: Mapping[str, MdevSection],
    release: Release,
    *,
    virtual_parents: Collection[str] = (),
) -> MdevTypes | Refusal:
    """Do what the driver does when it starts.

    Args:
        types: ``enabled_mdev_types`` or ``enabled_vgpu_types``, whichever the release reads.
        sections: type to its section.
        release: which nova.
        virtual_parents: parents of the host that are no PCI functions (``mtty_mtty``).
    """
    if not types or vgpu.MDEV_TYPES.at(release) is None:
        return MdevTypes(allocation_classes=frozenset())
    reader = _Reader(release, virtual_parents if vgpu.MDEV_VIRTUAL_PARENT.at(release) else ())
    try:
        if vgpu.TYPE_WITHOUT_ADDRESSES.at(release) == "default":
            return reader.read_all(types, sections)
        return reader.read_all_or_first(types, sections)
    except NovaRaises as raised:
        return raised.over(None)


@dataclass(slots=True)
class _Reader:
    """Sections read one after the other, as the driver's loop does."""

    release: Release
    virtual_parents: Collection[str]
    by_address: dict[str, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def read_all_or_first(self, types: Sequence[str], sections: Mapping[str, MdevSection]) -> MdevTypes:
        """Until 28: every type must have addresses, else all GPUs get the first."""
        first = types[0]
        if not vgpu.MDEV_GROUPS.at(self.release):
            return _only(first, self._one_type_warning(types))
        is_read = vgpu.SEVERAL_TYPES.at(self.release) and len(types) > 1
        for name in types:
            section = sections.get(name, MdevSection()) if is_read else MdevSection()
            if not section.device_addresses:
                return _only(first, self._first_only_warning(types, name))
            self._take(name, section)
        classes = frozenset(self.classes.values()) if self._has_classes else frozenset({VGPU})
        return MdevTypes(tuple(types), self.by_address, self.classes, None, classes)

    def read_all(self, types: Sequence[str], sections: Mapping[str, MdevSection]) -> MdevTypes:
        """Since 29: the first type without addresses goes to all GPUs that no section names."""
        enabled: list[str] = []
        limits: dict[str, int] = {}
        found: set[str] = set()
        default: str | None = None
        for name in types:
            enabled.append(name)
            section = sections.get(name, MdevSection())
            if section.max_instances:
                limits[name] = section.max_instances
            if section.device_addresses:
                self._take(name, section)
                found.add(section.mdev_class)
            elif default is None:
                default = name
                found.add(section.mdev_class)
            else:
                self.warnings.append(
                    f"Mdev type default already set to  {default} so {name} will not be used."
                )
                enabled.remove(name)
        return MdevTypes(
            tuple(enabled),
            self.by_address,
            self.classes,
            default,
            frozenset(found),
            limits,
            tuple(self.warnings),
        )

    @property
    def _has_classes(self) -> bool:
        return "mdev_class" in vgpu.MDEV_KEYS.at(self.release)

    def _take(self, name: str, section: MdevSection) -> None:
        for address in section.device_addresses:
            if address in self.by_address:
                raise self._invalid(f"duplicate types for PCI ID {address}")
            if _ADDRESS.match(address) is None and address not in self.virtual_parents:
                kind = "device" if vgpu.MDEV_VIRTUAL_PARENT.at(self.release) else "PCI"
                raise self._invalid(f"incorrect {kind} address: {address}")
            self.by_address[address] = name
            self.classes[address] = section.mdev_class if self._has_classes else VGPU

    def _invalid(self, reason: str) -> NovaRaises:
        exception, kind = vgpu.MDEV_ERROR.at(self.release)
        return NovaRaises(exception, f"Invalid configuration for {kind} devices: {reason}")

    def _one_type_warning(self, types: Sequence[str]) -> str | None:
        if len(types) < 2:
            return None
        return "libvirt only supports one GPU type per compute node, only first type will be used."

    def _first_only_warning(self, types: Sequence[str], name: str) -> str | None:
        if len(types) < 2:
            return None
        option, kind, group = vgpu.MDEV_WORDS.at(self.release)
        return (
            f"The {kind} type '{name}' was listed in '[devices] {option}' but no corresponding "
            f"'[{group}_{name}]' group or '[{group}_{name}] device_addresses' option was defined. Only the "
            f"first type '{types[0]}' will be used."
        )


def _only(first: str, warning: str | None) -> MdevTypes:
    return MdevTypes((first,), default=first, warnings=() if warning is None else (warning,))
