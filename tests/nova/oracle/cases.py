"""Cases for nova and gpucloud: those made by hand, and as many as are wanted from a seed.

Random ones are hostile on purpose: wrong types, Unicode, wildcards, lists, nesting, repeated names. Most are
sane but for one thing, so that the deep checks are reached too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.nova.oracle.machines import PLAIN_MACHINES

Case = dict[str, Any]

_JUNK: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    4318,
    1.5,
    "",
    " ",
    "*",
    [],
    {},
    [1],
    {"a": 1},
    "é",
    "\uff11\uff10",
]
_JUNK += ["\ud800", "a\nb", "%s", "{0}", "0x", "1_0", "+5", "-5", " 10de ", "10DE", "0x10de", "ffff", "10000"]
_JUNK += [float("nan"), float("inf"), 10**30, "x" * 300, [[[[]]]], {"a": {"b": {"c": None}}}, "١٠٢٣"]
_VENDORS = ["10de", "10DE", "0x10de", "15b3", "1002", "8086", "*", " 10de", "10de ", "110de", "10d", "ffff"]
_PRODUCTS = ["1eb8", "1EB8", "25b6", "101d", "101e", "1e87", "740f", "*", "0x25b6", " 25b6", "10f8", "zzzz"]
_FIELDS = [
    "*",
    "",
    "0",
    "00",
    "25",
    "3b",
    "81",
    "01",
    "1",
    "3B",
    "0*",
    "ff",
    "100",
    "1f",
    "20",
    "g",
    " 25 ",
    "-1",
]
_DOMAINS = ["*", "", "0", "0000", "0001", "1", "ffff", "10000", "0x0", " "]
_FUNCTIONS = ["*", "", "0", "1", "4", "7", "8", "0x1", " 1 ", ".1", "a"]
_PATTERNS = [
    ".*",
    "25",
    "2",
    "^25$",
    "[0-9a-f]+",
    "[",
    "(",
    "0000",
    "0",
    "00",
    "1",
    "4",
    "(?i)3B",
    "3b|25",
    "",
    "*",
]
_PATTERNS += ["(?P<a>2)", "\\d+", "2{1,", "x{99999999999}", "[[a]", "3B", "81", "0001"]
_TEXTS = ["yes", "no", "true", "false", "on", "off", "1", "0", "Y", " TRUE ", "maybe", "2", ""]
_CLASSES = [
    "CUSTOM_GPU",
    "gpu",
    "pgpu",
    "VGPU",
    "custom_a b",
    "CUSTOM_a b",
    "a-b",
    "é",
    "A16",
    "",
    "CUSTOM_A16",
]
_TRAITS = [
    "CUSTOM_BLUE",
    "blue, big",
    "blue,big",
    "HW_GPU_API_VULKAN",
    "hw_gpu_api_vulkan",
    "",
    ",",
    "a,a",
    " ",
]
_NAMES = ["a1", "a1", "a2", " a1", "a1 ", "t4", "é", "a:b", "", " ", "x" * 256, "x" * 257]
_TYPES = ["type-PCI", "type-PF", "type-VF", "type-VF", "type-PF", "vdpa", "PF", "type-pf", ""]
_POLICIES = ["required", "legacy", "preferred", "socket", "strict", ""]
_COUNTS = ["0", "1", "1", "1", "2", "3", "4", "9", "-1", "x", "", " 1", "1.0", "1_0", "1:2"]
_SPEC_TAGS = [
    "physical_network",
    "trusted",
    "name",
    "address ",
    "manged",
    "dev_type",
    "count",
    "devices",
    "numa_node",
]
_SPEC_TAGS += ["rp_uuid", "capability_type"]
_NOT_JSON = [
    "",
    " ",
    "{",
    "}",
    "null",
    "1",
    '"x"',
    "[]",
    "[1]",
    "[null]",
    "[[]]",
    "[{}]",
    "[{}, 1]",
    "nan",
    "NaN",
]
_NOT_JSON += [
    "{'vendor_id': '10de'}",
    '{"a": 1,}',
    "“”",
    "{“vendor_id”: “10de”}",
    "[" * 5000,
    "{}" * 2,
    "Infinity",
]
_NOT_JSON += [
    '{"vendor_id": "10de", "vendor_id": "1002"}',
    "1" * 5000,
    "\ufeff{}",
    '{"a": "\\ud800"}',
    "[{}, {}]",
]
_NOT_JSON += ['{\n "vendor_id": "10de",\n "product_id": "1eb8"}', "// x", '{"a": 1}}', "\x00", '{"a": "\t"}']


class _Draw:
    """Values from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same cases for the same seed

    def one(self, values: list[Any]) -> Any:
        return self.random.choice(values)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def maybe_junk(self, value: Any) -> Any:
        return self.one(_JUNK) if self.chance(0.04) else value

    def address(self) -> Any:
        if self.chance(0.3):
            return self.one([device["address"] for device in self._devices()])
        if self.chance(0.3):
            return self.pattern()
        return self.glob()

    def _devices(self) -> list[dict[str, Any]]:
        return [device for machine in PLAIN_MACHINES.values() for device in machine["devices"]]

    def glob(self) -> str:
        parts = [self.one(_DOMAINS), self.one(_FIELDS), self.one(_FIELDS)][self.random.randrange(3) :]
        if self.chance(0.03):
            parts.insert(0, self.one(_FIELDS))
        function = f".{self.one(_FUNCTIONS)}" if self.chance(0.8) else ""
        return ":".join(parts) + function

    def pattern(self) -> dict[str, Any]:
        keys = ["domain", "bus", "slot", "function", "device"]
        chosen = self.random.sample(keys, self.random.randrange(len(keys)))
        return {key: self.maybe_junk(self.one(_PATTERNS)) for key in chosen}

    def spec(self) -> Any:
        written: dict[str, Any] = {}
        self._add(written, 0.5, "vendor_id", lambda: self.one(_VENDORS[:4] if self.chance(0.8) else _VENDORS))
        self._add(
            written, 0.4, "product_id", lambda: self.one(_PRODUCTS[:8] if self.chance(0.8) else _PRODUCTS)
        )
        self._add(written, 0.5, "address", self.address)
        self._add(written, 0.06, "devname", lambda: self.one(["eth0", "ens1", "ens1v0", "usb0", "eth9"]))
        self._add(written, 0.1, "remote_managed", lambda: self.one(_TEXTS))
        for key in ("managed", "live_migratable", "one_time_use"):
            self._add(written, 0.12, key, lambda: self.one(_TEXTS[:8] if self.chance(0.8) else _TEXTS))
        self._add(written, 0.15, "resource_class", lambda: self.one(_CLASSES))
        self._add(written, 0.15, "traits", lambda: self.one(_TRAITS))
        self._add(
            written, 0.1, self.one(_SPEC_TAGS), lambda: self.one(["physnet1", "true", "type-PF", None, 0, ""])
        )
        keys = list(written)
        self.random.shuffle(keys)
        return {key: written[key] for key in keys}

    def _add(self, written: dict[str, Any], share: float, key: str, value: Callable[[], Any]) -> None:
        if self.chance(share):
            written[key] = self.maybe_junk(value())

    def alias(self) -> Any:
        written: dict[str, Any] = {}
        self._add(written, 0.97, "name", lambda: self.one(_NAMES[:6] if self.chance(0.9) else _NAMES))
        self._add(
            written, 0.8, "vendor_id", lambda: self.one(_VENDORS[:4:3] if self.chance(0.8) else _VENDORS)
        )
        self._add(
            written, 0.8, "product_id", lambda: self.one(_PRODUCTS[:7] if self.chance(0.9) else _PRODUCTS)
        )
        self._add(written, 0.6, "device_type", lambda: self.one(_TYPES[:5] if self.chance(0.95) else _TYPES))
        self._add(
            written, 0.25, "numa_policy", lambda: self.one(_POLICIES[:4] if self.chance(0.9) else _POLICIES)
        )
        self._add(written, 0.1, "resource_class", lambda: self.one(_CLASSES))
        self._add(written, 0.06, "traits", lambda: self.one(_TRAITS))
        self._add(written, 0.1, "live_migratable", lambda: self.one(_TEXTS))
        self._add(written, 0.03, "capability_type", lambda: self.one(["pci", "PCI", "x"]))
        self._add(written, 0.02, self.one(["address", "managed", "b", "name "]), lambda: "x")
        keys = list(written)
        self.random.shuffle(keys)
        return {key: written[key] for key in keys}

    def plausible_spec(self, machine: str) -> Any:
        """An entry that has something to do with a device of the machine."""
        device = self.one(PLAIN_MACHINES[machine]["devices"])
        written = {"vendor_id": device["vendor_id"]}
        self._add(written, 0.6, "product_id", lambda: device["product_id"])
        self._add(
            written, 0.4, "address", lambda: self.one([device["address"], device["address"][:8] + "*.*"])
        )
        self._add(written, 0.15, "live_migratable", lambda: self.one(["yes", "no"]))
        self._add(written, 0.15, "resource_class", lambda: self.one(_CLASSES))
        self._add(written, 0.1, "traits", lambda: self.one(_TRAITS))
        self._add(
            written, 0.1, self.one(_SPEC_TAGS), lambda: self.one(["physnet1", "true", "type-PF", None, 0])
        )
        return written

    def plausible_alias(self, machine: str) -> Any:
        """An alias that asks for a device of the machine."""
        device = self.one(PLAIN_MACHINES[machine]["devices"])
        written = {"name": self.one(["a1", "a1", "a2"]), "vendor_id": device["vendor_id"]}
        written["product_id"] = device["product_id"]
        if self.chance(0.1):
            written["product_id"] = device["product_id"].upper()
        self._add(written, 0.7, "device_type", lambda: device["dev_type"])
        self._add(written, 0.2, "numa_policy", lambda: self.one(_POLICIES[:4]))
        self._add(written, 0.1, "live_migratable", lambda: self.one(["yes", "no"]))
        return written

    def plausible_case(self) -> Case:
        """Devices, aliases and flavors that fit each other, mostly."""
        machine = self.one(["two-sockets", "sliced", "desktop", "vdpa"])
        specs = self.texts(lambda: self.plausible_spec(machine), lists=True)
        aliases = self.texts(lambda: self.plausible_alias(machine), lists=False)
        asked = [self.plausible_flavor() for _ in range(4)]
        return {**self.case(), "machine": machine, "specs": specs, "aliases": aliases, "flavors": asked}

    def plausible_flavor(self) -> str:
        """Counts of the two names that ``plausible_alias`` gives, mostly of the first."""
        names = [self.one(["a1", "a1", "a1", "a2"]) for _ in range(self.one([1, 1, 2, 3]))]
        return ",".join(f"{name}:{self.one(['1', '1', '1', '2', '2', '3', '4', '0'])}" for name in names)

    def text(self, make: Callable[[], Any], *, lists: bool) -> str:
        """A value of an option: mostly what ``make`` makes, as JSON."""
        if self.chance(0.03):
            return str(self.one(_NOT_JSON))
        value: Any = make()
        if self.chance(0.1 if lists else 0.01):
            value = [make() for _ in range(self.random.randrange(3))]
        if self.chance(0.01):
            value = self.one(_JUNK)
        written = json.dumps(value, ensure_ascii=self.chance(0.5))
        return written.replace("\ud800", "x")

    def texts(self, make: Callable[[], Any], *, lists: bool) -> list[str]:
        return [self.text(make, lists=lists) for _ in range(self.one([1, 1, 1, 2, 2, 3]))]

    def flavor(self) -> str:
        names = [
            self.one(["a1"] * 6 + ["a2", "a2", "t4", "none", " a1 ", ""])
            for _ in range(self.one([1, 1, 1, 2, 3]))
        ]
        parts = [f"{name}:{self.one(_COUNTS[:6] if self.chance(0.8) else _COUNTS)}" for name in names]
        if self.chance(0.03):
            return str(self.one(["", "a1", ":", "a1:1,"]))
        return (", " if self.chance(0.3) else ",").join(parts)

    def case(self) -> Case:
        with_specs, with_aliases = self.one([(True, False), (False, True), (True, True), (True, True)])
        machine = self.one(["two-sockets", "sliced", "sliced", "desktop", "wide", "vdpa", "nothing"])
        return {
            "machine": machine,
            "specs": self.texts(self.spec, lists=True) if with_specs else None,
            "aliases": self.texts(self.alias, lists=False) if with_aliases else None,
            "flavors": sorted({self.flavor() for _ in range(3)}),
            "report": self.chance(0.5),
            "in_placement": self.chance(0.3),
            "sockets": [0, 0, 1, 1] if self.chance(0.7) else [],
            "cells": self.one([None, None, [0], [1], [0, 1], [2]]),
            "policy": self.one([None, None, None, "required", "preferred", "legacy"]),
        }


def random_cases(seed: int, count: int) -> Iterator[Case]:
    """So many distinct cases, the same for the same seed."""
    draw = _Draw(seed)
    seen: set[str] = set()
    while len(seen) < count:
        case = draw.plausible_case() if draw.chance(0.4) else draw.case()
        key = json.dumps(case)
        if key not in seen:
            seen.add(key)
            yield _marked(case)


def _marked(case: Case) -> Case:
    """The case, with a word on tags that have the name of what nova itself notes in a pool.

    Such a tag breaks nova's own search for a device's pool, and so the withdrawal of a taken card's
    relatives. Which devices a guest would get is not compared then.
    """
    texts = case["specs"] or []
    return {
        **case,
        "has_bookkeeping_tags": any(f'"{tag}"' in text for tag in ("count", "devices") for text in texts),
    }


def _spec(*values: Any, machine: str = "sliced", report: bool = False) -> Case:
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return _case(machine=machine, specs=texts, report=report)


def _alias(*values: Any, flavors: tuple[str, ...] = (), specs: list[str] | None = None, **more: Any) -> Case:
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return _case(aliases=texts, flavors=list(flavors), specs=specs, **more)


def _case(**given: Any) -> Case:
    usual: Case = {"machine": "sliced", "specs": None, "aliases": None, "flavors": [], "report": False}
    usual |= {"in_placement": False, "sockets": [0, 0, 1, 1], "cells": None, "policy": None}
    return _marked({**usual, **given})


_T4 = {"name": "a1", "vendor_id": "10de", "product_id": "1eb8", "device_type": "type-PF"}
_ADDRESSES = [
    "0000:25:0*.4",
    "10000:25:00.4",
    "0000:25:20.4",
    "0000:25:00.8",
    "a:0000:25:00.4",
    "",
    None,
    "*:*:*.*",
]
_ADDRESSES += [
    "25:00.4",
    ":00.4",
    ".4",
    "0000:25:00",
    "0000:25:00.",
    "::.",
    ":::.",
    " : : . ",
    "0000:25:00.4.1",
]
_REGEXES: list[Any] = [
    {},
    {"bus": "["},
    {"bus": 25},
    {"device": "00"},
    {"bus": None},
    {"bus": ["25"]},
    {"bus": {}},
]
_REGEXES += [
    {"domain": "0000", "bus": "25", "slot": "00", "function": "0"},
    {"bus": "25", "function": "[1-3]"},
]

HAND_MADE: tuple[Case, ...] = (
    *(_spec({"vendor_id": value}) for value in [*_VENDORS, *_JUNK]),
    *(_spec({"product_id": value}) for value in [*_PRODUCTS, *_JUNK]),
    *(_spec({"address": value}) for value in [*_ADDRESSES, *_REGEXES, *_JUNK]),
    *(_spec(text) for text in _NOT_JSON),
    *(
        _spec({key: value})
        for key in ("managed", "live_migratable", "one_time_use")
        for value in _TEXTS + _JUNK
    ),
    *(_spec({"one_time_use": value, "address": "0000:25:00.0"}, report=True) for value in ("yes", "no")),
    *(_spec({"one_time_use": value, "address": "*:25:*.1"}, report=True) for value in ("yes", "no", None)),
    *(_spec({"remote_managed": value, "address": "*:81:*.*"}) for value in [*_TEXTS, *_JUNK]),
    *(_spec({"remote_managed": "true", "address": value}) for value in ("0000:81:00.0", "0000:81:00.1", "")),
    *(_spec({"devname": name}) for name in ("ens1", "ens1v0", "usb0", "eth9", "", 5, ["ens1"], {"a": 1})),
    *(_spec({"devname": name}, report=True) for name in ("ens1", "eth9", "")),
    *(_spec({"devname": "ens1", "remote_managed": value}) for value in ("true", "false")),
    _spec({"devname": "eth9", "remote_managed": "true"}),
    _spec({"devname": "eth0"}, machine="desktop"),
    _spec({"devname": "ens1", "address": "0000:81:00.0"}),
    _spec({"address": "0000:25:00.0"}),
    _spec(
        {"address": {"domain": "0000", "bus": "25", "slot": "00", "function": "0"}, "remote_managed": "yes"}
    ),
    # PF and its VFs, first match order, mixed classes: the traps of nova's own guide.
    *(_spec({"vendor_id": "10de"}, report=report) for report in (True, False)),
    _spec({"vendor_id": "10de"}, {"address": "0000:25:00.0", "resource_class": "X"}, report=True),
    _spec(
        {"address": "0000:25:00.1", "resource_class": "CUSTOM_A16_16A"},
        {"address": "0000:25:00.2", "resource_class": "CUSTOM_A16_8A"},
        report=True,
    ),
    _spec({"address": "0000:25:00.1", "live_migratable": "yes"}, {"address": "0000:25:00.2"}, report=True),
    _spec(
        {"address": "0000:25:00.1", "traits": "a"}, {"address": "0000:25:00.2", "traits": "b"}, report=True
    ),
    *(
        _spec({"address": "0001:01:00.0", key: value}, report=True)
        for key, values in (("resource_class", _CLASSES), ("traits", _TRAITS))
        for value in [*values, *_JUNK]
    ),
    *(_alias({**_T4, key: value}) for key in _T4 for value in [*_NAMES, *_VENDORS, *_TYPES, *_JUNK]),
    *(_alias({**_T4, "numa_policy": value}) for value in [*_POLICIES, *_JUNK]),
    *(_alias({**_T4, "live_migratable": value}) for value in [*_TEXTS, *_JUNK]),
    *(_alias({**_T4, key: "x"}) for key in ("resource_class", "traits", "capability_type", "address", "b")),
    *(_alias({**_T4, "capability_type": value}) for value in ("pci", "PCI", 1)),
    *(_alias(text) for text in _NOT_JSON),
    *(_alias(_T4, {**_T4, **more}) for more in ({}, {"device_type": "type-VF"}, {"numa_policy": "required"})),
    _alias(_T4, {"name": "a1", "vendor_id": "10de", "product_id": "1eb8"}),
    _alias({"name": "a1"}, _T4),
    *(
        _alias(*values, in_placement=True)
        for values in ((_T4, _T4), ({"name": "a1"},), ({"name": "a1", "resource_class": "X"},), (_T4,))
    ),
    *(_alias({"name": name}) for name in ("b", "a")),
    _alias({"name": "b"}, {"name": "a"}, {"name": "c", "vendor_id": "10de"}),
    _alias({}, {"name": 1, "vendor_id": 2}),
    _alias({"z": 1, "y": 2}),
    _alias({"name": 1, "vendor_id": "x", "product_id": 3, "device_type": []}),
    # What a flavor gets on two sockets, under every policy.
    *(
        _alias(
            {**_T4, "numa_policy": policy},
            {**_T4, "name": "a2", "product_id": "1db4", "device_type": "type-PCI"},
            flavors=(
                "a1:1",
                "a1:2",
                "a1:3",
                "a1:4",
                "a1:1,a2:1",
                "a2:1",
                "a1:1,a1:1",
                "a1:2,a1:2",
                "a2:1,a2:1",
            ),
            specs=['{"vendor_id": "10de"}'],
            machine="two-sockets",
            cells=cells,
            sockets=sockets,
        )
        for policy in ("required", "legacy", "preferred", "socket")
        for cells in (None, [0], [1], [0, 1], [2])
        for sockets in ([0, 0, 1, 1], [])
    ),
    *(
        _alias(
            {"name": "a1", "vendor_id": vendor, "product_id": "25b6", **more},
            flavors=("a1:1", "a1:4", "a1:5", "a1:0", "a1:-1", "a1", "a1:x", "", "b:1", " a1 : 1 "),
            specs=['{"vendor_id": "10de", "live_migratable": "yes"}', '{"vendor_id": "15b3"}'],
        )
        for vendor in ("10de", "10DE")
        for more in ({}, {"device_type": "type-VF"}, {"live_migratable": "yes"}, {"live_migratable": "no"})
    ),
)
