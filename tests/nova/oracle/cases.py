"""The cases for nova and gpucloud: those made by hand, and as many random ones as are wanted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tests.nova.oracle.draw import Case, Draw
from tests.nova.oracle.vocabulary import (
    CLASSES,
    JUNK,
    NAMES,
    NOT_JSON,
    POLICIES,
    PRODUCTS,
    TEXTS,
    TRAITS,
    TYPES,
    VENDORS,
)

from gpucloud.nova.releases.release import Release

_FIRST_WITH_VDPA = 23


def distinct_cases(release: Release, seed: int, count: int) -> list[Case]:
    """All cases for a release: so many random ones, and those made by hand, each once."""
    drawn = islice((case for case in _endless(seed) if is_for(release, case)), count)
    every = [*(case for case in HAND_MADE if is_for(release, case)), *drawn]
    return list({json.dumps(case): case for case in every}.values())


def is_for(release: Release, case: Case) -> bool:
    """Whether the release knows the devices of the case: vdpa ones came with 23."""
    return release.number >= _FIRST_WITH_VDPA or case["machine"] != "vdpa"


def random_cases(seed: int, count: int) -> Iterator[Case]:
    """So many distinct cases, the same for the same seed."""
    return islice(_endless(seed), count)


def _endless(seed: int) -> Iterator[Case]:
    draw = Draw(seed)
    seen: set[str] = set()
    while True:
        case = draw.plausible_case() if draw.chance(0.4) else draw.case()
        key = json.dumps(case)
        if key not in seen:
            seen.add(key)
            yield case


def _spec(*values: Any, machine: str = "sliced", report: bool = False) -> Case:
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return _case(machine=machine, specs=texts, report=report)


def _alias(*values: Any, flavors: tuple[str, ...] = (), specs: list[str] | None = None, **more: Any) -> Case:
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return _case(aliases=texts, flavors=list(flavors), specs=specs, **more)


def _case(**given: Any) -> Case:
    usual: Case = {"machine": "sliced", "specs": None, "aliases": None, "flavors": [], "report": False}
    usual |= {"in_placement": False, "sockets": [0, 0, 1, 1], "cells": None, "policy": None}
    return {**usual, **given}


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
    {"domain": "((0*)*)*1"},
]

HAND_MADE: tuple[Case, ...] = (
    *(_spec({"vendor_id": value}) for value in [*VENDORS, *JUNK]),
    *(_spec({"product_id": value}) for value in [*PRODUCTS, *JUNK]),
    *(_spec({"address": value}) for value in [*_ADDRESSES, *_REGEXES, *JUNK]),
    *(_spec(text) for text in NOT_JSON),
    *(
        _spec({key: value})
        for key in ("managed", "live_migratable", "one_time_use")
        for value in TEXTS + JUNK
    ),
    *(_spec({"one_time_use": value, "address": "0000:25:00.0"}, report=True) for value in ("yes", "no")),
    *(_spec({"one_time_use": value, "address": "*:25:*.1"}, report=True) for value in ("yes", "no", None)),
    *(_spec({"remote_managed": value, "address": "*:81:*.*"}) for value in [*TEXTS, *JUNK]),
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
        for key, values in (("resource_class", CLASSES), ("traits", TRAITS))
        for value in [*values, *JUNK]
    ),
    *(_alias({**_T4, key: value}) for key in _T4 for value in [*NAMES, *VENDORS, *TYPES, *JUNK]),
    *(_alias({**_T4, "numa_policy": value}) for value in [*POLICIES, *JUNK]),
    *(_alias({**_T4, "live_migratable": value}) for value in [*TEXTS, *JUNK]),
    *(_alias({**_T4, key: "x"}) for key in ("resource_class", "traits", "capability_type", "address", "b")),
    *(_alias({**_T4, "capability_type": value}) for value in ("pci", "PCI", 1)),
    *(_alias(text) for text in NOT_JSON),
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
    # Tags with which nova does not find a pool again, when it must take a card's relatives out of it.
    *(
        _alias(
            {"name": "a1", "vendor_id": "10de", "product_id": "25b6", "device_type": kind},
            flavors=("a1:1", "a1:2"),
            specs=[json.dumps({"vendor_id": "10de", tag: value})],
        )
        for kind in ("type-PF", "type-VF")
        for tag, value in (("count", 1), ("devices", []), ("x", float("nan")), ("x", None))
    ),
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
