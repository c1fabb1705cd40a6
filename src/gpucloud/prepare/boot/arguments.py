"""Kernel arguments: which the host's IOMMU needs, which are there, and which say the contrary.

Source: Documentation/admin-guide/kernel-parameters.txt. Each driver looks for its own table of the firmware
and never at the processor: ``detect_intel_iommu`` (drivers/iommu/intel/dmar.c) for DMAR, and
``amd_iommu_detect`` (drivers/iommu/amd/init.c) for IVRS. Intel's wants ``intel_iommu=on``; AMD's is on
wherever the firmware offers it, and ``amd_iommu=on`` is no option of any kernel
(``parse_amd_iommu_options``). ``iommu=pt``: the host's own devices do without translation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.plan.console import NO_BOOT_FRAMEBUFFER, keeps_at_start
from gpucloud.prepare.plan.wording import call_unit

_DOMAINS = ("pt", "nopt", "strict", "lazy")
"""Values of ``iommu=`` and ``iommu.passthrough``'s kin that say how the host's own devices are translated."""
_TYPE1, _UNSAFE = "vfio_iommu_type1", "allow_unsafe_interrupts"
_INTEL, _AMD = ("intel_iommu=on", "iommu=pt"), ("iommu=pt",)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of the next start, and the file that says so."""

    text: str
    path: str

    @property
    def name(self) -> str:
        return self.text.partition("=")[0]

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(self.text.partition("=")[2].split(","))


@dataclass(frozen=True, slots=True)
class Needed:
    """What the kernel has to be told, and what that is known from."""

    words: tuple[str, ...]
    because: str


def needed_arguments(host: Host) -> Needed | Unknown:
    """What this host's kernel has to be told, so that cards can go to guests.

    The firmware's table decides; the processor only where the tables do not tell. Unknown where both do not.
    """
    has_dmar, has_ivrs = host.iommu.has_dmar, host.iommu.has_ivrs
    if has_dmar is True and has_ivrs is not True:
        return Needed(_INTEL, "the firmware has Intel's table (DMAR)")
    if has_ivrs is True and has_dmar is not True:
        return Needed(_AMD, "the firmware has AMD's table (IVRS)")
    vendor = host.cpu.vendor
    if isinstance(vendor, Unknown):
        return vendor
    words = {"intel": _INTEL, "amd": _AMD}.get(vendor, ())
    return Needed(words, f"the processor is of {vendor}, and the firmware's tables {_tell(host)}")


def needed_to_give(host: Host, given: Sequence[GpuUnit]) -> Needed | Unknown:
    """What the kernel has to be told so that these units can go to guests; errors as ``needed_arguments``."""
    needed = needed_arguments(host)
    kept = [unit for unit in given if keeps_at_start(host, unit)]
    if isinstance(needed, Unknown) or not kept:
        return needed
    because = f"{needed.because}, and the boot framebuffer would keep memory of {call_unit(kept[0])}"
    return Needed((*needed.words, NO_BOOT_FRAMEBUFFER), because)


def is_off_in_firmware(host: Host) -> bool:
    """Claims that the firmware offers no IOMMU: neither table, and the kernel drives none of another kind.

    Arm's tables have other names, and a guest's IOMMU may come as a virtio device without either.
    """
    has_none = host.iommu.has_dmar is False and host.iommu.has_ivrs is False
    drives_none = host.iommu.units == () and not isinstance(host.iommu.groups, Unknown)
    return has_none and drives_none and not host.iommu.groups and host.cpu.vendor in ("intel", "amd")


def _tell(host: Host) -> str:
    tables = (host.iommu.has_dmar, host.iommu.has_ivrs)
    for table in tables:
        if isinstance(table, Unknown):
            return f"are not known ({table.why})"
    return "are both there" if all(tables) else "are both missing"


def missing(needed: Sequence[str], there: Sequence[Argument]) -> tuple[str, ...]:
    """Which of the needed arguments nobody gives yet; what the administrator chose otherwise is kept."""
    return tuple(word for word in needed if not any(_settles(argument, word) for argument in there))


def contrary(needed: Sequence[str], there: Sequence[Argument]) -> Iterator[Argument]:
    """Arguments that switch off what is needed: nothing is added behind the administrator's back."""
    of_others = "amd_iommu" if "intel_iommu=on" in needed else "intel_iommu"
    for argument in there:
        if "off" in argument.values and argument.name in {"iommu", "amd_iommu", "intel_iommu"} - {of_others}:
            yield argument


def remapping_off(host: Host, there: Sequence[Argument]) -> Argument | None:
    """The argument by which interrupts are not remapped, so that VFIO takes no card; None: there is none.

    Nor is there where vfio_iommu_type1 is told to do without. Sources: drivers/iommu/irq_remapping.c,
    ``setup_irqremap`` and ``setup_nointremap``; drivers/vfio/vfio_iommu_type1.c, ``allow_unsafe_interrupts``.
    """
    last = None
    for argument in there:
        if argument.name == "nointremap":
            last = argument
        for value in argument.values if argument.name == "intremap" else ():
            last = argument if value == "off" else None if value == "on" else last
    return None if last is not None and _does_without_remapping(host, there) else last


def _does_without_remapping(host: Host, there: Sequence[Argument]) -> bool:
    found = host.distribution.module_configuration
    lines = [each.text.split() for each in found] if not isinstance(found, Unknown) else []
    words = [argument.text.replace("-", "_").removeprefix(f"{_TYPE1}.") for argument in there]
    for line in lines:
        if line[:1] == ["options"] and line[1:2] and line[1].replace("-", "_") == _TYPE1:
            words += line[2:]
    return any(
        word.startswith(tuple(f"{_UNSAFE}={yes}" for yes in "1yY")) or word == _UNSAFE for word in words
    )


def _settles(argument: Argument, word: str) -> bool:
    name, _, value = word.partition("=")
    if argument.name == "iommu.passthrough" and word == "iommu=pt":
        return True
    if argument.name != name:
        return False
    return value in argument.values or (
        word == "iommu=pt" and any(each in _DOMAINS for each in argument.values)
    )
