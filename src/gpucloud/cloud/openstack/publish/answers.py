"""What APIs answer, into values: strictly, for an answer of another form would make wrong differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gpucloud.cloud.openstack.publish.offer import (
    DESCRIPTION,
    MARK,
    RECORD,
    Aggregate,
    Flavor,
    Provider,
    parse_record,
)
from gpucloud.model.failure import Failure

T = TypeVar("T")


def entry(answer: Any, name: str, kind: type[T], what: str) -> T:
    """A value of an object, of its kind.

    Raises:
        Failure: it is not there, or is of another kind.
    """
    value = answer.get(name) if isinstance(answer, Mapping) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Failure(f"{what}: the answer has no {name} as the API describes it", "look at that service")
    return value


def entries(answer: Any, name: str, what: str) -> list[Any]:
    """A list of an object."""
    return entry(answer, name, list, what)


def whole(answer: Any, name: str) -> list[Any]:
    """A list of keystone's, which is not cut off (``[identity]list_limit`` and the like).

    Raises:
        Failure: keystone has more than it says.
    """
    found = entries(answer, name, name)
    if answer.get("truncated"):
        raise Failure(
            f"keystone lists {len(found)} {name.replace('_', ' ')}, and has more",
            "raise list_limit in keystone.conf",
        )
    return found


@dataclass(frozen=True, slots=True)
class HasFlavor:
    """A flavor as it is listed."""

    id: str
    name: str
    flavor: Flavor
    is_ours: bool


def flavor_of(item: Any) -> HasFlavor:
    """One of ``GET /flavors/detail`` (2.61)."""
    what = "flavors"
    extra_specs = texts(entry(item, "extra_specs", dict, what), what)
    return HasFlavor(
        entry(item, "id", str, what),
        entry(item, "name", str, what),
        Flavor(
            entry(item, "vcpus", int, what),
            entry(item, "ram", int, what),
            entry(item, "disk", int, what),
            entry(item, "os-flavor-access:is_public", bool, what),
            extra_specs,
            unsaid=tuple(_unsaid(item)),
            ephemeral_gib=amount_of(item, "OS-FLV-EXT-DATA:ephemeral"),
            swap_mib=amount_of(item, "swap"),
        ),
        item.get("description") == DESCRIPTION,
    )


def amount_of(item: Any, name: str) -> int:
    """A size of a flavor that may be absent; before 2.75 nova writes a swap of nothing as an empty text."""
    value = item.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _unsaid(item: Any) -> Iterator[str]:
    """What a flavor has that no spec says."""
    defaults = {"swap": 0, "OS-FLV-EXT-DATA:ephemeral": 0, "rxtx_factor": 1}
    for name, default in defaults.items():
        if item.get(name, default) not in (default, "", None):
            yield f"{name.rpartition(':')[2]}={item[name]}"


def aggregate_of(item: Any) -> tuple[str, str, Aggregate, bool]:
    """One of ``GET /os-aggregates``: name, id, itself, and whether it is ours."""
    what = "aggregates"
    metadata = texts(entry(item, "metadata", dict, what), what)
    is_ours = metadata.pop(MARK, None) is not None
    hosts = frozenset(map(str, entries(item, "hosts", what)))
    number = entry(item, "id", int, what)
    return entry(item, "name", str, what), str(number), Aggregate(hosts, metadata), is_ours


def image_of(item: Any) -> tuple[str, str, dict[str, str], dict[str, str | None]]:
    """One of ``GET /images``: id, name, properties that are text, and which were set here: what each was.

    A snapshot has the record of the image that its server was made of, which is a property like any other.
    """
    what = "images"
    key = entry(item, "id", str, what)
    properties = {str(name): value for name, value in item.items() if isinstance(value, str)}
    record = parse_record(key, properties.get(RECORD, ""))
    if record:
        del properties[RECORD]
    return key, str(item.get("name") or ""), properties, record


def amounts(item: Any) -> dict[str, int]:
    """The numbers of a quota set."""
    return {
        str(name): value
        for name, value in item.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }


def traits_of(answer: Any, provider: str) -> tuple[Provider, frozenset[str]]:
    """``GET /resource_providers/{uuid}/traits``: the provider with its generation, and its traits."""
    generation = entry(answer, "resource_provider_generation", int, "traits")
    return Provider(provider, generation), frozenset(map(str, entries(answer, "traits", "traits")))


def texts(item: Mapping[Any, Any], what: str) -> dict[str, str]:
    """An object whose values are text."""
    if not all(isinstance(value, str) for value in item.values()):
        raise Failure(f"{what}: the answer has values that are no text", "look at that service")
    return {str(name): value for name, value in item.items()}
