"""Kernel arguments: which a processor needs, which are there, and which say the contrary.

Source: Documentation/admin-guide/kernel-parameters.txt. ``intel_iommu=on``: drivers/iommu/intel/iommu.c;
AMD's IOMMU is on wherever the firmware offers it, and ``amd_iommu=on`` is no option of any kernel
(drivers/iommu/amd/init.c, ``parse_amd_iommu_options``). ``iommu=pt``: the host's own devices do without
translation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown

_DOMAINS = ("pt", "nopt", "strict", "lazy")
"""Values of ``iommu=`` and ``iommu.passthrough``'s kin that say how the host's own devices are translated."""


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


def needed_arguments(host: Host) -> tuple[str, ...] | Unknown:
    """What this host's kernel has to be told, so that cards can go to guests."""
    if isinstance(host.cpu.vendor, Unknown):
        return host.cpu.vendor
    if host.cpu.vendor == "intel":
        return ("intel_iommu=on", "iommu=pt")
    return ("iommu=pt",) if host.cpu.vendor == "amd" else ()


def missing(needed: Sequence[str], there: Sequence[Argument]) -> tuple[str, ...]:
    """Which of the needed arguments nobody gives yet; what the administrator chose otherwise is kept."""
    return tuple(word for word in needed if not any(_settles(argument, word) for argument in there))


def contrary(needed: Sequence[str], there: Sequence[Argument]) -> Iterator[Argument]:
    """Arguments that switch off what is needed: nothing is added behind the administrator's back."""
    for argument in there:
        if "off" in argument.values and (
            argument.name in ("iommu", "amd_iommu")
            or (argument.name == "intel_iommu" and "intel_iommu=on" in needed)
        ):
            yield argument


def _settles(argument: Argument, word: str) -> bool:
    name, _, value = word.partition("=")
    if argument.name == "iommu.passthrough" and word == "iommu=pt":
        return True
    if argument.name != name:
        return False
    return value in argument.values or (
        word == "iommu=pt" and any(each in _DOMAINS for each in argument.values)
    )
