"""Asks nova and gpucloud the same, and says where they differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.nova.oracle.ask import ask
from tests.nova.oracle.machines import MACHINES, PLAIN_MACHINES

from gpucloud.nova.alias import Alias, parse_aliases, parse_flavor
from gpucloud.nova.device_spec import DeviceSpec, parse_device_specs
from gpucloud.nova.machine import Device
from gpucloud.nova.match.fit import fit
from gpucloud.nova.match.placement import ask_of, placement_view
from gpucloud.nova.match.pools import Pool, make_pools
from gpucloud.nova.match.serve import Circumstances, Topology
from gpucloud.nova.match.track import Tracked, track, track_device
from gpucloud.nova.refusal import NovaRaises, Refusal
from gpucloud.nova.releases.release import Release, parse_release

Case = dict[str, Any]
Answer = dict[str, Any]

_OBJECT = re.compile(r" object at 0x[0-9a-f]+>")


@dataclass(frozen=True)
class Disagreement:
    """A case on which the two differ."""

    release: str
    case: Case
    part: str
    nova: object
    gpucloud: object

    def __str__(self) -> str:
        return (
            f"nova {self.release}, {self.part}\n  case: {json.dumps(self.case)}\n"
            f"  nova:     {self.nova}\n  gpucloud: {self.gpucloud}"
        )


def disagreements(version: str, cases: Sequence[Case]) -> Iterator[Disagreement]:
    """Run the cases through a release and through gpucloud."""
    release = parse_release(version)
    for case, theirs in zip(cases, theirs_of(version, cases), strict=True):
        ours = ask_gpucloud(release, case)
        for part in sorted(theirs.keys() | ours.keys()):
            known = _comparable(theirs.get(part), release)
            mine = _comparable(ours.get(part), release)
            if known != mine:
                yield Disagreement(version, case, part, known, mine)


def theirs_of(version: str, cases: Sequence[Case]) -> list[Answer]:
    """The answers of a release."""
    return ask(version, "device_worker", [PLAIN_MACHINES, *cases])


def ask_gpucloud(release: Release, case: Case) -> Answer:
    """The same questions, answered by the rules."""
    answers: Answer = {}
    pools: tuple[Pool, ...] | None = None
    if case["specs"] is not None:
        answers, pools = _about_devices(release, case)
    if case["aliases"] is not None:
        aliases = parse_aliases(case["aliases"], release, pci_in_placement=case["in_placement"])
        if isinstance(aliases, Refusal):
            return answers | {"aliases": _raises(aliases)}
        answers["aliases"] = {"gives": _plain_aliases(aliases)}
        answers["asks"] = _asks(release, case, aliases)
        if pools is not None:
            answers["flavors"] = {
                text: _fits(text, aliases, pools, release, case) for text in case["flavors"]
            }
    return answers


def _about_devices(release: Release, case: Case) -> tuple[Answer, tuple[Pool, ...] | None]:
    machine = MACHINES[case["machine"]]
    specs = parse_device_specs(
        case["specs"], release, machine=machine, report_in_placement=case["report"] and release.number >= 26
    )
    if isinstance(specs, Refusal):
        return {"specs": _raises(specs)}, None
    answers: Answer = {"specs": {"gives": [_plain_spec(spec) for spec in specs]}}
    trouble = [_attempt(specs, machine.devices[address], release) for address in machine.devices]
    if any("raises" in each for each in trouble):
        return answers | {"trouble": trouble}, None
    tracked = track(specs, machine, release)
    assert not isinstance(tracked, Refusal)
    entries = {each.device.address: each.entry for each in tracked}
    answers["tracked"] = [_place(entries[address], specs) for address in machine.devices]
    pools = make_pools(tracked, release)
    answers["pools"] = {"gives": [_plain_pool(pool) for pool in pools]}
    if case["report"] and release.number >= 26:
        answers["placement"] = _placement(specs, tracked, release)
    return answers, pools


def _attempt(specs: Sequence[DeviceSpec], device: Device, release: Release) -> Answer:
    try:
        return {"gives": _place(track_device(specs, device, release).entry, specs)}
    except NovaRaises as raised:
        return {"raises": [raised.exception, raised.message]}


def _place(entry: DeviceSpec | None, specs: Sequence[DeviceSpec]) -> int | None:
    return next((n for n, spec in enumerate(specs) if spec is entry), None)


def _raises(refusal: Refusal) -> Answer:
    return {"raises": [refusal.exception, refusal.message]}


def _plain_spec(spec: DeviceSpec) -> list[Any]:
    return [spec.vendor_id, spec.product_id, dict(spec.tags)]


def _plain_aliases(aliases: Mapping[str, Alias]) -> dict[str, Any]:
    return {
        name: [alias.numa_policy, [dict(spec) for spec in alias.specs]] for name, alias in aliases.items()
    }


def _plain_pool(pool: Pool) -> list[Any]:
    return [{**pool.properties, "count": len(pool.devices)}, [device.address for device in pool.devices]]


def _placement(specs: Sequence[DeviceSpec], tracked: Sequence[Tracked], release: Release) -> Answer:
    view = placement_view(specs, tracked, release, host="host")
    if isinstance(view, Refusal):
        return _raises(view)
    return {
        "gives": [[each.name, each.resource_class, len(each.devices), sorted(each.traits)] for each in view]
    }


def _fits(
    text: str, aliases: Mapping[str, Alias], pools: Sequence[Pool], release: Release, case: Case
) -> Answer:
    requests = parse_flavor(text, aliases, release, numa_policy=case["policy"])
    cells = None if case["cells"] is None else tuple(case["cells"])
    topology = Topology(cells, dict(enumerate(case["sockets"])))
    if isinstance(requests, Refusal):
        return _raises(requests)
    found = fit(requests, pools, Circumstances(release, topology))
    devices: object = None if found.devices is None else [device.address for device in found.devices]
    if any(request.count < 1 for request in requests):
        devices = "not asked"
    return {"gives": {"passes": found.passes_scheduler, "devices": devices}}


def _asks(release: Release, case: Case, aliases: Mapping[str, Alias]) -> Answer:
    if not case["in_placement"] or release.number < 27:
        return {}
    asks = {name: ask_of(alias.specs[0]) for name, alias in aliases.items()}
    return {name: [ask.resource_class, sorted(ask.traits)] for name, ask in asks.items()}


def _comparable(answer: Any, release: Release) -> Any:
    """An answer without what only this process could say: addresses of objects in memory, NaN's identity."""
    text = _OBJECT.sub(" object at 0x...>", json.dumps(answer))
    plain = json.loads(text, parse_constant=str)
    if release.number < 17 and isinstance(plain, dict) and "raises" in plain:
        # These print the schema validator's whole text, which is of the installed validator, not of nova.
        plain["raises"][1] = plain["raises"][1].split("\n\nFailed validating")[0]
    return plain
