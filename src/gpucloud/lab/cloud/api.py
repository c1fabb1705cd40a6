"""The APIs of the cloud as its administrator calls them: plain HTTP, for the few calls that bring it up."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpucloud.lab.cloud.settings import ADMIN
from gpucloud.lab.cloud.site import Site
from gpucloud.model.failure import Failure

TIMEOUT_S = 60
_SAID = 300
"""Characters of an API's answer that a message quotes."""

# A proxy that the user's environment names must not see what never leaves this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _told(service: Mapping[str, Any]) -> float:
    """When a service last told that it is up, in whole seconds of Unix time; nova's times are UTC."""
    said = service.get("updated_at")  # null before the first time
    return 0.5 if said is None else datetime.fromisoformat(said).replace(tzinfo=UTC).timestamp()


class Api:
    """A session of the administrator.

    Args:
        site: the cloud; its keystone must answer.
        timeout_s: how long one answer may take.

    Raises:
        Failure: keystone refuses.
    """

    def __init__(self, site: Site, timeout_s: float = TIMEOUT_S) -> None:
        self._site = site
        self._timeout_s = timeout_s
        self._token = ""
        domain = {"id": "default"}
        user = {"name": ADMIN, "domain": domain, "password": site.passwords["admin"]}
        asked = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": ADMIN, "domain": domain}},
            }
        }
        with self._open("POST", "keystone", "/v3/auth/tokens", json.dumps(asked).encode(), {}) as answer:
            self._token = answer.headers["X-Subject-Token"]

    def call(self, method: str, port: str, path: str, body: object = None, version: str = "") -> Any:
        """Call an API and give what it answers.

        Args:
            method: of HTTP.
            port: name of the API among the site's ports.
            path: with the query.
            body: becomes JSON; None for none.
            version: microversion of nova.

        Raises:
            Failure: the API cannot be reached or refuses.
        """
        more = {"OpenStack-API-Version": f"compute {version}"} if version else {}
        data = None if body is None else json.dumps(body).encode()
        with self._open(method, port, path, data, more) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def services_up(self, since: float = 0) -> frozenset[str]:
        """The programs of nova that it says are up: each tells it so every few seconds.

        Args:
            since: Unix time; what has told it so only before then is left out.

        Raises:
            Failure: as `call`.
        """
        found = self.call("GET", "nova", "/v2.1/os-services")["services"]
        return frozenset(one["binary"] for one in found if one["state"] == "up" and _told(one) > since)

    def computes_up(self, since: float = 0) -> frozenset[str]:
        """The hosts whose nova-compute is up; as `services_up`."""
        found = self.call("GET", "nova", "/v2.1/os-services?binary=nova-compute")["services"]
        return frozenset(one["host"] for one in found if one["state"] == "up" and _told(one) > since)

    def providers(self) -> frozenset[str]:
        """Names of what Placement knows to offer something.

        Raises:
            Failure: as `call`.
        """
        found = self.call("GET", "placement", "/resource_providers")["resource_providers"]
        return frozenset(one["name"] for one in found)

    def upload(self, path: str, file: Path) -> None:
        """Send a file's content to glance.

        Raises:
            Failure: as `call`.
        """
        # A length that is known beforehand: what comes in chunks reaches a WSGI application in other ways.
        size = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
        with file.open("rb") as content, self._open("PUT", "glance", path, content, size):
            pass

    def _open(self, method: str, port: str, path: str, data: Any, more: Mapping[str, str]) -> Any:
        headers = {"Content-Type": "application/json", "X-Auth-Token": self._token, **more}
        request = urllib.request.Request(  # noqa: S310 - the site's own URL
            self._site.url(port) + path, data=data, headers=headers, method=method
        )
        look = f"look into the logs: {self._site.logs}"
        try:
            return _OPENER.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            said = " ".join(error.read(4096).decode(errors="replace").split())[:_SAID]
            raise Failure(f"{port} refuses {method} {path} with {error.code}: {said}", look) from error
        except OSError as error:
            raise Failure(f"{port} does not answer {method} {path}: {error}", look) from error
