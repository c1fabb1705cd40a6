"""The API's validators of flavors: what they refuse, in their words.

From 21.0.0 on, with microversion 2.86 and later, the API refuses names that it does not know in the
namespaces that it knows, and values of names that it knows. With an older microversion, which the client
sends by default, it takes everything. Source: nova/api/validation/extra_specs/.
"""

from __future__ import annotations

import re
from functools import cache

from gpucloud.nova.match.standard import standard_classes, standard_traits
from gpucloud.nova.properties.kind import api_complaint
from gpucloud.nova.releases.fact import Since
from gpucloud.nova.releases.properties import Property, flavor_keys
from gpucloud.nova.releases.release import Release

FIRST = Release(21, 0, 0)
"""The first that has validators."""
_RESOURCE = re.compile(r"resources(?:[a-zA-Z0-9_-]{1,64})?:(.+)", re.DOTALL)
_TRAIT = re.compile(r"trait(?:[a-zA-Z0-9_-]{1,64})?:(.+)", re.DOTALL)
_CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]+")
_SINCE_FIRST = Since((FIRST,))
_AMOUNT = Property("resources", _SINCE_FIRST, None, "int")
_WANTED = Property("trait", _SINCE_FIRST, None, "one:required|forbidden")


def resource_class_of(name: str) -> str | None:
    """The class that a ``resources:`` key asks for; None for another key."""
    found = _RESOURCE.fullmatch(name)
    return None if found is None else found[1]


def trait_of(name: str) -> str | None:
    """The trait that a ``trait:`` key names; None for another key."""
    found = _TRAIT.fullmatch(name)
    return None if found is None else found[1]


def is_class(name: str) -> bool:
    """Whether Placement knows a class, or takes it for an own one."""
    return name in standard_classes() or _CUSTOM.fullmatch(name) is not None


def is_trait(name: str) -> bool:
    """Whether Placement knows a trait, or takes it for an own one."""
    return name in standard_traits() or _CUSTOM.fullmatch(name) is not None


def find(name: str, release: Release) -> Property | None:
    """What the API knows of a key; None where it knows nothing."""
    kind, trait = resource_class_of(name), trait_of(name)
    if kind is not None and is_class(kind):
        return _AMOUNT
    if trait is not None and is_trait(trait):
        return _WANTED
    return flavor_keys().find(name, release)


def api_refusal(name: str, value: str, release: Release) -> str | None:
    """The API's complaint about a key of a flavor, without its beginning; None where it takes it."""
    if release < FIRST:
        return None
    known = find(name, release)
    if known is not None:
        return api_complaint(known, value)
    namespace, colon, _ = name.partition(":")
    if not colon or not _is_namespace(namespace, release):
        return None
    return f"extra spec '{name}' does not appear to be a valid extra spec."


def _is_namespace(text: str, release: Release) -> bool:
    named = f"{text}:X"
    is_of_placement = resource_class_of(named) is not None or trait_of(named) is not None
    return is_of_placement or text in _namespaces(release)


@cache
def _namespaces(release: Release) -> frozenset[str]:
    """The namespaces of the names that a release knows."""
    rows = flavor_keys().rows
    return frozenset(row.name.partition(":")[0] for row in rows if ":" in row.name and row.is_in(release))
