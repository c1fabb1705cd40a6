"""Where a user told nova to put a server, looked up: scheduler hints, and hosts of servers that they name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.explain.seen import Hints, Server
from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.pages import Send
from gpucloud.cloud.openstack.publish.answers import entry
from gpucloud.model.unknown import Unknown

_HINTS = "2.100"
"""``scheduler_hints`` of a server: 2025.1, nova 31 (its rest_api_version_history.rst)."""
_NOT_ACCEPTABLE = 406
_HOST = "OS-EXT-SRV-ATTR:host"
_GONE = 404
_MOST_NAMED = 100
BESIDE = ("same_host", "different_host")


def hints_of(send: Send, server: Server) -> Hints | Unknown:
    """What its maker said of the host, with the hosts of the servers that are named there.

    Raises:
        Failure: nova does not answer, or answers something else.
    """
    try:
        answer = send(Call("compute", "GET", f"/servers/{quote(server.id, safe='')}", microversion=_HINTS))
    except Refusal as refusal:
        if refusal.status != _NOT_ACCEPTABLE:
            raise
        return Unknown("nova tells them from 2.100 on (31.0.0)")
    shown = entry(answer, "server", dict, "server")
    if "scheduler_hints" not in shown:
        return Unknown("nova tells them from 2.100 on (31.0.0)")
    said = _texts(shown["scheduler_hints"])
    named = dict.fromkeys(each for name in BESIDE for each in said.get(name, ()))
    return Hints(said, _hosts(send, named))


def _texts(hints: Any) -> Mapping[str, tuple[str, ...]]:
    """Nova keeps a list for each, and nothing where none was given (nova/objects/request_spec.py)."""
    if not isinstance(hints, Mapping):
        return {}
    lists = {str(name): value if isinstance(value, list) else [value] for name, value in hints.items()}
    return {name: tuple(map(str, values)) for name, values in lists.items()}


def _hosts(send: Send, named: Iterable[str]) -> Mapping[str, str | None] | Unknown:
    """Each server's host; None for one that has none, or is gone."""
    servers = tuple(named)
    if len(servers) > _MOST_NAMED:
        return Unknown(f"{len(servers)} servers are more than are asked one by one")
    found: dict[str, str | None] = {}
    for each in servers:
        try:
            answer = send(Call("compute", "GET", f"/servers/{quote(each, safe='')}"))
        except Refusal as refusal:
            if refusal.status != _GONE:
                return Unknown(refusal.what)
            found[each] = None
            continue
        shown = entry(answer, "server", dict, "server")
        if _HOST not in shown:
            return Unknown("nova tells hosts to administrators alone")
        found[each] = shown[_HOST] if isinstance(shown[_HOST], str) and shown[_HOST] else None
    return found
