"""Clouds that tests render: a spec, and the captured hosts it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from tests.hosts.catalogue import host_of

from gpucloud.model.host import Host
from gpucloud.model.spec import Spec
from gpucloud.spec import parse_spec


@dataclass(frozen=True, eq=False)
class Cloud:
    """What is wanted of which hosts, and what must come of it.

    Args:
        spec: the pools, as YAML.
        hosts: name to the captured host.
        since: the oldest series that can do it.
        devices: host to the PCI functions that nova must track.
        parents: host to the GPUs that it must cut, each with its type and class.
    """

    spec: str
    hosts: Mapping[str, str]
    since: int = 13
    devices: Mapping[str, frozenset[str]] = field(default_factory=dict)
    parents: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)

    @cache  # noqa: B019 - the clouds live as long as the tests
    def parsed(self, placement: str = "off") -> Spec:
        """The spec with a step of the way to Placement."""
        return parse_spec(f"openstack: {{release: '34', placement: {placement}}}\npools:\n{self.spec}")

    def fits(self, layout: str, placement: str, number: int) -> bool:
        """Whether the layout can hold it, for that series."""
        if layout == "charms":
            few = len(self.hosts) == 1 or number >= 17
            return placement == "off" and not self.parents and "live_migratable" not in self.spec and few
        if layout in ("tripleo", "rhoso"):
            return number in (range(17, 24) if layout == "tripleo" else range(27, 35))
        return layout != "openstack-ansible" or not self.devices or number >= 19

    def looked_at(self) -> dict[str, Host]:
        return {name: host_of(captured) for name, captured in self.hosts.items()}


def _vfs(prefix: str, slots: range) -> frozenset[str]:
    return frozenset(f"{prefix}:{number // 8:02x}.{number % 8}" for number in slots)


H100 = frozenset(f"0000:{bus}:00.0" for bus in ("13", "23", "43", "53", "93", "a3", "c3", "d3"))
_V100 = frozenset({"0000:5e:00.0", "0000:d8:00.0"})
_T4 = "0000:3b:00.0"
_A2 = _vfs("0000:41", range(4, 20))
_MI300X = _vfs("0000:05:02"[:7], range(16, 24))

CLOUDS: Mapping[str, Cloud] = {
    "eight H100": Cloud(
        "  h100: {use: passthrough, match: {model: '*H100*'}, nova: {numa_policy: preferred}}",
        {"gpu01": "built-hgx-h100"},
        devices={"gpu01": H100},
    ),
    "a T4 whole": Cloud(
        "  t4: {use: passthrough, match: {ids: 10de:1eb8}}",
        {"gpu02": "built-nvidia-t4-mdev"},
        devices={"gpu02": frozenset({_T4})},
    ),
    "H100 and T4": Cloud(
        "  h100: {use: passthrough, match: {model: '*H100*'}}\n"
        "  t4: {use: passthrough, match: {ids: 10de:1eb8}, nova: {alias: small-gpu}}",
        {"gpu01": "built-hgx-h100", "gpu02": "built-nvidia-t4-mdev"},
        devices={"gpu01": H100, "gpu02": frozenset({_T4})},
    ),
    "V100S": Cloud(
        "  v100: {use: passthrough, match: {model: '*V100*'}, nova: {device_type: type-PCI}}",
        {"gpu03": "server-v100s-2x-kolla-lspci"},
        devices={"gpu03": _V100},
    ),
    "VFs of an MI300X": Cloud(
        "  mi300x: {use: sriov, match: {address: '05:00.0'}}",
        {"gpu04": "built-mi300x-gim"},
        devices={"gpu04": _MI300X},
    ),
    "a T4 cut": Cloud(
        "  desks: {use: vgpu, match: {ids: 10de:1eb8}, vgpu_types: [{type: GRID T4-1Q}]}",
        {"gpu02": "built-nvidia-t4-mdev"},
        since=17,
        parents={"gpu02": {_T4: ("nvidia-230", "VGPU")}},
    ),
    "a T4 cut, with a class and a limit": Cloud(
        "  desks: {use: vgpu, match: {ids: 10de:1eb8}, nova: {live_migratable: true}, "
        "vgpu_types: [{type: nvidia-230, resource_class: CUSTOM_T4_1Q, max_instances: 4}]}",
        {"gpu02": "built-nvidia-t4-mdev"},
        since=29,
        parents={"gpu02": {_T4: ("nvidia-230", "CUSTOM_T4_1Q")}},
    ),
    "serial ports of the kernel's sample driver": Cloud(
        "  serial: {use: vgpu, match: {parent: mtty}, "
        "vgpu_types: [{type: Dual port serial, resource_class: CUSTOM_SERIAL}]}",
        {"gpu06": "lab-mdev-samples"},
        since=34,
        parents={"gpu06": {"mtty_mtty": ("mtty-2", "CUSTOM_SERIAL")}},
    ),
    "VFs of an A2": Cloud(
        "  a2: {use: vgpu, match: {ids: 10de:25b6}, vgpu_types: [{type: '745'}], "
        "nova: {resource_class: CUSTOM_A2_1B, live_migratable: true}}",
        {"gpu05": "built-nvidia-a2-vendor-vfio"},
        since=31,
        devices={"gpu05": _A2},
    ),
}
