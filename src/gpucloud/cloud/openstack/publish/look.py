"""A cloud looked at: one listing of each kind that the spec has anything to say of.

The APIs have no listing of three things, which are asked for one by one: who may use a private flavor, the
quota of a project, the traits of a provider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from gpucloud.cloud.openstack.calls import Call, Place
from gpucloud.cloud.openstack.pages import Send, pages
from gpucloud.cloud.openstack.publish import answers
from gpucloud.cloud.openstack.publish.calls import traits_call
from gpucloud.cloud.openstack.publish.offer import LimitKey, Listed, Offer, Provider
from gpucloud.cloud.openstack.publish.wanted import projects_named
from gpucloud.model.failure import Failure
from gpucloud.model.spec import Spec
from gpucloud.model.spec.catalogue import Catalogue

_USERS = 6
_LIMITS = {"registered_limits": "default_limit", "limits": "resource_limit"}
"""Keystone's listings of limits, and the field in which each has the amount."""
Watch = Callable[[int, int], None]
T = TypeVar("T")
R = TypeVar("R")


def _names_traits(wanted: Catalogue) -> bool:
    said = (setting.name for flavor in wanted.flavors for setting in flavor.extra_specs)
    named = [*(each.traits for each in wanted.aggregates), *(each.traits for each in wanted.flavors)]
    return any(named) or any(name.startswith("trait") for name in said)


def _nobody(done: int, total: int) -> None:
    """Told, and says nothing."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at one cloud.

    Args:
        send: sends a request and gives its answer.
        workers: requests at a time.
        place: of keystone's limits; asked for where they are wanted.
        project: the id of our own; asked for where images are wanted.
        watch: told of a step of so many that it is done.
    """

    send: Send
    workers: int
    place: Callable[[], Place]
    project: Callable[[], str | None]
    watch: Watch = _nobody

    def look(self, spec: Spec, *, prune: bool) -> Listed:
        """What the cloud has of all that the spec names.

        Raises:
            Failure: a service is missing, refuses, or answers something else.
        """
        wanted = spec.publish
        readers: list[Callable[[Listed], Listed]] = []
        if wanted.flavors or prune:
            readers.append(self._flavors)
        if wanted.aggregates or prune:
            readers.append(self._aggregates)
        if wanted.images or prune:
            readers.append(self._images)
        if wanted.aggregates:
            readers.append(self._providers)
        if _names_traits(wanted):
            readers.append(self._known_traits)
        if projects_named(spec):
            readers.append(self._projects)
        listed = Listed()
        for part in self.each(lambda read: read(Listed()), readers):
            listed = _joined(listed, part)
        return listed

    def look_closer(self, spec: Spec, listed: Listed, wanted: Offer) -> Listed:
        """That with what has no listing: access, quotas, limits, traits, as far as it is wanted, at once."""
        flavors = dict(listed.offer.flavors)
        private = [
            name for name in wanted.flavors if name in listed.own_flavors and not flavors[name].is_public
        ]
        limits: dict[LimitKey, int] = {}
        limit_ids: dict[LimitKey, str] = {}
        asked: list[Callable[[], Any]] = [
            *(partial(self._access, listed.flavor_ids[name]) for name in private),
            *(partial(self._quota, project) for project in wanted.quotas),
            *(partial(self._traits, listed.providers[host]) for host in wanted.traits),
            *(partial(self._limits, kind) for kind in _LIMITS if spec.publish.quotas.is_unified),
        ]
        found = iter(self.each(lambda ask: ask(), asked))
        for name in private:
            flavors[name] = replace(flavors[name], projects=next(found))
        quotas = {project: next(found) for project in wanted.quotas}
        of_hosts = {host: next(found) for host in wanted.traits}
        for amounts, ids in found:
            limits |= amounts
            limit_ids |= ids
        return replace(
            listed,
            offer=replace(
                listed.offer,
                flavors=flavors,
                quotas=quotas,
                limits=limits,
                traits={host: traits for host, (_, traits) in of_hosts.items()},
            ),
            limit_ids=limit_ids,
            providers={**listed.providers, **{host: each for host, (each, _) in of_hosts.items()}},
        )

    def users(self, listed: Listed, flavors: Iterable[str]) -> Listed:
        """That with the servers that use these flavors; a few of each suffice."""
        names = list(flavors)
        users = self.each(lambda name: self._users(listed.flavor_ids[name]), names)
        return replace(listed, users=dict(zip(names, users, strict=True)))

    def each(self, do: Callable[[T], R], things: Iterable[T]) -> list[R]:
        """The same for each, several at a time, in order."""
        wanted, found = list(things), []
        with ThreadPoolExecutor(self.workers) as pool:
            for number, each in enumerate(pool.map(do, wanted), 1):
                found.append(each)
                self.watch(number, len(wanted))
        return found

    def _get(self, service: str, path: str) -> Any:
        return self.send(Call(service, "GET", path))

    def _pages(self, service: str, path: str, key: str, more: str | None) -> Iterator[Any]:
        return pages(self.send, service, path, key, more)

    def _flavors(self, listed: Listed) -> Listed:
        pages = self._pages("compute", "/flavors/detail?is_public=None", "flavors", "flavors_links")
        found = [answers.flavor_of(item) for item in pages]
        return replace(
            listed,
            offer=Offer(flavors={each.name: each.flavor for each in found}),
            flavor_ids={each.name: each.id for each in found},
            own_flavors=frozenset(each.name for each in found if each.is_ours),
        )

    def _aggregates(self, listed: Listed) -> Listed:
        items = answers.entries(self._get("compute", "/os-aggregates"), "aggregates", "aggregates")
        found = [answers.aggregate_of(item) for item in items]
        return replace(
            listed,
            offer=Offer(aggregates={name: each for name, _, each, _ in found}),
            aggregate_ids={name: key for name, key, _, _ in found},
            own_aggregates=frozenset(name for name, _, _, is_ours in found if is_ours),
        )

    def _images(self, listed: Listed) -> Listed:
        """Those of all projects, and hidden ones, which glance lists apart; nova takes them all the same."""
        both = ("/images", "/images?os_hidden=true")
        items = [item for path in both for item in self._pages("image", path, "images", "next")]
        found, project = [answers.image_of(item) for item in items], self.project()
        return replace(
            listed,
            offer=Offer(images={key: properties for key, _, properties, _ in found}),
            image_names={key: name for key, name, _, _ in found},
            image_records={key: record for key, _, _, record in found},
            foreign_images=frozenset(
                key
                for key, _, properties, _ in found
                if properties.get("visibility") != "public" and properties.get("owner") != project
            ),
        )

    def _providers(self, listed: Listed) -> Listed:
        """Hosts, each with the id of its provider, which is that of its hypervisor (2.53).

        Nova cuts a page, then passes over compute nodes without a service: a short page is not the last.
        """
        what, providers = "hypervisors", {}
        for item in self._pages("compute", "/os-hypervisors/detail", "hypervisors", None):
            host = answers.entry(answers.entry(item, "service", dict, what), "host", str, what)
            providers[host] = Provider(answers.entry(item, "id", str, what))
        return replace(listed, providers=providers)

    def _known_traits(self, listed: Listed) -> Listed:
        traits = answers.entries(self._get("placement", "/traits"), "traits", "traits")
        return replace(listed, known_traits=frozenset(map(str, traits)))

    def _projects(self, listed: Listed) -> Listed:
        """An id is meant before a name that is written like it: who makes a project chooses its name."""
        what = "projects"
        names: dict[str, tuple[str, ...]] = {}
        ids: dict[str, tuple[str, ...]] = {}
        for item in answers.whole(self._get("identity", "/projects"), what):
            key = answers.entry(item, "id", str, what)
            name = answers.entry(item, "name", str, what)
            names[name] = (*names.get(name, ()), key)
            ids[key] = (key,)
        return replace(listed, projects={**names, **ids})

    def _access(self, flavor: str) -> frozenset[str]:
        path = f"/flavors/{quote(flavor, safe='')}/os-flavor-access"
        items = answers.entries(self._get("compute", path), "flavor_access", "access")
        return frozenset(answers.entry(item, "tenant_id", str, "access") for item in items)

    def _quota(self, project: str | None) -> dict[str, int]:
        if project is None:
            answer = self._get("compute", "/os-quota-class-sets/default")
            return answers.amounts(answers.entry(answer, "quota_class_set", dict, "quotas"))
        answer = self._get("compute", f"/os-quota-sets/{quote(project, safe='')}")
        return answers.amounts(answers.entry(answer, "quota_set", dict, "quotas"))

    def _traits(self, provider: Provider) -> tuple[Provider, frozenset[str]]:
        return answers.traits_of(self.send(traits_call(provider.id)), provider.id)

    def _users(self, flavor: str) -> tuple[str, ...]:
        path = f"/servers?all_tenants=1&flavor={quote(flavor, safe='')}&limit={_USERS}"
        items = answers.entries(self._get("compute", path), "servers", "servers")
        return tuple(answers.entry(item, "name", str, "servers") for item in items)

    def _limits(self, kind: str) -> tuple[dict[LimitKey, int], dict[LimitKey, str]]:
        limits: dict[LimitKey, int] = {}
        ids: dict[LimitKey, str] = {}
        place = self.place()
        items = self._all_limits() if kind == "limits" else self._get("identity", f"/{kind}")
        for item in (each for each in answers.whole(items, kind) if _is_at(each, place)):
            owner = answers.entry(item, "project_id", str, "limits") if kind == "limits" else None
            key = (owner, answers.entry(item, "resource_name", str, "limits"))
            limits[key] = answers.entry(item, _LIMITS[kind], int, "limits")
            ids[key] = answers.entry(item, "id", str, "limits")
        return limits, ids

    def _all_limits(self) -> Any:
        """Limits of all projects: up to keystone 28 a project's token shows that project's alone.

        Where the user has no role on the system, those that it may see; the others show as conflicts.
        """
        try:
            return self.send(Call("identity", "GET", "/limits", is_of_system=True))
        except Failure:
            return self._get("identity", "/limits")


def _is_at(item: Any, place: Place) -> bool:
    """Of nova and its region; limits of domains are none of ours."""
    if not isinstance(item, Mapping) or item.get("domain_id") is not None:
        return False
    return (item.get("service_id"), item.get("region_id")) == (place.service_id, place.region_id)


def _joined(one: Listed, other: Listed) -> Listed:
    """Both: of each field that of the one that has it."""
    offer = Offer(
        flavors=_either(one.offer.flavors, other.offer.flavors),
        aggregates=_either(one.offer.aggregates, other.offer.aggregates),
        images=_either(one.offer.images, other.offer.images),
    )
    return Listed(
        offer=offer,
        flavor_ids=_either(one.flavor_ids, other.flavor_ids),
        own_flavors=one.own_flavors | other.own_flavors,
        aggregate_ids=_either(one.aggregate_ids, other.aggregate_ids),
        own_aggregates=one.own_aggregates | other.own_aggregates,
        image_names=_either(one.image_names, other.image_names),
        image_records=_either(one.image_records, other.image_records),
        foreign_images=one.foreign_images | other.foreign_images,
        providers=_either(one.providers, other.providers),
        known_traits=one.known_traits | other.known_traits,
        projects=_either(one.projects, other.projects),
    )


def _either(one: T, other: T) -> T:
    return one or other
