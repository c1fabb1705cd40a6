"""What a flavor asks Placement for, as nova's scheduler makes it of the flavor (nova/scheduler/utils.py)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from gpucloud.cloud.openstack.publish.offer import Flavor
from gpucloud.nova.match.placement import Ask

_GROUP = "([a-zA-Z0-9_-]{0,64})"
"""Source: nova/api/validation/extra_specs/resources.py."""
RESOURCE = re.compile(f"resources{_GROUP}:([A-Z0-9_]+)")
"""An extra spec that asks for a resource: its group, empty for the first, and the class."""
_AMOUNT = re.compile(r"[0-9]{1,12}")
_MASKED = re.compile(r"(\^?)([0-9]{1,6})(?:-([0-9]{1,6}))?")
_MOST_PROCESSORS = 4096
"""Of a guest: QEMU gives no more."""
_MOST_WORDS = 128
"""Of a mask: nova keeps 255 characters of an extra spec."""
_TRAIT = re.compile(f"trait{_GROUP}:([A-Z0-9_]+)")


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
    for processors in _processors(flavor, image):
        yield _request(flavor, image, devices, processors)


def _processors(flavor: Flavor, image: Mapping[str, str]) -> tuple[Mapping[str, int], ...]:
    """Processors of each request in turn; a mixed guest gets no shared ones for pinned ones."""
    policy = flavor.extra_specs.get("hw:cpu_policy") or image.get("hw_cpu_policy")
    if policy == "dedicated":
        return {"PCPU": flavor.vcpus}, {"VCPU": flavor.vcpus}
    if policy == "mixed":
        pinned = len(_pinned(flavor, image))
        return ({"PCPU": pinned, "VCPU": flavor.vcpus - pinned},)
    return ({"VCPU": flavor.vcpus},)


def _pinned(flavor: Flavor, image: Mapping[str, str]) -> set[int]:
    """The pinned ones of a mixed guest: nova/virt/hardware.py, ``get_dedicated_cpu_constraint``."""
    specs = flavor.extra_specs
    mask = specs.get("hw:cpu_dedicated_mask") or specs.get("hw:cpu_realtime_mask")
    words = (mask or image.get("hw_cpu_realtime_mask") or "").split(",", _MOST_WORDS)[:_MOST_WORDS]
    every = set(range(min(flavor.vcpus, _MOST_PROCESSORS)))
    found = set(every) if words[0].strip().startswith("^") else set()
    out: set[int] = set()
    for word in words:
        if said := _MASKED.fullmatch(word.strip()):
            some = {cpu for cpu in every if int(said[2]) <= cpu <= int(said[3] or said[2])}
            found, out = (found, out | some) if said[1] else (found | some, out)
    return found - out


def unread_amounts(extra_specs: Mapping[str, str]) -> tuple[str, ...]:
    """Extra specs that ask for a resource in an amount that is none; they are not in the request."""
    return tuple(
        key
        for key, value in extra_specs.items()
        if RESOURCE.fullmatch(key) and not _AMOUNT.fullmatch(value.strip())
    )


def _request(
    flavor: Flavor, image: Mapping[str, str], devices: Sequence[Ask], processors: Mapping[str, int]
) -> Request:
    plain = {**processors, "MEMORY_MB": flavor.ram_mib, "DISK_GB": _disk_gib(flavor)}
    groups: dict[str, Group] = {"": Group(plain)}
    for key, value in flavor.extra_specs.items():
        if (found := RESOURCE.fullmatch(key)) and _AMOUNT.fullmatch(value.strip()):
            known = groups.get(found[1], Group({}))
            groups[found[1]] = replace(known, resources={**known.resources, found[2]: int(value)})
    for key, value in flavor.extra_specs.items():
        if (found := _TRAIT.fullmatch(key)) and found[1] in groups:
            groups[found[1]] = _with_trait(groups[found[1]], found[2], value)
    for key, value in image.items():
        if (found := _TRAIT.fullmatch(key)) and not found[1]:
            groups[""] = _with_trait(groups[""], found[2], value)
    kept = {each: _without_nothing(group) for each, group in _numbered(groups, devices).items()}
    return {each: group for each, group in kept.items() if group.resources}


def _numbered(groups: Mapping[str, Group], devices: Sequence[Ask]) -> Request:
    """Named groups and devices under numbers that no other has: Placement takes names from 1.33 on only."""
    found = {each: group for each, group in groups.items() if not each or _is_number(each)}
    others = [group for each, group in groups.items() if each not in found]
    others += [Group({device.resource_class: 1}, device.traits) for device in devices]
    first = max((int(each) for each in found if each), default=0) + 1
    return found | {str(number): group for number, group in enumerate(others, first)}


def _is_number(group: str) -> bool:
    return group.isascii() and group.isdigit()


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
