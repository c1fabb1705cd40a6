"""One host's pools of devices against the flavor: what PciPassthroughFilter and the claim would say there.

Everything here is asked of `nova.match`, which has nova's own filters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import combinations, islice

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.given import GivenHost
from gpucloud.cloud.openstack.explain.rules.answer import stops
from gpucloud.model.finding import Evidence, Finding
from gpucloud.model.unknown import Unknown
from gpucloud.nova.alias import PciRequest
from gpucloud.nova.check.case import Case as NovaCase
from gpucloud.nova.machine import Device
from gpucloud.nova.match import Config, Match, Topology, match
from gpucloud.nova.match.fit import Fit
from gpucloud.nova.match.serve import Choice, Dropped, LeftOut
from gpucloud.nova.refusal import Refusal

_TOPOLOGIES = 200
_MOST_LINES = 6


class Reach(IntEnum):
    """How far a request comes on a host, least first."""

    NO_CARD = 0
    NOT_TRACKED = 1
    OTHER_DEVICE = 2
    OTHER_NODE = 3
    TOO_FEW = 4
    IN_USE = 5
    FITS = 6


@dataclass(frozen=True, slots=True)
class OnHost:
    """What becomes of the request on one host.

    Args:
        finding: what stops it; None where it fits.
        devices: which it would get on a host where nothing is in use.
        nodes: NUMA nodes on which the guest must lie; None: on any.
    """

    host: GivenHost
    reach: Reach
    finding: Finding | None = None
    devices: tuple[Device, ...] = ()
    nodes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """One host with its files: ``asked`` is the flavor's ``pci_passthrough:alias`` as nova-api reads it."""

    case: Case
    host: GivenHost
    compute: NovaCase
    config: Config
    text: str
    asked: tuple[PciRequest, ...]

    def match(self, text: str, topology: Topology | None = None) -> Match:
        policy, release = self.case.numa_policy, self.case.given.release
        machine = self.host.machine
        return match(self.config, machine, release, flavors=(text,), numa_policy=policy, topology=topology)

    def fit(self, text: str, topology: Topology | None = None) -> Fit | Refusal:
        return self.match(text, topology).flavors[text]

    @property
    def lines(self) -> Iterator[Evidence]:
        """The entries of device_spec as they stand; or that there are none."""
        option = str(self.compute.spec_option)
        for one in self.compute.spec_settings[:_MOST_LINES]:
            yield Evidence(one.file, f"{one.name} = {one.value}", one.line)
        if not self.compute.spec_settings:
            yield Evidence(f"nova-compute on {self.host.name}", f"no {option}")


def desk_of(case: Case, host: GivenHost) -> Desk | Refusal | None:
    """What is needed to judge a host; None where files are not known, nova's words where it refuses them."""
    text, api, compute = case.seen.aliases, case.given.api, case.given.compute_on(host)
    if text is None or api is None or compute is None:
        return None
    asked = case.given.requests(text, case.numa_policy)
    said, controls = compute.config, api.config
    if isinstance(said, Refusal):
        return said
    if asked is None or isinstance(asked, Refusal) or isinstance(controls, Refusal):
        return asked if isinstance(asked, Refusal) else None
    config = replace(said, aliases=controls.aliases, pci_in_placement=controls.pci_in_placement)
    return Desk(case, host, compute, config, text, asked)


def judge_host(desk: Desk) -> OnHost:
    """The first of nova's filters that leaves too few devices; then what others hold there."""
    host, found = desk.host, desk.match(desk.text)
    for refusal in (found.specs, found.tracked, found.providers):
        if isinstance(refusal, Refusal):
            title = f"nova-compute on {host.name} does not come up: {refusal.message}"
            return OnHost(host, Reach.NOT_TRACKED, stops("whitelist-mismatch", title, desk.lines))
    for request in desk.asked:
        choice = found.choices[request.alias.name]
        if choice.count < request.count:
            return _short_of(desk, request, choice)
    alone = found.flavors[desk.text]
    if isinstance(alone, Refusal) or alone.devices is None:
        title = f"{host.name} cannot give {desk.text} at once"
        return OnHost(host, Reach.TOO_FEW, stops("not-enough-devices", title, desk.lines))
    return _on_nodes(desk, alone.devices) or _beside_others(desk, alone.devices)


def _short_of(desk: Desk, request: PciRequest, choice: Choice) -> OnHost:
    """Why an alias gets fewer devices than it asks for where nothing is in use."""
    name, host = request.alias.name, desk.host
    cards = [each for each in host.machine.devices.values() if _is_meant(each, request)]
    nearest = next((each for each in choice.left_out if _differs_in_type(each)), None)
    if choice.count:
        title = f"{host.name} has {choice.count} devices for alias {name}, and {request.count} are asked for"
        return OnHost(host, Reach.TOO_FEW, stops("not-enough-devices", title, map(_card, cards)))
    if nearest is not None:
        return OnHost(host, Reach.OTHER_DEVICE, _other_type(desk, request, nearest))
    misplaced = [each for each in choice.left_out if each.reason is Dropped.PLACEMENT]
    if misplaced:
        title = f"{host.name} does not report the devices of alias {name} under the class that it asks for"
        return OnHost(host, Reach.OTHER_DEVICE, stops("pci-in-placement", title, desk.lines))
    untracked = [each for each in cards if not any(each in one.pool.devices for one in choice.left_out)]
    if untracked:
        title = f"device_spec on {host.name} takes none of its {len(untracked)} devices for alias {name}"
        lines = (*desk.lines, *map(_card, untracked))
        return OnHost(host, Reach.NOT_TRACKED, stops("whitelist-mismatch", title, lines))
    if cards:
        keys = ", ".join(sorted({key for each in choice.left_out for key in each.keys}))
        title = f"The devices on {host.name} differ from alias {name}{f' in {keys}' if keys else ''}"
        lines = (*_alias_lines(desk, request), *desk.lines)
        return OnHost(host, Reach.OTHER_DEVICE, stops("whitelist-mismatch", title, lines))
    title = f"{host.name} has no device with the ids of alias {name}"
    return OnHost(host, Reach.NO_CARD, stops("not-enough-devices", title, _alias_lines(desk, request)))


def _is_meant(device: Device, request: PciRequest) -> bool:
    """Claims a device with the ids that the alias names."""
    return any(
        (spec.get("vendor_id", device.vendor_id).lower(), spec.get("product_id", device.product_id).lower())
        == (device.vendor_id, device.product_id)
        for spec in request.alias.specs
    )


def _differs_in_type(each: LeftOut) -> bool:
    return each.reason is Dropped.UNREQUESTED_PF or each.keys == ("dev_type",)


def _other_type(desk: Desk, request: PciRequest, nearest: LeftOut) -> Finding:
    name, kind = request.alias.name, nearest.pool.properties.get("dev_type")
    wants = request.alias.specs[0].get("dev_type")
    asks = f"asks for {wants}" if wants else "has no device_type, which leaves out every type-PF"
    title = f"The devices on {desk.host.name} are {kind}, and alias {name} {asks}"
    lines = (*_alias_lines(desk, request), *map(_card, nearest.pool.devices))
    fix = "Write the type that the devices have into the alias, on the API's hosts and the computes."
    return stops("alias-device-type-mismatch", title, lines, fix=fix, commands=(f'"device_type": "{kind}"',))


def _alias_lines(desk: Desk, request: PciRequest) -> Iterator[Evidence]:
    api = desk.case.given.api
    settings = () if api is None else api.alias_settings
    for value in request.alias.values:
        one = settings[value]
        yield Evidence(one.file, f"{one.name} = {one.value}", one.line)


def _card(device: Device) -> Evidence:
    node = "unknown" if device.numa_node is None else device.numa_node
    text = f"{device.vendor_id}:{device.product_id} {device.type.value}, NUMA node {node}"
    return Evidence(device.address, text)


def _on_nodes(desk: Desk, devices: Sequence[Device]) -> OnHost | None:
    """What stops a guest with a NUMA topology, or binds it to some nodes; None where any node will do.

    Which sockets the nodes are of is no part of a capture: policy ``socket`` is not judged.
    """
    cells = desk.case.numa_cells
    policies = {each.numa_policy for each in desk.asked}
    if cells is None or "socket" in policies:
        return None
    machine = desk.host.machine.devices.values()
    nodes = sorted({0} | {each.numa_node for each in machine if each.numa_node is not None})
    tried = list(islice(combinations(nodes, min(cells, len(nodes))), _TOPOLOGIES))
    good = [each for each in tried if _passes(desk.fit(desk.text, Topology(each)))]
    if len(good) == len(tried):
        return None
    if good:
        held = _beside_others(desk, tuple(devices))
        return replace(held, nodes=tuple(sorted({node for each in good for node in each})))
    policy = ", ".join(sorted(each or "legacy" for each in policies))
    title = f"NUMA policy {policy}: no node of {desk.host.name} has the devices beside the guest"
    specs = desk.case.seen.flavor.extra_specs.items()
    lines = [Evidence("flavor", f"{key}={value}") for key, value in specs if key.startswith("hw:")]
    asked = [line for each in desk.asked for line in _alias_lines(desk, each)]
    found = stops("numa-policy-no-host", title, (*lines, *map(_card, devices), *asked))
    return OnHost(desk.host, Reach.OTHER_NODE, found)


def _passes(fit: Fit | Refusal) -> bool:
    return isinstance(fit, Fit) and fit.passes_scheduler


def _is_read(desk: Desk, aliases: str) -> bool:
    """Claims that nova-api knows the aliases of a server that was made under an older nova.conf."""
    return not isinstance(desk.case.given.requests(aliases, None), Refusal)


def _beside_others(desk: Desk, devices: tuple[Device, ...]) -> OnHost:
    """Whether the flavor still fits with what other servers on that host hold."""
    holders, service = desk.case.seen.holders, desk.case.service_of(desk.host)
    here = desk.host.name if service is None else service.host
    known = () if isinstance(holders, Unknown) else holders
    held = [each for each in known if each.host == here and _is_read(desk, each.aliases)]
    together = desk.fit(",".join([*(each.aliases for each in held), desk.text]))
    if isinstance(together, Fit) and together.devices is None:
        names = [Evidence(f"server {each.name}", f"{each.aliases} on {each.host}") for each in held]
        title = f"No device is free on {here}: {len(held)} other servers hold them"
        return OnHost(desk.host, Reach.IN_USE, stops("not-enough-devices", title, names))
    return OnHost(desk.host, Reach.FITS, devices=devices)
