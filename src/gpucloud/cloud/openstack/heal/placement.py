"""Placement changed: what consumers hold taken back, providers deleted; and both made again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.heal.repair import DropProvider, TakeBack
from gpucloud.cloud.openstack.publish.answers import entry
from gpucloud.model.failure import Failure

Send = Callable[[Call], Any]
_CONSUMERS = "1.28"
"""Allocations are written with the consumer's generation: none that changed meanwhile is lost. Rocky."""
_GONE, _CONFLICT = 404, 409


@dataclass(frozen=True, slots=True)
class Held:
    """What a consumer holds now, and what is left of it after.

    Args:
        consumer: its uuid.
        was: the answer of ``GET /allocations/{consumer}``.
        left: provider to its resources, as they are written back.
    """

    consumer: str
    was: Mapping[str, Any]
    left: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stock:
    """A provider with all that making it again needs."""

    uuid: str
    name: str
    parent: str | None
    inventories: Mapping[str, Any]
    traits: tuple[str, ...]
    aggregates: tuple[str, ...] = ()
    """Of Placement, by uuid: zones and projects' isolation of nova are mirrored in those of hosts."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Placement of one cloud.

    Args:
        send: sends a request and gives its answer.
    """

    send: Send

    def held(self, release: TakeBack) -> Held:
        """What a consumer holds, before it is taken back.

        Raises:
            Failure: that is something else than when it was audited, or Placement refuses.
        """
        was = self._get(f"/allocations/{_quoted(release.consumer)}")
        holds = {
            name: _resources(has) for name, has in entry(was, "allocations", dict, "allocations").items()
        }
        gone = {name for name in holds if release.tree is None or name in release.providers}
        if {name: holds[name]["resources"] for name in gone} != release.holds:
            what = f"consumer {release.consumer} holds something else than a moment ago; nothing was changed"
            raise Failure(what, "run it again, and look at what it shows")
        return Held(release.consumer, was, {name: has for name, has in holds.items() if name not in gone})

    def take_back(self, held: Held) -> None:
        """Leave a consumer what is left to it; nothing happens where it holds nothing any more.

        Raises:
            Failure: somebody changed it meanwhile, or Placement refuses.
        """
        if held.was["allocations"]:
            self._put_allocations(held, held.left, held.was.get("consumer_generation"))

    def give_back(self, held: Held) -> None:
        """Let a consumer hold what it held, where it holds what was left to it.

        Raises:
            Failure: it holds something else now, or Placement refuses.
        """
        now = self._get(f"/allocations/{_quoted(held.consumer)}")
        holds = {name: _resources(has) for name, has in entry(now, "allocations", dict, "now").items()}
        was = {name: _resources(has) for name, has in held.was["allocations"].items()}
        if holds == was:
            return
        if holds != dict(held.left):
            what = f"consumer {held.consumer} holds something else now than was left to it"
            raise Failure(what, "look at: openstack resource provider allocation show")
        self._put_allocations(held, was, now.get("consumer_generation"))

    def stock(self, drop: DropProvider) -> Stock:
        """A provider as it is, before it is deleted."""
        path = f"/resource_providers/{_quoted(drop.provider.uuid)}"
        provider, stock = self._get(path), self._get(f"{path}/inventories")
        traits = entry(self._get(f"{path}/traits"), "traits", list, "traits")
        aggregates = entry(self._get(f"{path}/aggregates"), "aggregates", list, "aggregates")
        parent = provider.get("parent_provider_uuid")
        inventories = entry(stock, "inventories", dict, "inventories")
        named = (tuple(map(str, each)) for each in (traits, aggregates))
        return Stock(drop.provider.uuid, drop.provider.name, parent, inventories, *named)

    def drop(self, uuid: str) -> None:
        """Delete a provider; Placement refuses where it has children or something of it is held."""
        try:
            self.send(Call("placement", "DELETE", f"/resource_providers/{_quoted(uuid)}"))
        except Refusal as refusal:
            if refusal.status != _GONE:
                raise

    def make(self, stock: Stock) -> None:
        """Make a provider again, where it is not there; give it what it had, where it has nothing yet.

        Raises:
            Failure: nova has made another of its name, or Placement refuses.
        """
        if not self.has(stock.uuid):
            self._create({"name": stock.name, "uuid": stock.uuid, "parent_provider_uuid": stock.parent})
        self._fill(stock.uuid, "inventories", dict(stock.inventories))
        self._fill(stock.uuid, "traits", list(stock.traits))
        self._fill(stock.uuid, "aggregates", list(stock.aggregates))

    def _create(self, wish: Mapping[str, Any]) -> None:
        try:
            self._send("POST", "/resource_providers", wish)
        except Refusal as refusal:
            if refusal.status != _CONFLICT:
                raise
            what = f"provider {wish['name']} cannot come back: nova has made another of that name"
            raise Failure(what, "that one is true: audit again, and leave this backup") from refusal

    def _fill(self, uuid: str, what: str, wanted: Mapping[str, Any] | list[str]) -> None:
        path = f"/resource_providers/{_quoted(uuid)}/{what}"
        now = self._get(path)
        generation = entry(now, "resource_provider_generation", int, what)
        if wanted and not entry(now, what, type(wanted), what):
            self._send("PUT", path, {"resource_provider_generation": generation, what: wanted})

    def has(self, uuid: str) -> bool:
        """Claims that there is such a provider."""
        try:
            self._get(f"/resource_providers/{_quoted(uuid)}")
        except Refusal as refusal:
            if refusal.status != _GONE:
                raise
            return False
        return True

    def holds(self, held: Held) -> bool:
        """Claims that a consumer holds just what was left to it."""
        now = entry(self._get(f"/allocations/{_quoted(held.consumer)}"), "allocations", dict, "now")
        return {name: _resources(has) for name, has in now.items()} == dict(held.left)

    def _put_allocations(self, held: Held, holds: Mapping[str, Any], generation: object) -> None:
        who = {name: held.was[name] for name in ("project_id", "user_id") if name in held.was}
        body = {**who, "allocations": dict(holds), "consumer_generation": generation}
        self._send("PUT", f"/allocations/{_quoted(held.consumer)}", body)

    def _get(self, path: str) -> Any:
        return self._send("GET", path)

    def _send(self, method: str, path: str, body: object = None) -> Any:
        return self.send(Call("placement", method, path, body, microversion=_CONSUMERS))


def _resources(has: Any) -> dict[str, Any]:
    return {"resources": entry(has, "resources", dict, "allocations")}


def _quoted(text: str) -> str:
    return quote(text, safe="")
