"""Kernel modules: which could be loaded, which are in the kernel, and which would claim a device.

Formats: modules.dep(5), depmod(8); aliases: Documentation/process/../module-alias patterns of
``file2alias.c``, which fnmatch(3) compares with a device's ``modalias``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

from gpucloud.inventory.reader import Reader
from gpucloud.model.unknown import Unknown

_ALIAS = re.compile(
    r"pci:v(\*|[0-9A-F]{8})d(\*|[0-9A-F]{8})sv(\*|[0-9A-F]{8})sd(\*|[0-9A-F]{8})"
    r"bc(\*|[0-9A-F]{2})sc(\*|[0-9A-F]{2})i(\*|[0-9A-F]{2})\*?",
    re.ASCII,
)
"""The kernel's tools end every pattern with ``*`` (file2alias.c, ``add_wildcard``)."""


ODD_LIMIT = 500
"""Aliases written in another way than the kernel's tools do: each is compared with every device. Of a
stock kernel there are none."""


class Aliases:
    """Which modules claim which PCI devices.

    Args:
        pairs: alias patterns and the modules that state them, in the order modprobe sees them.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._by_id: dict[tuple[str, str], list[tuple[tuple[str, ...], str]]] = {}
        self._odd: list[tuple[str, str]] = []
        self._order: dict[str, int] = {}
        self._answers: dict[str, tuple[str, ...]] = {}
        for pattern, module in pairs:
            self._order.setdefault(module, len(self._order))
            match = _ALIAS.fullmatch(pattern)
            if match is None:
                self._odd.append((pattern, module))
            else:
                fields = match.groups()
                self._by_id.setdefault((fields[0], fields[1]), []).append((fields[2:], module))

    def modules_for(self, modalias: str) -> tuple[str, ...]:
        """Modules that claim a device, each once, in the order modprobe would see them."""
        if modalias not in self._answers:
            self._answers[modalias] = self._look_up(modalias)
        return self._answers[modalias]

    def _look_up(self, modalias: str) -> tuple[str, ...]:
        match = _ALIAS.fullmatch(modalias)
        found = {module for pattern, module in self._odd if fnmatchcase(modalias, pattern)}
        if match is not None:
            vendor, device, *rest = match.groups()
            for key in ((vendor, device), (vendor, "*"), ("*", device), ("*", "*")):
                for fields, module in self._by_id.get(key, ()):
                    if all(want in ("*", have) for want, have in zip(fields, rest, strict=True)):
                        found.add(module)
        return tuple(sorted(found, key=self._order.__getitem__))


def parse_aliases(text: str, modaliases: Iterable[str]) -> list[tuple[str, str]]:
    """Take the lines of ``modules.alias`` that could match one of the devices.

    A kernel has 20 000 aliases of PCI devices: one search finds the few with a vendor and a device that
    are wanted, or ``*``, or that are written in another way.
    """
    known = {alias[:22] for alias in modaliases}  # pci:vVVVVVVVVdDDDDDDDD
    vendors = "|".join(sorted({re.escape(alias[5:13]) for alias in known}))
    devices = "|".join(sorted({re.escape(alias[14:22]) for alias in known}))
    wanted = rf"alias (pci:(?:v(?:\*|(?:{vendors})d(?:\*|{devices}))|[^v])\S*)[ \t]+(\S+)"
    return re.findall(wanted, text)


def parse_builtin_aliases(text: str) -> list[tuple[str, str]]:
    """Take the PCI aliases of ``modules.builtin.modinfo``: ``module.alias=pattern``, NUL-separated."""
    pairs = []
    for record in re.split(r"[\0\n]", text):
        key, _, value = record.partition("=")
        module, _, field = key.partition(".")
        if field == "alias" and value.startswith("pci:"):
            pairs.append((value, module))
    return pairs


def read_aliases(reader: Reader, release: str | Unknown, modaliases: Iterable[str]) -> Aliases | Unknown:
    """Read the aliases of the running kernel that could match one of the devices."""
    if isinstance(release, Unknown):
        return release
    path = f"/lib/modules/{release}/modules.alias"
    text = reader.read_text(path)
    if isinstance(text, Unknown):
        return text
    builtin = reader.read_text(f"/lib/modules/{release}/modules.builtin.modinfo")
    if isinstance(builtin, Unknown):
        return builtin
    pairs = parse_builtin_aliases(builtin or "") + parse_aliases(text or "", modaliases)
    if sum(_ALIAS.fullmatch(pattern) is None for pattern, _ in pairs) > ODD_LIMIT:
        return Unknown(f"{path} has more than {ODD_LIMIT} aliases that are not written as depmod does")
    return Aliases(pairs)


@lru_cache(maxsize=4)
def module_names(text: str) -> frozenset[str]:
    """Names of the modules whose paths begin the lines of ``modules.dep`` or ``modules.builtin``.

    The last texts are remembered: the servers of a fleet run few different kernels.
    """
    paths = [line.partition(":")[0] for line in text.replace("-", "_").split("\n") if line]
    return frozenset([path.rpartition("/")[2].partition(".ko")[0] for path in paths])


def read_available(
    reader: Reader, release: str | Unknown, loaded: frozenset[str] | Unknown
) -> frozenset[str] | Unknown:
    """Read which modules modprobe could load: those on disk for this release and those in the kernel."""
    if isinstance(release, Unknown):
        return release
    texts = [
        reader.read_text(f"/lib/modules/{release}/{name}") for name in ("modules.dep", "modules.builtin")
    ]
    for text in texts:
        if isinstance(text, Unknown):
            return text
    names = frozenset[str]().union(*(module_names(text) for text in texts if isinstance(text, str)))
    return names | loaded if isinstance(loaded, frozenset) else names


def read_builtin(reader: Reader, release: str | Unknown) -> frozenset[str] | Unknown:
    """Read which modules are in that kernel's image (Documentation/kbuild/kbuild.rst, modules.builtin)."""
    if isinstance(release, Unknown):
        return release
    text = reader.read_text(f"/lib/modules/{release}/modules.builtin")
    return module_names(text or "") if not isinstance(text, Unknown) else text


def read_loaded(reader: Reader) -> frozenset[str] | Unknown:
    """Read which modules are in the kernel now."""
    names = reader.list_dir("/sys/module")
    if isinstance(names, Unknown):
        return names
    if names is None:
        return Unknown("/sys/module is not there")
    return frozenset(name.replace("-", "_") for name in names)
