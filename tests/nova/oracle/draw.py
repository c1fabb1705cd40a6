"""Random cases from a seed.

They are hostile on purpose: wrong types, Unicode, wildcards, lists, nesting, repeated names. Most are sane
but for one thing, so that the deep checks are reached too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from tests.nova.oracle.machines import PLAIN_MACHINES
from tests.nova.oracle.vocabulary import (
    CLASSES,
    COUNTS,
    DOMAINS,
    FIELDS,
    FUNCTIONS,
    JUNK,
    NAMES,
    NOT_JSON,
    PATTERNS,
    POLICIES,
    PRODUCTS,
    SPEC_TAGS,
    TEXTS,
    TRAITS,
    TYPES,
    VENDORS,
)

Case = dict[str, Any]


class Draw:
    """Values from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same cases for the same seed

    def one(self, values: list[Any]) -> Any:
        return self.random.choice(values)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def maybe_junk(self, value: Any) -> Any:
        return self.one(JUNK) if self.chance(0.04) else value

    def address(self) -> Any:
        if self.chance(0.3):
            return self.one([device["address"] for device in self._devices()])
        if self.chance(0.3):
            return self.pattern()
        return self.glob()

    def _devices(self) -> list[dict[str, Any]]:
        return [device for machine in PLAIN_MACHINES.values() for device in machine["devices"]]

    def glob(self) -> str:
        parts = [self.one(DOMAINS), self.one(FIELDS), self.one(FIELDS)][self.random.randrange(3) :]
        if self.chance(0.03):
            parts.insert(0, self.one(FIELDS))
        function = f".{self.one(FUNCTIONS)}" if self.chance(0.8) else ""
        return ":".join(parts) + function

    def pattern(self) -> dict[str, Any]:
        keys = ["domain", "bus", "slot", "function", "device"]
        chosen = self.random.sample(keys, self.random.randrange(len(keys)))
        return {key: self.maybe_junk(self.one(PATTERNS)) for key in chosen}

    def spec(self) -> Any:
        written: dict[str, Any] = {}
        self._add(written, 0.5, "vendor_id", lambda: self.one(VENDORS[:4] if self.chance(0.8) else VENDORS))
        self._add(
            written, 0.4, "product_id", lambda: self.one(PRODUCTS[:8] if self.chance(0.8) else PRODUCTS)
        )
        self._add(written, 0.5, "address", self.address)
        self._add(written, 0.06, "devname", lambda: self.one(["eth0", "ens1", "ens1v0", "usb0", "eth9"]))
        self._add(written, 0.1, "remote_managed", lambda: self.one(TEXTS))
        for key in ("managed", "live_migratable", "one_time_use"):
            self._add(written, 0.12, key, lambda: self.one(TEXTS[:8] if self.chance(0.8) else TEXTS))
        self._add(written, 0.15, "resource_class", lambda: self.one(CLASSES))
        self._add(written, 0.15, "traits", lambda: self.one(TRAITS))
        self._add(
            written, 0.1, self.one(SPEC_TAGS), lambda: self.one(["physnet1", "true", "type-PF", None, 0, ""])
        )
        keys = list(written)
        self.random.shuffle(keys)
        return {key: written[key] for key in keys}

    def _add(self, written: dict[str, Any], share: float, key: str, value: Callable[[], Any]) -> None:
        if self.chance(share):
            written[key] = self.maybe_junk(value())

    def alias(self) -> Any:
        written: dict[str, Any] = {}
        self._add(written, 0.97, "name", lambda: self.one(NAMES[:6] if self.chance(0.9) else NAMES))
        self._add(written, 0.8, "vendor_id", lambda: self.one(VENDORS[:4:3] if self.chance(0.8) else VENDORS))
        self._add(
            written, 0.8, "product_id", lambda: self.one(PRODUCTS[:7] if self.chance(0.9) else PRODUCTS)
        )
        self._add(written, 0.6, "device_type", lambda: self.one(TYPES[:5] if self.chance(0.95) else TYPES))
        self._add(
            written, 0.25, "numa_policy", lambda: self.one(POLICIES[:4] if self.chance(0.9) else POLICIES)
        )
        self._add(written, 0.1, "resource_class", lambda: self.one(CLASSES))
        self._add(written, 0.06, "traits", lambda: self.one(TRAITS))
        self._add(written, 0.1, "live_migratable", lambda: self.one(TEXTS))
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
        self._add(written, 0.15, "resource_class", lambda: self.one(CLASSES))
        self._add(written, 0.1, "traits", lambda: self.one(TRAITS))
        self._add(
            written, 0.1, self.one(SPEC_TAGS), lambda: self.one(["physnet1", "true", "type-PF", None, 0])
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
        self._add(written, 0.2, "numa_policy", lambda: self.one(POLICIES[:4]))
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
            return str(self.one(NOT_JSON))
        value: Any = make()
        if self.chance(0.1 if lists else 0.01):
            value = [make() for _ in range(self.random.randrange(3))]
        if self.chance(0.01):
            value = self.one(JUNK)
        written = json.dumps(value, ensure_ascii=self.chance(0.5))
        return written.replace("\ud800", "x")

    def texts(self, make: Callable[[], Any], *, lists: bool) -> list[str]:
        return [self.text(make, lists=lists) for _ in range(self.one([1, 1, 1, 2, 2, 3]))]

    def flavor(self) -> str:
        names = [
            self.one(["a1"] * 6 + ["a2", "a2", "t4", "none", " a1 ", ""])
            for _ in range(self.one([1, 1, 1, 2, 3]))
        ]
        parts = [f"{name}:{self.one(COUNTS[:6] if self.chance(0.8) else COUNTS)}" for name in names]
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
            "policy": self.one([None, None, None, "required", "preferred", "legacy", "socket", "x"]),
        }
