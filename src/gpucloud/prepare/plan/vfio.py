"""What VFIO takes: which driver serves a function, and which drivers may stay in a group."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from gpucloud.model.change import LoadModule
from gpucloud.model.host import Host, Kernel, ModuleDirective
from gpucloud.model.pci import PciAddress, PciFunction
from gpucloud.model.unknown import Unknown

_VFIO_DRIVER = re.compile(r"(.+[-_])?vfio[-_]pci")

_KEEP_OFF_DMA = {"pci-stub", "pcieport"}
"""Drivers with ``driver_managed_dma``: they leave a group's DMA to its owner
(drivers/pci/pci-stub.c, drivers/pci/pcie/portdrv_pci.c; kernels before 5.19 had the same list in
drivers/vfio/vfio.c, ``vfio_dev_driver_allowed``, and let every driver of a bridge pass)."""

_NEEDED = ("vfio-pci", "vfio_iommu_type1")
_BROUGHT = ("vfio_pci_core", "vfio_virqfd", "vfio", "iommufd", "irqbypass")
"""What vfio-pci depends on, by kernel release more or less of it, dependents first."""

_BLACKLIST = "module_blacklist="
_LOADS_NOTHING = frozenset(("true", "false", ":", "exit"))
"""Commands of an ``install`` line that end without having loaded anything."""

_TAKES_NOTHING = ("ids=",)
"""Options of vfio-pci with which it takes no function by its id, only those whose override names it.

``options vfio-pci ids=...`` or ``vfio-pci.ids=`` on the kernel's command line would give it every free twin
of a card. modprobe says its own words after those (kmod, libkmod-module.c, ``module_options_concat``), the
kernel keeps the last (kernel/params.c, ``param_set_copystring``), and an empty one is none
(drivers/vfio/pci/vfio_pci.c, ``vfio_pci_fill_ids``). Built into the kernel it took them at boot."""


def vfio_driver_for(function: PciFunction) -> str:
    """The driver that hands this function to a guest.

    The one place where a variant driver (``nvgrace-gpu-vfio-pci`` for GH200) would be chosen.
    """
    del function
    return "vfio-pci"


def is_vfio(driver: str) -> bool:
    """Claims a driver that hands functions to guests: vfio-pci or one of its variants."""
    return _VFIO_DRIVER.fullmatch(driver) is not None


def is_ready(function: PciFunction) -> bool:
    """Claims that a guest can take the function as it is."""
    return isinstance(function.driver, str) and is_vfio(function.driver)


def leaves_group_viable(driver: str | None) -> bool:
    """Claims that a guest may use the group while this driver (None: no driver) has a member of it.

    Source: drivers/iommu/iommu.c, ``iommu_group_claim_dma_owner`` refuses a group one of whose
    drivers uses the kernel's DMA; drivers/pci/pci-driver.c, ``pci_dma_configure`` says which do.
    """
    return driver is None or is_vfio(driver) or driver in _KEEP_OFF_DMA


def modules_to_load(host: Host) -> Iterator[LoadModule]:
    """The modules that VFIO needs and this kernel has not loaded; all of them if that is unknown."""
    loaded = host.kernel.loaded_modules
    have = frozenset[str]() if isinstance(loaded, Unknown) else loaded
    for module in _NEEDED:
        if module.replace("-", "_") not in have:
            is_driver = module == "vfio-pci"
            brings = _brought(host.kernel, have) if is_driver else ()
            options = _TAKES_NOTHING if is_driver else ()
            yield LoadModule(module, brings, _groups_in_hand(host), options)


def _brought(kernel: Kernel, have: frozenset[str]) -> tuple[str, ...]:
    available = kernel.available_modules
    known = frozenset(_BROUGHT) if isinstance(available, Unknown) else available
    return tuple(name for name in _BROUGHT if name in known and name not in have)


def _groups_in_hand(host: Host) -> tuple[int, ...]:
    functions = () if isinstance(host.functions, Unknown) else host.functions.values()
    groups = {each.iommu_group for each in functions if is_ready(each)}
    return tuple(sorted(group for group in groups if isinstance(group, int)))


def waits_for_vfio(host: Host) -> frozenset[PciAddress]:
    """Functions without driver whose override names vfio-pci: they go to it as soon as it is loaded."""
    functions = () if isinstance(host.functions, Unknown) else host.functions.values()
    return frozenset(
        each.address for each in functions if each.driver is None and each.driver_override == "vfio-pci"
    )


def never_loaded(host: Host, but: frozenset[str] = frozenset()) -> Iterator[ModuleDirective]:
    """Lines by which modprobe does something else than to load what VFIO needs.

    ``install NAME COMMAND`` is run instead of loading, for a module that is asked for by its name as for one
    that another needs; the first line that matches counts, and NAME may have wildcards (kmod, modprobe.d(5);
    libkmod-module.c, ``module_get_install_commands``). ``blacklist NAME`` is no such line: it makes modprobe
    overlook the module's own aliases, and here modules are asked for by name.

    Args:
        host: the host.
        but: modules that are loaded already, with ``_`` for ``-``; those of the kernel's image always are.
    """
    found = host.distribution.module_configuration
    directives = () if isinstance(found, Unknown) else found
    lines = [(each, each.text.split(maxsplit=2)) for each in directives if "/modprobe.d/" in each.path]
    said = [
        (each, words[1].replace("-", "_"), words[2])
        for each, words in lines
        if words[0] == "install" and len(words) == 3
    ]
    there = but | _builtin(host.kernel)
    blocked: dict[ModuleDirective, None] = {}
    for module in (name.replace("-", "_") for name in (*_NEEDED, *_BROUGHT)):
        first = next((each for each in said if fnmatchcase(module, each[1])), None)
        if first is not None and module not in there and _is_idle(first[2]):
            blocked[first[0]] = None
    yield from blocked


def _is_idle(command: str) -> bool:
    return PurePosixPath(command.split(maxsplit=1)[0]).name in _LOADS_NOTHING


def _builtin(kernel: Kernel) -> frozenset[str]:
    found = kernel.builtin_modules
    return frozenset() if isinstance(found, Unknown) else found


def kept_away(arguments: Sequence[str], kernel: Kernel) -> str | None:
    """The argument by which the kernel itself loads no module that VFIO needs; None: there is none.

    The last ``module_blacklist=`` counts, names are compared as the kernel has them
    (kernel/module/main.c, ``blacklisted``), and of modules that are loaded alone.
    """
    last = next((each for each in reversed(arguments) if each.startswith(_BLACKLIST)), "")
    needed = {name.replace("-", "_") for name in (*_NEEDED, *_BROUGHT)} - _builtin(kernel)
    return last if needed.intersection(last.removeprefix(_BLACKLIST).split(",")) else None


def missing_modules(kernel: Kernel) -> tuple[str, ...]:
    """Modules that VFIO needs and that this kernel neither has nor could load."""
    loaded, available = kernel.loaded_modules, kernel.available_modules
    if isinstance(loaded, Unknown) or isinstance(available, Unknown):
        return ()
    names = (name.replace("-", "_") for name in _NEEDED)
    return tuple(name for name in names if name not in loaded | available)
