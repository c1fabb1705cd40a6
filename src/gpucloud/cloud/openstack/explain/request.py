"""What a flavor asks Placement for, as nova's scheduler makes it of the flavor (nova/scheduler/utils.py)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from gpucloud.cloud.openstack.publish.offer import Flavor
from gpucloud.nova.match.placement import Ask

_RESOURCE = re.compile(r"resources([0-9]*):([A-Z0-9_]+)")
_AMOUNT = re.compile(r"[0-9]{1,12}")
_TRAIT = re.compile(r"trait([0-9]*):([A-Z0-9_]+)")


@dataclass(frozen=True, slots=True)
class Group:
    """Resources of one provider; the group without a number may be of several."""

    resources: Mapping[str, int]
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()

    def query(self, number: str) -> str:
        """The group as parameters of ``GET /allocation_candidates`` (1.25)."""
        amounts = ",".join(f"{name}:{count}" for name, count in sorted(self.resources.items()))
        traits = [*sorted(self.required), *(f"!{name}" for name in sorted(self.forbidden))]
        wanted = f"&required{number}={quote(','.join(traits))}" if traits else ""
        return f"resources{number}={quote(amounts)}{wanted}"


Request = Mapping[str, Group]
"""Groups by their numbers, which are empty for the first."""


def requests_of(flavor: Flavor, image: Mapping[str, str], devices: Sequence[Ask]) -> Iterator[Request]:
    """The requests that nova tries in turn: with pinned CPUs, where a flavor wants them, before shared ones.

    Args:
        flavor: the flavor.
        image: properties of the image.
        devices: what each PCI device asks for, where nova asks Placement for devices.
    """
    policy = flavor.extra_specs.get("hw:cpu_policy") or image.get("hw_cpu_policy")
    for cpu in ("PCPU", "VCPU") if policy == "dedicated" else ("VCPU",):
        yield _request(flavor, image, devices, cpu)


def _request(flavor: Flavor, image: Mapping[str, str], devices: Sequence[Ask], cpu: str) -> Request:
    plain = {cpu: flavor.vcpus, "MEMORY_MB": flavor.ram_mib, "DISK_GB": _disk_gib(flavor)}
    groups: dict[str, Group] = {"": Group(plain)}
    for key, value in flavor.extra_specs.items():
        if (found := _RESOURCE.fullmatch(key)) and _AMOUNT.fullmatch(value.strip()):
            known = groups.get(found[1], Group({}))
            groups[found[1]] = replace(known, resources={**known.resources, found[2]: int(value)})
    for key, value in flavor.extra_specs.items():
        if (found := _TRAIT.fullmatch(key)) and found[1] in groups:
            groups[found[1]] = _with_trait(groups[found[1]], found[2], value)
    for key, value in image.items():
        if (found := _TRAIT.fullmatch(key)) and not found[1]:
            groups[""] = _with_trait(groups[""], found[2], value)
    number = max((int(each) for each in groups if each), default=0)
    for device in devices:
        number += 1
        groups[str(number)] = Group({device.resource_class: 1}, device.traits)
    kept = {each: _without_nothing(group) for each, group in groups.items()}
    return {each: group for each, group in kept.items() if group.resources}


def _disk_gib(flavor: Flavor) -> int:
    """All disks of a guest on its host, swap rounded up."""
    return flavor.disk_gib + flavor.ephemeral_gib + -(-flavor.swap_mib // 1024)


def _with_trait(group: Group, trait: str, value: str) -> Group:
    if value == "forbidden":
        return replace(group, forbidden=group.forbidden | {trait})
    return replace(group, required=group.required | {trait}) if value == "required" else group


def _without_nothing(group: Group) -> Group:
    """An amount of 0 takes a class out of the request."""
    return replace(group, resources={name: count for name, count in group.resources.items() if count})


def query_of(request: Request, policy: str | None) -> str:
    """All groups as parameters; ``group_policy`` must be there from the second numbered group on."""
    said = f"&group_policy={policy if policy in ('none', 'isolate') else 'none'}"
    several = len([number for number in request if number]) > 1
    return "&".join(group.query(number) for number, group in request.items()) + (said if several else "")


def parts_of(request: Request) -> Iterator[tuple[str, str]]:
    """Each class and each trait alone: what it is, ``VCPU:8``, and its query."""
    for group in request.values():
        for name, count in group.resources.items():
            yield f"{name}:{count}", Group({name: count}).query("")
        first = dict(list(group.resources.items())[:1])
        for trait in sorted(group.required):
            yield trait, Group(first, frozenset({trait})).query("")
        for trait in sorted(group.forbidden):
            yield f"!{trait}", Group(first, forbidden=frozenset({trait})).query("")
