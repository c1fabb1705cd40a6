"""Refusals of APIs and broken connections in one line each, with what helps."""

from __future__ import annotations

import json
import re

from gpucloud.model.failure import Exit, Failure

_SAID = 300
"""Characters of an answer that are quoted."""
_TAG = re.compile(r"<[^<>]{0,200}>")
_HELP = {
    400: "look at what it says; a flavor or limit that this cloud cannot hold is changed in gpucloud.yaml",
    401: "look at the credentials in clouds.yaml",
    403: "that needs the role admin: choose another cloud of clouds.yaml, or ask who has it",
    404: "it went away meanwhile, or the API is older: run it again",
    406: "this cloud is older: gpucloud needs nova 18.0.0 (Rocky) and placement 1.6",
    409: "somebody changed it meanwhile, or it is in use: run it again and look",
    413: "the cloud limits requests: run it again later; publish takes --parallel 1",
    429: "the cloud limits requests: run it again later; publish takes --parallel 1",
}


class Refusal(Failure):
    """An answer with an error.

    Args:
        what: as `Failure` has it.
        then: the same.
        status: of HTTP.
        said: the service's own words.
    """

    def __init__(self, what: str, then: str, status: int, said: str) -> None:
        super().__init__(what, then)
        self.status = status
        self.said = said


def refusal(what: str, status: int, body: bytes) -> Refusal:
    """An answer with an error, and what helps.

    Args:
        what: the request, as ``POST compute /flavors``.
        status: of HTTP.
        body: of the answer, bounded.
    """
    said = said_by(body)
    then = _HELP.get(status, "look into the log of that service, and run it again")
    return Refusal(f"{what}: {status}{f' {said}' if said else ''}", then, status, said)


def said_by(body: bytes) -> str:
    """The message of an error, in each service's form; or the beginning of whatever came instead."""
    text = body[:20_000].decode(errors="replace")
    try:
        found = _message(json.loads(text))
    except (ValueError, RecursionError):
        found = None
    words = " ".join((found if found is not None else _TAG.sub(" ", text)).split())
    return words[:_SAID] + "..." if len(words) > _SAID else words.rstrip(".")


def _message(answer: object) -> str | None:
    """``{"forbidden": {"message": ...}}``, ``{"error": ...}``, ``{"errors": [{"detail": ...}]}``."""
    if not isinstance(answer, dict):
        return None
    for value in answer.values():
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict):
            for name in ("message", "detail"):
                if isinstance(first.get(name), str):
                    return str(first[name])
    return None


def unreachable(cloud: str, service: str, error: Exception) -> Failure:
    """What openstacksdk or keystoneauth says of a cloud that cannot be reached.

    Args:
        cloud: its name in clouds.yaml.
        service: which was called.
        error: theirs.
    """
    from keystoneauth1 import exceptions as theirs

    said = " ".join(str(error).split())[:_SAID]
    if isinstance(error, theirs.EndpointNotFound):
        return Failure(
            f"cloud {cloud} has no {service} service in its catalogue", "look at: openstack catalog list"
        )
    if isinstance(error, theirs.Unauthorized):
        return Failure(
            f"cloud {cloud} does not take these credentials: {said}", "correct them in clouds.yaml"
        )
    if isinstance(error, theirs.ConnectTimeout):
        return Failure(f"{service} of cloud {cloud} does not answer in time: {said}", "look whether it runs")
    if isinstance(error, theirs.AuthPluginException):
        return Failure(
            f"cloud {cloud} lacks what a login needs: {said}", "complete it in clouds.yaml", code=Exit.USAGE
        )
    return Failure(f"{service} of cloud {cloud} cannot be reached: {said}", "look whether it runs")
