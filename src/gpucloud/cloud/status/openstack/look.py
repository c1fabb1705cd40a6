"""A whole cloud looked at, in as many calls as there are kinds of things; nothing is changed.

Placement has no listing of inventories: to ask each of thousands of providers takes minutes. The summaries
of ``GET /allocation_candidates`` have every provider below each host that has a candidate, with capacity, use
and traits, asked for or not (placement/objects/allocation_candidate.py: ``_get_usages_by_provider_tree``); so
one question for a MiB of memory lists all hosts but those that are full.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.explain.answers import hypervisor_of
from gpucloud.cloud.openstack.pages import Send, pages
from gpucloud.cloud.openstack.publish.answers import entries, flavor_of
from gpucloud.cloud.status.openstack import answers
from gpucloud.cloud.status.openstack.read import Placed, Provider, Read, Server
from gpucloud.cloud.status.stock import Service
from gpucloud.model.failure import Failure
from gpucloud.model.unknown import Unknown

T = TypeVar("T")
Watch = Callable[[str, int], None]
_PLACEMENT = "1.29"
"""Providers below others have candidates, and are named with their roots: Rocky, as nova 18 has it."""
_QUESTIONS = ("MEMORY_MB", "VCPU", "PCPU", "DISK_GB")


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at one cloud.

    Args:
        send: sends a request and gives its answer; by several threads.
        watch: told what was read, and how many of it so far.
    """

    send: Send
    watch: Watch

    def look(self, name: str) -> Read:
        """All of it; what may not be read is `Unknown`.

        Args:
            name: of the cloud.

        Raises:
            Failure: nova does not even list flavors.
        """
        with ThreadPoolExecutor(6) as pool:
            flavors = pool.submit(self._flavors)
            services = pool.submit(_known, self._services)
            hypervisors = pool.submit(_known, self._hypervisors)
            servers = pool.submit(_known, lambda: self._servers("&all_tenants=1"))
            placed = pool.submit(_known, self._placed)
            image = pool.submit(_known, self._images)
            mine, why = servers.result(), None
            if isinstance(mine, Unknown):
                why, mine = mine, _known(lambda: self._servers(""))
            return Read(
                name,
                tuple(flavors.result()),
                _with_others(services.result(), name, placement=placed.result(), image=image.result()),
                hypervisors.result(),
                mine,
                why,
                placed.result(),
            )

    def _listed(self, path: str, key: str, read: Callable[[Any], T]) -> list[T]:
        found = []
        more = None if key == "hypervisors" else f"{key}_links"  # nova cuts a page, then passes over orphans
        for item in pages(self.send, "compute", path, key, more):
            found.append(read(item))
            if len(found) % 1000 == 0:
                self.watch(key, len(found))
        self.watch(key, len(found))
        return found

    def _flavors(self) -> list[Any]:
        return self._listed("/flavors/detail?is_public=None", "flavors", flavor_of)

    def _services(self) -> tuple[Service, ...]:
        answer = self.send(Call("compute", "GET", "/os-services"))
        return tuple(map(answers.service_of, entries(answer, "services", "services")))

    def _hypervisors(self) -> tuple[Any, ...]:
        """Those of compute nodes that have a service: nova passes over others."""
        return tuple(self._listed("/os-hypervisors/detail", "hypervisors", hypervisor_of))

    def _servers(self, more: str) -> tuple[Server, ...]:
        found = self._listed(f"/servers/detail?{more.removeprefix('&')}", "servers", answers.server_of)
        return tuple(each for each in found if each is not None)

    def _images(self) -> None:
        entries(self.send(Call("image", "GET", "/images?limit=1")), "images", "images")

    def _placed(self) -> Placed:
        names, roots = answers.names_of(self._ask("/resource_providers"))
        found: dict[str, Provider] = {}
        for name in _QUESTIONS:
            answer = self._ask(f"/allocation_candidates?resources={name}:1")
            found = {**{each.id: each for each in answers.providers_of(answer)}, **found}
            self.watch("providers", len(found))
            if set(roots) <= found.keys():
                break
        return Placed(tuple(found.values()), names, roots)

    def _ask(self, path: str) -> Any:
        return self.send(Call("placement", "GET", path, microversion=_PLACEMENT))


def _known(read: Callable[[], T]) -> T | Unknown:
    """What is read; where it is refused or fails, why."""
    try:
        return read()
    except Failure as failure:
        return Unknown(failure.what)


def _with_others(
    services: tuple[Service, ...] | Unknown, cloud: str, **others: object
) -> tuple[Service, ...] | Unknown:
    """Services of nova beside those that tell nothing of themselves: they answer, or they do not."""
    if isinstance(services, Unknown):
        return services
    told = [
        Service(name, cloud, not isinstance(answer, Unknown), reason=_why(answer))
        for name, answer in others.items()
    ]
    return (*services, *told)


def _why(answer: object) -> str:
    return answer.why if isinstance(answer, Unknown) else ""
