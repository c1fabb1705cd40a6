"""The spec as an offer: names and patterns looked up in what the cloud has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpucloud.cloud.openstack.publish.flavors import extra_specs_of
from gpucloud.cloud.openstack.publish.limits import limits_of, quota_of
from gpucloud.cloud.openstack.publish.offer import MARK, RECORD, Aggregate, Flavor, LimitKey, Listed, Offer
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.spec import Spec
from gpucloud.model.spec.catalogue import AggregateWish, FlavorWish, ImageWish, QuotaWish
from gpucloud.nova.properties import Verdict, judge_image
from gpucloud.nova.releases.release import Release
from gpucloud.spec.choose import is_named

_FOR_GPUS = {"hw_machine_type": "q35", "hw_firmware_type": "uefi"}
"""PCIe for the card, and firmware that maps large BARs; nova's default is pc (i440fx) with BIOS."""

_OF_GLANCE = frozenset(
    {
        *("checksum", "container_format", "created_at", "deleted", "deleted_at", "direct_url", "disk_format"),
        *("file", "id", "location", "locations", "min_disk", "min_ram", "name", "os_hash_algo"),
        *("os_hash_value", "os_hidden", "owner", "protected", "schema", "self", "size", "status", "stores"),
        *("tags", "updated_at", "virtual_size", "visibility", RECORD),
    }
)
"""Base, read-only and reserved properties (glance/api/v2/images.py), and our own record."""


def projects_named(spec: Spec) -> tuple[str, ...]:
    """Projects that the spec names, each once."""
    names = [name for flavor in spec.publish.flavors for name in flavor.projects]
    return tuple(dict.fromkeys([*names, *(each.name for each in spec.publish.quotas.projects)]))


def offer_of(spec: Spec, release: Release, listed: Listed) -> Offer:
    """What the cloud is to offer.

    Raises:
        Failure: what is named is not there, or nova of the release cannot do it.
    """
    publish = spec.publish
    quotas, limits = _quotas(spec, release, listed)
    hosts = {wish.name: frozenset(_hosts(spec, wish, listed)) for wish in publish.aggregates}
    return Offer(
        {wish.name: _flavor(spec, wish, release, listed) for wish in publish.flavors},
        {wish.name: Aggregate(hosts[wish.name], _metadata(wish)) for wish in publish.aggregates},
        {_image_id(wish.name, listed): properties_of(wish, release) for wish in publish.images},
        quotas,
        limits,
        _traits((hosts[wish.name], wish.traits) for wish in publish.aggregates),
    )


def check(spec: Spec, release: Release) -> None:
    """Ask of the spec alone what can be asked before any cloud is.

    Raises:
        Failure: nova of the release cannot do what is wanted.
    """
    for flavor in spec.publish.flavors:
        extra_specs_of(spec, flavor, release)
    for image in spec.publish.images:
        properties_of(image, release)
    for where, quota in _wished(spec):
        _said(spec, quota, f"quota of {where or 'default'}", release)
    for aggregate in spec.publish.aggregates:
        _metadata(aggregate)


def _flavor(spec: Spec, wish: FlavorWish, release: Release, listed: Listed) -> Flavor:
    projects = frozenset(_project_id(name, listed) for name in wish.projects)
    extra_specs = extra_specs_of(spec, wish, release)
    return Flavor(wish.vcpus, wish.ram_mib, wish.disk_gib, not projects, extra_specs, projects)


def _project_id(name: str, listed: Listed) -> str:
    found = listed.projects.get(name, ())
    if len(found) == 1:
        return found[0]
    if not found:
        raise Failure(f"there is no project {name!r}", "list them: openstack project list", code=Exit.USAGE)
    raise Failure(f"{len(found)} projects are called {name!r}", "write the project's id", code=Exit.USAGE)


def properties_of(wish: ImageWish, release: Release) -> dict[str, str]:
    """The properties that an image gets.

    Raises:
        Failure: nova of the release refuses one, or passes over it.
    """
    made = {**(_FOR_GPUS if wish.is_for_gpus else {})}
    if wish.is_hypervisor_hidden:
        made["img_hide_hypervisor_id"] = "true"
    made |= {setting.name: setting.value for setting in wish.properties}
    for name in sorted(made):
        if name in _OF_GLANCE or name.startswith("os_glance"):
            raise Failure(
                f"image {wish.name}: {name} is glance's own or ours, no property to be set",
                f"leave it out; what glance lets be changed is: openstack image set {wish.name!r}",
                code=Exit.USAGE,
            )
    for judged in judge_image(made, release):
        if judged.verdict in (Verdict.REFUSED, Verdict.IGNORED):
            raise Failure(
                f"image {wish.name}: nova {release} does not do {judged.name}={judged.value}: {judged.why}",
                "change the image's properties, or the release in gpucloud.yaml",
                code=Exit.USAGE,
            )
    return made


def image_doubts(wish: ImageWish, release: Release) -> Iterator[str]:
    """Properties that no nova reads: others may, or they are written wrong."""
    for judged in judge_image(properties_of(wish, release), release):
        if judged.verdict is Verdict.UNKNOWN:
            yield f"image {wish.name}: {judged.name}: {judged.why}"


def _image_id(name: str, listed: Listed) -> str:
    found = (
        [name]
        if name in listed.image_names
        else [
            key
            for key, called in listed.image_names.items()
            if called == name and key not in listed.foreign_images
        ]
    )
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} images are called {name!r}" if found else f"there is no image {name!r}"
    raise Failure(what, "list them: openstack image list --long; an id may be written", code=Exit.USAGE)


def _hosts(spec: Spec, wish: AggregateWish, listed: Listed) -> Iterator[str]:
    groups = {group.name: group.hosts for group in spec.host_groups}
    for pattern in (each for name in wish.hosts for each in groups.get(name, (name,))):
        found = [host for host in listed.providers if is_named(host, pattern)]
        if not found:
            raise Failure(
                f"aggregate {wish.name}: no nova-compute is on a host called {pattern}",
                "list them: openstack compute service list --service nova-compute",
                code=Exit.USAGE,
            )
        yield from found


def _metadata(wish: AggregateWish) -> dict[str, str]:
    metadata = {setting.name: setting.value for setting in wish.metadata}
    if MARK in metadata:
        raise Failure(f"aggregate {wish.name}: {MARK} is written by publish", "leave it out", code=Exit.USAGE)
    return metadata


def _traits(each: Iterable[tuple[frozenset[str], tuple[str, ...]]]) -> dict[str, frozenset[str]]:
    by_host: dict[str, frozenset[str]] = {}
    for hosts, traits in each:
        for host in hosts if traits else ():
            by_host[host] = by_host.get(host, frozenset()) | frozenset(traits)
    return by_host


def _wished(spec: Spec) -> Iterator[tuple[str | None, QuotaWish]]:
    yield None, spec.publish.quotas.default
    for each in spec.publish.quotas.projects:
        yield each.name, each.quota


def _said(spec: Spec, wish: QuotaWish, where: str, release: Release) -> dict[str, int]:
    if spec.publish.quotas.is_unified:
        return limits_of(spec, wish, where, release)
    return quota_of(wish, where)


def _quotas(
    spec: Spec, release: Release, listed: Listed
) -> tuple[dict[str | None, dict[str, int]], dict[LimitKey, int]]:
    quotas: dict[str | None, dict[str, int]] = {}
    for name, wish in _wished(spec):
        owner = None if name is None else _project_id(name, listed)
        said = _said(spec, wish, f"quota of {name or 'default'}", release)
        if said:
            quotas.setdefault(owner, {}).update(said)
    if not spec.publish.quotas.is_unified:
        return quotas, {}
    return {}, {(owner, name): value for owner, said in quotas.items() for name, value in said.items()}
