"""Differences as requests, for the microversions of ``cloud.openstack.api``.

Sources: https://docs.openstack.org/api-ref/compute/ (flavors, os-flavor-access, os-aggregates, os-quota-sets,
os-quota-class-sets), /api-ref/image/v2/ (Update image), /api-ref/identity/v3/ (unified limits),
/api-ref/placement/ (traits).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never
from urllib.parse import quote

from gpucloud.cloud.openstack.calls import Call, Place
from gpucloud.cloud.openstack.publish import change as do
from gpucloud.cloud.openstack.publish.change import Chain, Change
from gpucloud.cloud.openstack.publish.offer import DESCRIPTION

JSON_PATCH = "application/openstack-images-v2.1-json-patch"


def call_of(  # noqa: C901 - one case for each kind of change
    chain: Chain, change: Change, key: str, place: Place | None
) -> Call:
    """The request that makes one change.

    Args:
        chain: of which thing.
        change: what.
        key: the thing's id; empty where the change makes it.
        place: for limits.
    """
    own = quote(key, safe="")
    match change:
        case do.CreateFlavor() | do.DeleteFlavor() | do.SetExtraSpecs() | do.DropExtraSpec():
            return _flavor(chain.name, change, own)
        case do.Grant():
            return _compute("POST", f"/flavors/{own}/action", {"addTenantAccess": {"tenant": change.project}})
        case do.Revoke():
            body = {"removeTenantAccess": {"tenant": change.project}}
            return _compute("POST", f"/flavors/{own}/action", body)
        case do.CreateAggregate():
            return _compute("POST", "/os-aggregates", {"aggregate": {"name": chain.name}})
        case do.DeleteAggregate():
            return _compute("DELETE", f"/os-aggregates/{own}")
        case do.SetMetadata():
            return _on_aggregate(own, {"set_metadata": {"metadata": dict(change.values)}})
        case do.AddHost():
            return _on_aggregate(own, {"add_host": {"host": change.host}})
        case do.RemoveHost():
            return _on_aggregate(own, {"remove_host": {"host": change.host}})
        case do.SetProperties():
            return Call("image", "PATCH", f"/images/{own}", _patch(change), JSON_PATCH)
        case do.SetQuota():
            return _quota(chain.id, change.values)
        case do.SetLimit():
            return _limit(chain.id, change, place)
        case do.CreateTrait():
            return Call("placement", "PUT", f"/traits/{own}")
        case do.SetTraits():
            traits = sorted(change.kept | change.added)
            all_traits: dict[str, object] = {
                "resource_provider_generation": change.provider.generation,
                "traits": traits,
            }
            return Call("placement", "PUT", f"/resource_providers/{own}/traits", all_traits)
        case _:
            assert_never(change)


def traits_call(provider: str) -> Call:
    """The request for the traits of a provider."""
    return Call("placement", "GET", f"/resource_providers/{quote(provider, safe='')}/traits")


def _compute(method: str, path: str, body: object = None) -> Call:
    return Call("compute", method, path, body)


def _on_aggregate(own: str, body: object) -> Call:
    return _compute("POST", f"/os-aggregates/{own}/action", body)


def _flavor(
    name: str, change: do.CreateFlavor | do.DeleteFlavor | do.SetExtraSpecs | do.DropExtraSpec, own: str
) -> Call:
    match change:
        case do.DeleteFlavor():
            return _compute("DELETE", f"/flavors/{own}")
        case do.SetExtraSpecs():
            return _compute("POST", f"/flavors/{own}/os-extra_specs", {"extra_specs": dict(change.values)})
        case do.DropExtraSpec():
            return _compute("DELETE", f"/flavors/{own}/os-extra_specs/{quote(change.key, safe='')}")
        case do.CreateFlavor():
            size = {
                "name": name,
                "vcpus": change.flavor.vcpus,
                "ram": change.flavor.ram_mib,
                "disk": change.flavor.disk_gib,
                "os-flavor-access:is_public": change.flavor.is_public,
                "description": DESCRIPTION,
            }
            return _compute(
                "POST", "/flavors", {"flavor": size if change.id is None else {**size, "id": change.id}}
            )


def _patch(change: do.SetProperties) -> list[dict[str, str]]:
    """``add`` where there is nothing yet, ``replace`` where there is, ``remove`` what goes (RFC 6902)."""
    steps = [
        {
            "op": "replace" if name in change.was else "add",
            "path": f"/{_pointer(name)}",
            "value": value,
        }
        for name, value in change.values.items()
    ]
    return steps + [{"op": "remove", "path": f"/{_pointer(name)}"} for name in sorted(change.dropped)]


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _quota(project: str | None, values: Mapping[str, int]) -> Call:
    if project is None:
        return _compute("PUT", "/os-quota-class-sets/default", {"quota_class_set": dict(values)})
    return _compute("PUT", f"/os-quota-sets/{quote(project, safe='')}", {"quota_set": dict(values)})


def _limit(project: str | None, change: do.SetLimit, place: Place | None) -> Call:
    kind, field = ("limit", "resource_limit") if project else ("registered_limit", "default_limit")
    if change.id is not None:
        path = f"/{kind}s/{quote(change.id, safe='')}"
        return Call("identity", "PATCH", path, {kind: {field: change.value}})
    if place is None:
        raise ValueError("a limit belongs to a service")
    new: dict[str, object] = {
        "service_id": place.service_id,
        "resource_name": change.resource,
        field: change.value,
    }
    if place.region_id is not None:
        new["region_id"] = place.region_id
    if project is not None:
        new["project_id"] = project
    return Call("identity", "POST", f"/{kind}s", {f"{kind}s": [new]})
