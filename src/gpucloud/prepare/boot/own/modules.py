"""Kernel modules of the next start: what is loaded, what waits for vfio-pci, what stays away.

Names differ by kernel: ``vfio_virqfd`` became part of ``vfio`` in 6.2 and comes by itself before; what is
built in needs no loading and is not listed. A driver is kept away only where the host has nothing left that
it could serve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciFunction
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.own.paths import HEADER, MODPROBE, MODULES_LOAD
from gpucloud.prepare.plan.vfio import is_vfio

WANTED = ("vfio-pci", "vfio_iommu_type1")
_GRAPHICS = frozenset(
    ("nouveau", "nvidia", "nvidiafb", "nova_core", "nova_drm", "amdgpu", "radeon", "radeonfb", "i915", "xe")
)
"""Drivers of graphics cards and nothing else: only these are ever kept away."""
_NOUVEAU = ("nouveau", "nova_core")
"""They and NVIDIA's own vGPU driver exclude each other: whoever comes first has the card."""
_NVIDIA = 0x10DE


def render_modules_load(host: Host) -> str | None:
    """The file for systemd-modules-load: VFIO is there also where no card was claimed early.

    None where the administrator has all of it loaded already.
    """
    lines = [module for module in WANTED if not _is_said(host, (module,), _lists_modules)]
    return HEADER + "".join(f"{module}\n" for module in lines) if lines else None


def _lists_modules(path: str) -> bool:
    return path == "/etc/modules" or ("/modules-load.d/" in path and path != MODULES_LOAD)


def render_modprobe(host: Host, given: Sequence[GpuUnit], cut: Sequence[GpuUnit]) -> str | None:
    """The file for modprobe; None where it has nothing to say.

    Args:
        host: the host.
        given: units that go whole to guests.
        cut: units that are cut into vGPUs.
    """
    away = list(_away(host, given, cut))
    lines: list[tuple[str, ...]] = [("blacklist", module) for module in away]
    lines += [("softdep", module, "pre:", "vfio-pci") for module in _drivers(given) if module not in away]
    lines = [line for line in lines if not _is_said(host, line, _is_modprobes)]
    return HEADER + "".join(f"{' '.join(line)}\n" for line in lines) if lines else None


def _is_modprobes(path: str) -> bool:
    return "/modprobe.d/" in path and path != MODPROBE


def _drivers(given: Sequence[GpuUnit]) -> tuple[str, ...]:
    """Modules that would take a function of the units, but for vfio's own."""
    functions = [function for unit in given for function in unit.functions]
    return tuple(dict.fromkeys(module for each in functions for module in _claimants(each)))


def _claimants(function: PciFunction) -> Iterator[str]:
    candidates = () if isinstance(function.candidate_modules, Unknown) else function.candidate_modules
    for module in candidates:
        if not is_vfio(module):
            yield module


def _away(host: Host, given: Sequence[GpuUnit], cut: Sequence[GpuUnit]) -> Iterator[str]:
    taken = {address for unit in given for address in unit.addresses}
    needed: set[str] = set()
    for function in () if isinstance(host.functions, Unknown) else host.functions.values():
        if function.address not in taken:
            needed.update(_claimants(function))
    if not isinstance(host.functions, Unknown):
        yield from (module for module in _drivers(given) if module in _GRAPHICS and module not in needed)
    if any(not isinstance(unit.primary.id, Unknown) and unit.primary.id.vendor == _NVIDIA for unit in cut):
        yield from (module for module in _NOUVEAU if module in needed or module == "nouveau")


def _is_said(host: Host, words: Sequence[str], is_in: Callable[[str], bool]) -> bool:
    """Claims that the administrator says so already in one of these files."""
    directives = host.distribution.module_configuration
    if isinstance(directives, Unknown):
        return False
    wanted = [word.replace("-", "_") for word in words]
    return any(each.text.replace("-", "_").split() == wanted and is_in(each.path) for each in directives)
