"""Where among others a server must stand, looked up: its availability zone and its server group."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.explain.seen import Group, Server
from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.pages import Send
from gpucloud.cloud.openstack.publish.answers import entries, entry
from gpucloud.model.failure import Failure
from gpucloud.model.unknown import Unknown

_PINNED = "2.96"
"""``pinned_availability_zone``: 2024.1, nova 29."""
_RULES = "2.64"
"""``policy`` and ``rules`` of a server group: Rocky, nova 18."""
_HOST = "OS-EXT-SRV-ATTR:host"
_PAGE, _PAGES = 1000, 20
_MOST_MEMBERS = 100
_GONE = 404
_COUNT = re.compile(r"[0-9]{1,6}", re.ASCII)


def zone_of(send: Send, server: Server) -> str | None | Unknown:
    """The zone in which nova looks for a host for a server; None for any.

    Before 2.96 nova tells the zone of the host; of a server that never had one, that which was asked for
    (nova/availability_zones.py, ``get_instance_availability_zone``).
    """
    try:
        answer = send(Call("compute", "GET", f"/servers/{quote(server.id, safe='')}", microversion=_PINNED))
        shown = entry(answer, "server", dict, "server")
    except Refusal:
        shown = {}
    if "pinned_availability_zone" in shown:
        zone = shown["pinned_availability_zone"]
        return zone if isinstance(zone, str) and zone else None
    if server.host is None and server.status in ("ERROR", "BUILD"):
        return server.zone
    return Unknown("nova tells it from 2.96 on (29.0.0)")


def zones_of(send: Send) -> Mapping[str, bool]:
    """Every availability zone, by whether one of its hosts is enabled (``GET /os-availability-zone``).

    Raises:
        Failure: nova answers something else.
    """
    what = "availability zones"
    return {
        entry(each, "zoneName", str, what): entry(
            entry(each, "zoneState", dict, what), "available", bool, what
        )
        for each in entries(
            send(Call("compute", "GET", "/os-availability-zone")), "availabilityZoneInfo", what
        )
    }


def group_of(send: Send, server: Server) -> Group | None:
    """The server group of a server, with the hosts of its other members.

    Raises:
        Failure: nova does not list groups to this user, or answers something else.
    """
    for group in _groups(send):
        members = entries(group, "members", "server groups")
        if server.id in members:
            rules = group.get("rules")
            return Group(
                entry(group, "name", str, "server groups"),
                entry(group, "policy", str, "server groups"),
                _most(rules),
                _hosts(send, [str(each) for each in members if each != server.id]),
            )
    return None


def _most(rules: object) -> int:
    """Members on one host: one, where no rule says more."""
    said = str(rules.get("max_server_per_host")) if isinstance(rules, Mapping) else ""
    return int(said) if _COUNT.fullmatch(said) else 1


def _groups(send: Send) -> Iterator[Mapping[str, Any]]:
    """Those of all projects, where that is allowed; else of one's own (nova has no marker for them)."""
    everybodys = "&all_projects=True"
    for number in range(_PAGES):
        path = f"/os-server-groups?limit={_PAGE}&offset={number * _PAGE}"
        try:
            answer = send(Call("compute", "GET", path + everybodys, microversion=_RULES))
        except Refusal:
            if not everybodys:
                raise
            everybodys = ""
            answer = send(Call("compute", "GET", path, microversion=_RULES))
        found = entries(answer, "server_groups", "server groups")
        if not found:
            return
        yield from found
    raise Failure("GET compute /os-server-groups does not end", "look at that service")


def _hosts(send: Send, members: list[str]) -> Mapping[str, int] | Unknown:
    """How many of these servers are on each host."""
    if len(members) > _MOST_MEMBERS:
        return Unknown(f"{len(members)} members are more than are asked one by one")
    found: Counter[str] = Counter()
    for each in members:
        try:
            answer = send(Call("compute", "GET", f"/servers/{quote(each, safe='')}"))
        except Refusal as refusal:
            if refusal.status == _GONE:
                continue
            return Unknown(refusal.what)
        shown = entry(answer, "server", dict, "server")
        if _HOST not in shown:
            return Unknown("nova tells hosts to administrators alone")
        if isinstance(shown[_HOST], str) and shown[_HOST]:
            found[shown[_HOST]] += 1
    return found
