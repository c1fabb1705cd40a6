"""The project that a guest is or would be of, and keystone's limits for it, looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from gpucloud.cloud.openstack.calls import Call, Place
from gpucloud.cloud.openstack.explain.seen import Classes, Project
from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.pages import Send
from gpucloud.cloud.openstack.publish.answers import amounts, entry, whole
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.unknown import Unknown

_CLASS = "class:"
_PLACEMENT = "1.29"


def project_named(send: Send, name: str) -> Project:
    """The project of that id or name. An id is meant before a name that is written like it.

    Raises:
        Failure: there is none, or there are several; or keystone lists no projects for this user.
    """
    listed = whole(send(Call("identity", "GET", "/projects")), "projects")
    found = [
        Project(entry(each, "id", str, "projects"), entry(each, "name", str, "projects")) for each in listed
    ]
    right = [each for each in found if each.id == name] or [each for each in found if each.name == name]
    if len(right) == 1:
        return right[0]
    if not right:
        raise Failure(f"there is no project {name}", "openstack project list shows them", code=Exit.USAGE)
    ids = ", ".join(each.id for each in right[:5])
    raise Failure(f"{len(right)} projects are called {name}: {ids}", "give an id", code=Exit.USAGE)


def project_of(send: Send, key: str) -> Project:
    """The project of that id, with its name where keystone tells it."""
    try:
        answer = send(Call("identity", "GET", f"/projects/{quote(key, safe='')}"))
        return Project(key, entry(entry(answer, "project", dict, "project"), "name", str, "project"))
    except Failure:
        return Project(key, key)


def classes_of(send: Send, place: Place, project: Project, *, is_own: bool) -> Classes:
    """Keystone's limits for resource classes of that project, as nova has them (nova/limit/placement.py).

    Args:
        send: sends a request and gives its answer.
        place: of nova's limits.
        project: whose.
        is_own: it is the project of the token, whose limits any token shows.

    Raises:
        Failure: keystone does not answer, or does not show that project's.
    """
    limits = {
        entry(each, "resource_name", str, "limits"): entry(each, "default_limit", int, "limits")
        for each in _at(
            send(Call("identity", "GET", f"/registered_limits{_query(place)}")), "registered_limits", place
        )
    }
    if not any(name.startswith(_CLASS) for name in limits):
        return Classes(registered=frozenset(limits))  # a project's limit needs a registered one
    for each in _of_projects(send, place, project, is_own=is_own):
        limits[entry(each, "resource_name", str, "limits")] = entry(each, "resource_limit", int, "limits")
    counted = {name.removeprefix(_CLASS): most for name, most in limits.items() if name.startswith(_CLASS)}
    return Classes(counted, _used(send, project), frozenset(limits))


def _of_projects(send: Send, place: Place, project: Project, *, is_own: bool) -> list[Mapping[str, Any]]:
    """That project's limits. Up to keystone 28 a token of a project shows those of its own alone.

    Source: keystone/api/limits.py.
    """
    call = Call("identity", "GET", f"/limits{_query(place)}")
    if is_own:
        return _of(project, _at(send(call), "limits", place))
    try:
        return _of(project, _at(send(replace(call, is_of_system=True)), "limits", place))
    except Failure as failure:
        found = _of(project, _at(send(call), "limits", place))
        if found:
            return found
        why = f"keystone may show the limits of other projects to the system alone: {failure.what}"
        raise Failure(why, "ask with a role on the system") from failure


def _of(project: Project, limits: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in limits if each.get("project_id") == project.id]


def _used(send: Send, project: Project) -> Mapping[str, int] | Unknown:
    """What guests of a project have of each class (1.9)."""
    path = f"/usages?project_id={quote(project.id, safe='')}"
    try:
        answer = send(Call("placement", "GET", path, microversion=_PLACEMENT))
    except Refusal as refusal:
        return Unknown(refusal.what)
    return amounts(entry(answer, "usages", dict, "usages"))


def _query(place: Place) -> str:
    region = "" if place.region_id is None else f"&region_id={quote(place.region_id, safe='')}"
    return f"?service_id={quote(place.service_id, safe='')}{region}"


def _at(answer: Any, kind: str, place: Place) -> list[Mapping[str, Any]]:
    """Of nova and its region; those of domains are none of a project's."""
    return [
        each
        for each in whole(answer, kind)
        if isinstance(each, Mapping)
        and each.get("domain_id") is None
        and (each.get("service_id"), each.get("region_id")) == (place.service_id, place.region_id)
    ]
