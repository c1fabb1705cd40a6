"""Options of kernel modules as the kernel and modprobe read them, with the line each was written on.

Sources: Linux kernel/params.c (``-`` and ``_`` are equal in names), Documentation/admin-guide/
kernel-parameters.rst, modprobe.d(5), drivers/vfio/pci/vfio_pci.c and drivers/pci/pci-stub.c for ids.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from gpucloud.doctor.case import Case
from gpucloud.inventory.system.kernel import before_init
from gpucloud.model.finding import Evidence
from gpucloud.model.pci import PciId
from gpucloud.model.unknown import Unknown

_ANY = 0xFFFFFFFF
_LONGEST_IDS = 1023
"""Characters of an ids option. Source: Linux drivers/vfio/pci/vfio_pci.c ids[1024], kernel/params.c."""
_MOST_OPTIONS = 16
"""Ids options that are looked at: a host has one or two."""
_ID = re.compile(r"[0-9a-fA-F]{1,8}(?::[0-9a-fA-F]{1,8}){1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Option:
    """One option that a module is given. Names have ``_`` for ``-``, as the kernel compares them."""

    module: str
    name: str
    value: str
    evidence: Evidence
    stray: tuple[str, ...] = ()
    """Words after the option that look like the rest of a list torn apart by a space."""


@dataclass(frozen=True, slots=True)
class IdPattern:
    """What one entry of an ``ids`` list matches. ffff and ffffffff match any, as in PCI_ANY_ID."""

    vendor: int
    device: int

    def matches(self, ident: PciId) -> bool:
        return self.vendor in (ident.vendor, _ANY) and self.device in (ident.device, _ANY)

    def __str__(self) -> str:
        return f"{self.vendor:04x}:{self.device:04x}"


@dataclass(frozen=True, slots=True)
class IdsOption:
    """An ``ids`` option of vfio-pci or pci-stub, as far as it can be read."""

    option: Option
    patterns: tuple[IdPattern, ...]
    malformed: tuple[str, ...]

    @property
    def evidence(self) -> Evidence:
        return self.option.evidence


def kernel_arguments(case: Case) -> tuple[str, ...]:
    """What the running kernel itself was told; empty where it is unknown."""
    return before_init(_whole_line(case))


def _whole_line(case: Case) -> tuple[str, ...]:
    arguments = case.host.kernel.arguments
    return () if isinstance(arguments, Unknown) else arguments


def cite_argument(case: Case, argument: str) -> Evidence:
    """The kernel command line, for one argument in it."""
    return case.cite("/proc/cmdline", argument)


def module_options(case: Case) -> Iterator[Option]:
    """Every option that modules are given, as the kernel reads them: of a repeated name the last counts.

    modprobe passes on its files' options first, then those of the whole kernel command line.
    Source: kmod libkmod/libkmod-config.c kmod_config_new(), Linux kernel/params.c parse_args().
    """
    directives = case.host.distribution.module_configuration
    for directive in () if isinstance(directives, Unknown) else directives:
        yield from _directive_options(
            directive.text, Evidence(directive.path, directive.text, directive.line)
        )
    arguments = _whole_line(case)
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        module, dot, option = name.partition(".")
        if equals and dot:
            stray = _stray(arguments[place + 1 :])
            yield Option(_plain(module), _plain(option), value, cite_argument(case, argument), stray)


def vfio_ids(case: Case) -> tuple[IdsOption, ...]:
    """The lists of ids that vfio-pci and pci-stub are given."""
    return case.once(_vfio_ids)


def ids_naming(case: Case, *idents: PciId) -> tuple[IdsOption, ...]:
    """The lists of ids that name one of these devices, itself or by a pattern that matches any."""
    named = case.once(_ids_by_device)
    keys = (
        (vendor, device)
        for ident in idents
        for vendor in (ident.vendor, _ANY)
        for device in (ident.device, _ANY)
    )
    places = {place for key in keys for place in named.get(key, ())}
    return tuple(vfio_ids(case)[place] for place in sorted(places))


def _vfio_ids(case: Case) -> tuple[IdsOption, ...]:
    given = (
        _read_ids(option)
        for option in module_options(case)
        if option.module in ("vfio_pci", "pci_stub") and option.name == "ids"
    )
    return tuple(islice(given, _MOST_OPTIONS))


def _ids_by_device(case: Case) -> Mapping[tuple[int, int], set[int]]:
    """Places in the lists of ids at which a vendor and device are named."""
    found: dict[tuple[int, int], set[int]] = defaultdict(set)
    for place, given in enumerate(vfio_ids(case)):
        for pattern in given.patterns:
            found[pattern.vendor, pattern.device].add(place)
    return found


def is_id(word: str) -> bool:
    """Claims that a word has the form of an entry of an ids list."""
    return _ID.fullmatch(word) is not None


def _directive_options(text: str, evidence: Evidence) -> Iterator[Option]:
    words = text.split("#", 1)[0].split()
    if len(words) < 3 or words[0] != "options":
        return
    for place, word in enumerate(words[2:], start=2):
        name, equals, value = word.partition("=")
        if equals:
            yield Option(_plain(words[1]), _plain(name), value, evidence, _stray(tuple(words[place + 1 :])))


def _read_ids(option: Option) -> IdsOption:
    patterns, malformed = [], []
    for entry in option.value.strip("\"'")[:_LONGEST_IDS].split(","):
        if is_id(entry):
            vendor, device, *_ = (int(part, 16) for part in entry.split(":"))
            patterns.append(IdPattern(vendor, device))
        elif entry:
            malformed.append(entry)
    return IdsOption(option, tuple(patterns), tuple(malformed))


def _stray(words: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for word in words:
        if not all(is_id(entry) for entry in word.strip(",").split(",")):
            break
        found.append(word)
    return tuple(found)


def _plain(name: str) -> str:
    return name.replace("-", "_")
