"""A request to one of a cloud's services."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Args:
        service: ``compute``, ``image``, ``identity`` or ``placement``.
        method: of HTTP.
        path: below the service's endpoint, version left out, quoted.
        body: as JSON; None for none.
        content_type: of the body.
        microversion: where it must be another than that of all other requests.
        is_of_system: with a token of the same user for the whole system, not for a project.
    """

    service: str
    method: str
    path: str
    body: object = None
    content_type: str = "application/json"
    microversion: str | None = None
    is_of_system: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What keystone's limits belong to: the compute service, and the region that nova asks for."""

    service_id: str
    region_id: str | None
