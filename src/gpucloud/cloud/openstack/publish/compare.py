"""What a cloud has beside what is wanted: differences in order, what is left as it is, what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gpucloud.cloud.openstack.publish import change as do
from gpucloud.cloud.openstack.publish.change import Chain, Change, Phase
from gpucloud.cloud.openstack.publish.offer import (
    MARK,
    RECORD,
    Aggregate,
    Flavor,
    Listed,
    Offer,
    record_of,
)

_SHOWN = 5
_APART = ("availability_zone", "filter_tenant_id")
"""Metadata of aggregates by which nova keeps hosts apart (nova/scheduler/filters, request_filter.py)."""


@dataclass(frozen=True, slots=True)
class Left:
    """What is not as wanted and stays: whole things go with ``--prune``, parts of them with ``--exact``."""

    kind: str
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Refused:
    """What cannot be done, and what would help."""

    kind: str
    name: str
    why: str
    then: str


@dataclass(frozen=True, slots=True)
class Compared:
    """How a cloud differs from what is wanted."""

    chains: tuple[Chain, ...] = ()
    left: tuple[Left, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def count(self) -> int:
        """Differences, which is calls."""
        return sum(len(chain.changes) for chain in self.chains)


def flavors_to_delete(listed: Listed, wanted: Offer, *, prune: bool) -> tuple[str, ...]:
    """Own flavors that would be deleted or made anew: it must be known who uses them."""
    names = []
    for name in sorted(listed.own_flavors):
        new = wanted.flavors.get(name)
        is_other = new is not None and new.fixed != listed.offer.flavors[name].fixed
        if is_other or (prune and new is None):
            names.append(name)
    return tuple(names)


def compare(listed: Listed, wanted: Offer, *, prune: bool, exact: bool = False) -> Compared:
    """Find the differences.

    Args:
        listed: what the cloud has.
        wanted: what it is to offer.
        prune: take away flavors, aggregates and properties that were made here and are not wanted any more.
        exact: take away also what own flavors and aggregates have beside what is wanted. Who added it cannot
            be told: only whole things have a mark.
    """
    found = [
        *_traits(listed, wanted),
        *_limits(listed, wanted),
        *_flavors(listed, wanted, prune, exact),
        *_aggregates(listed, wanted, prune, exact),
        *_images(listed, wanted, prune),
        *_quotas(listed, wanted),
    ]
    return Compared(
        tuple(each for each in found if isinstance(each, Chain) and each.changes),
        tuple(each for each in found if isinstance(each, Left)),
        tuple(each for each in found if isinstance(each, Refused)),
    )


Found = Iterator[Chain | Left | Refused]


def _flavors(listed: Listed, wanted: Offer, prune: bool, exact: bool) -> Found:
    for name, new in sorted(wanted.flavors.items()):
        old = listed.offer.flavors.get(name)
        if old is None:
            yield Chain("flavor", name, None, (do.CreateFlavor(new), *_filled(new)))
        elif name not in listed.own_flavors:
            yield Refused(
                "flavor",
                name,
                "it is there and was not made by gpucloud publish",
                "choose another name, or hand it over: openstack --os-compute-api-version 2.55 flavor set "
                f"--description 'made by gpucloud publish' '{name}'",
            )
        elif old.fixed != new.fixed:
            yield from _made_anew(name, old, new, listed, exact)
        else:
            yield from _changed_flavor(name, old, new, listed.flavor_ids[name], exact)
    for name in sorted(listed.own_flavors - wanted.flavors.keys()):
        yield from _unwanted_flavor(name, listed, prune)


def _filled(new: Flavor) -> Iterator[Change]:
    if new.extra_specs:
        yield do.SetExtraSpecs(new.extra_specs)
    yield from (do.Grant(project) for project in sorted(new.projects))


def _made_anew(name: str, old: Flavor, new: Flavor, listed: Listed, exact: bool) -> Found:
    """No call changes the size or visibility of a flavor, so it is deleted and made again with its id.

    What others have added comes again with it; with ``exact`` it does not.
    """
    users = listed.users.get(name, ())
    if users:
        yield Refused(
            "flavor",
            name,
            f"size and visibility of a flavor cannot be changed, and servers use it: {_few(users)}",
            "give the new size a new name, or resize these servers first",
        )
    elif old.unsaid:
        yield Refused(
            "flavor",
            name,
            f"made anew for its size it would lose what no spec says: {', '.join(old.unsaid)}",
            "give the new size a new name",
        )
    else:
        whole = new if exact else _with_others(old, new)
        key = listed.flavor_ids[name]
        if not exact:
            yield from _others(name, old, new)
        yield Chain("flavor", name, key, (do.DeleteFlavor(old), do.CreateFlavor(whole, key), *_filled(whole)))


def _with_others(old: Flavor, new: Flavor) -> Flavor:
    """The new flavor with the extra specs and projects of the old; a public one has no projects."""
    return replace(
        new,
        extra_specs={**old.extra_specs, **new.extra_specs},
        projects=frozenset() if new.is_public else new.projects | old.projects,
    )


def _others(name: str, old: Flavor, new: Flavor) -> Iterator[Left]:
    """What the flavor has beside what is wanted."""
    for key in sorted(old.extra_specs.keys() - new.extra_specs.keys()):
        yield Left("flavor", name, f"extra spec {key}={old.extra_specs[key]}")
    for project in sorted(old.projects - new.projects) if not new.is_public else ():
        yield Left("flavor", name, f"access of project {project}")


def _changed_flavor(name: str, old: Flavor, new: Flavor, key: str, exact: bool) -> Found:
    changes: list[Change] = []
    values = {k: v for k, v in new.extra_specs.items() if old.extra_specs.get(k) != v}
    if values:
        changes.append(do.SetExtraSpecs(values, _part(old.extra_specs, values)))
    changes += [do.Grant(project) for project in sorted(new.projects - old.projects)]
    if exact:
        gone = sorted(old.extra_specs.keys() - new.extra_specs.keys())
        changes += [do.DropExtraSpec(each, old.extra_specs[each]) for each in gone]
        changes += [do.Revoke(project) for project in sorted(old.projects - new.projects)]
    else:
        yield from _others(name, old, new)
    yield Chain("flavor", name, key, tuple(changes))


def _unwanted_flavor(name: str, listed: Listed, prune: bool) -> Found:
    users = listed.users.get(name, ())
    if not prune:
        yield Left("flavor", name, "the whole flavor")
    elif users:
        yield Left("flavor", name, f"the whole flavor: servers use it: {_few(users)}")
    else:
        changes = (do.DeleteFlavor(listed.offer.flavors[name]),)
        yield Chain("flavor", name, listed.flavor_ids[name], changes)


def _aggregates(listed: Listed, wanted: Offer, prune: bool, exact: bool) -> Found:
    for name, new in sorted(wanted.aggregates.items()):
        old = listed.offer.aggregates.get(name)
        if old is None:
            changes: tuple[Change, ...] = (do.CreateAggregate(), *_changed_aggregate(Aggregate(), new, ()))
            yield Chain("aggregate", name, None, changes)
        elif name not in listed.own_aggregates:
            yield Refused(
                "aggregate",
                name,
                "it is there and was not made by gpucloud publish",
                f"choose another name, or hand it over: openstack aggregate set --property {MARK}=yes "
                f"'{name}'",
            )
        else:
            yield from _kept_aggregate(name, old, new, listed, exact)
    for name in sorted(listed.own_aggregates - wanted.aggregates.keys()):
        yield from _unwanted_aggregate(name, listed, prune, exact)


def _kept_aggregate(name: str, old: Aggregate, new: Aggregate, listed: Listed, exact: bool) -> Found:
    extra = sorted(old.metadata.keys() - new.metadata.keys())
    changes = list(_changed_aggregate(old, new, extra if exact else (), is_marked=True))
    strangers = sorted(old.hosts - new.hosts)
    if exact:
        changes += [do.RemoveHost(host) for host in strangers]
    else:
        yield from (Left("aggregate", name, f"{key}={old.metadata[key]}") for key in extra)
        yield from (Left("aggregate", name, f"host {host}") for host in strangers)
    yield Chain("aggregate", name, listed.aggregate_ids[name], tuple(changes))


def _changed_aggregate(
    old: Aggregate, new: Aggregate, dropped: tuple[str, ...] | list[str], is_marked: bool = False
) -> Iterator[Change]:
    values: dict[str, str | None] = {
        key: value for key, value in new.metadata.items() if old.metadata.get(key) != value
    }
    values |= dict.fromkeys(dropped)
    if not is_marked:
        values[MARK] = "yes"
    if values:
        yield do.SetMetadata(values, _part(old.metadata, values))
    yield from (do.AddHost(host) for host in sorted(new.hosts - old.hosts))


def _unwanted_aggregate(name: str, listed: Listed, prune: bool, exact: bool) -> Found:
    """One that left the spec. Where it keeps projects or zones apart, its end would open hosts to others."""
    old = listed.offer.aggregates[name]
    apart = sorted(key for key in old.metadata if key.startswith(_APART))
    if not prune or (apart and not exact):
        why = f", for {apart[0]} holds for its hosts: --exact takes it away" if prune else ""
        yield Left("aggregate", name, f"the whole aggregate{why}")
        return
    hosts = sorted(old.hosts)
    changes: tuple[Change, ...] = (*map(do.RemoveHost, hosts), do.DeleteAggregate())
    yield Chain("aggregate", name, listed.aggregate_ids[name], changes)


def _images(listed: Listed, wanted: Offer, prune: bool) -> Found:
    for key in sorted(wanted.images.keys() | {key for key, own in listed.image_records.items() if own}):
        old, new = listed.offer.images.get(key, {}), wanted.images.get(key, {})
        own = listed.image_records.get(key, {})
        name = listed.image_names.get(key, key)
        extra = own.keys() - new.keys()
        values = {name: value for name, value in new.items() if old.get(name) != value}
        gone = {each: own[each] for each in extra if prune}
        # What was there already is somebody else's: it is noted as it was, and comes back when ours goes.
        record = {**{each: old.get(each) for each in values}, **own}
        record = {each: was for each, was in record.items() if each not in gone}
        values |= {each: was for each, was in gone.items() if was is not None and old.get(each) != was}
        if record != own and record:
            values[RECORD] = record_of(key, record)
        dropped = {each for each, was in gone.items() if was is None and each in old}
        dropped |= {RECORD} if gone and not record else set()
        if not prune:
            yield from (Left("image", name, f"{each}={old.get(each, '')}") for each in sorted(extra))
        if values or dropped:
            before = {**_part(old, values), **_part(old, dict.fromkeys(dropped, ""))}
            if own:
                before[RECORD] = record_of(key, own)
            yield Chain("image", name, key, (do.SetProperties(values, before, frozenset(dropped)),))


def _quotas(listed: Listed, wanted: Offer) -> Found:
    """Quotas have no mark, so none is ever taken away.

    Nova answers with the default where a project has no quota of its own. So where a default changes, each
    wanted project gets its own of that name first, though it seems to have it.
    """
    changing = _other(listed.offer.quotas.get(None, {}), wanted.quotas.get(None, {})).keys()
    for owner, new in sorted(wanted.quotas.items(), key=lambda each: each[0] or ""):
        old = listed.offer.quotas.get(owner, {})
        if owner is not None:
            seeming = {name for name in changing if new.get(name) == old.get(name)}
            old = {name: value for name, value in old.items() if name not in seeming}
        values = _other(old, new)
        if values:
            changes = (do.SetQuota(values, {name: old[name] for name in values if name in old}),)
            phase = Phase.DEFAULTS if owner is None else Phase.THINGS
            yield Chain("quota", owner or "default", owner, changes, phase)


def _other(old: Mapping[str, int], new: Mapping[str, int]) -> dict[str, int]:
    return {name: value for name, value in new.items() if old.get(name) != value}


def _limits(listed: Listed, wanted: Offer) -> Found:
    """Registered limits first: keystone takes a project's limit only of what is registered."""
    for key, value in sorted(wanted.limits.items(), key=lambda each: (each[0][0] or "", each[0][1])):
        owner, resource = key
        was = listed.offer.limits.get(key)
        if owner is not None and (None, resource) not in {*listed.offer.limits, *wanted.limits}:
            yield Refused(
                "limit",
                owner,
                f"{resource} has no registered limit, and keystone takes none of a project before",
                "write it under quotas: default, too",
            )
        elif was != value:
            changes = (do.SetLimit(resource, value, was, listed.limit_ids.get(key)),)
            yield Chain(
                "limit", owner or "default", owner, changes, Phase.NAMES if owner is None else Phase.THINGS
            )


def _traits(listed: Listed, wanted: Offer) -> Found:
    """Only added: a trait says not who gave it."""
    named = frozenset[str]().union(*wanted.traits.values())
    for trait in sorted(named - listed.known_traits):
        if trait.startswith("CUSTOM_"):
            yield Chain("trait", trait, trait, (do.CreateTrait(),), Phase.NAMES)
        else:
            yield Refused("trait", trait, "Placement knows no such trait", f"write CUSTOM_{trait}")
    for host, new in sorted(wanted.traits.items()):
        old = listed.offer.traits.get(host, frozenset())
        if new - old:
            provider = listed.providers[host]
            changes = (do.SetTraits(new - old, old, provider),)
            yield Chain("host", host, provider.id, changes, Phase.HOSTS)


def _part(old: Mapping[str, str], names: Mapping[str, object]) -> dict[str, str]:
    return {name: old[name] for name in names if name in old}


def _few(names: tuple[str, ...]) -> str:
    more = ", ..." if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
