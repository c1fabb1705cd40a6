"""That cloud behind real sockets on loopback, with a keystone to log in at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from time import time
from typing import Any, ClassVar

from tests.cloud.openstack.api_state import REGION, SERVICE, CloudState

ROOTS = {
    "compute": "/compute/v2.1",
    "image": "/image/v2",
    "identity": "/identity/v3",
    "placement": "/placement",
}
PASSWORD = "right"  # noqa: S105 - of this fake alone


class Handler(BaseHTTPRequestHandler):
    state: ClassVar[CloudState]
    base: ClassVar[str]
    missing: ClassVar[frozenset[str]]
    raw: ClassVar[dict[str, bytes]]
    """Path's beginning to bytes that come instead of an answer; none: no answer at all."""
    over: ClassVar[Event]
    ahead_s: ClassVar[float]
    """Of this machine's clock."""
    protocol_version = "HTTP/1.1"

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((time() if timestamp is None else timestamp) + self.ahead_s)

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(size)
        for begin, data in self.raw.items():
            if self.path.startswith(begin):
                if not data:
                    self.over.wait()
                return self._send(200, data)
        if self.path.startswith("/identity/v3/auth/tokens"):
            return self._login(json.loads(text))
        if self.path.rstrip("/") == "/identity/v3":
            links = [{"rel": "self", "href": f"{self.base}/identity/v3/"}]
            return self._send(200, _json({"version": {"id": "v3.14", "status": "stable", "links": links}}))
        for service, root in ROOTS.items():
            if self.path.startswith(root + "/"):
                body = json.loads(text) if text else None
                headers = {name.lower(): value for name, value in self.headers.items()}
                target = self.path.removeprefix(root)
                status, answer = self.state.answer(service, self.command, target, body, headers)
                return self._send(status, b"" if answer is None else _json(answer))
        return self._send(404, b"<html><body>Not Found</body></html>")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - as http.server calls them

    def _login(self, body: Any) -> None:
        scope = body["auth"].get("scope", {})
        said = body["auth"]["identity"]["password"]["user"]["password"]
        is_of_system = "system" in scope
        if said != PASSWORD or (is_of_system and not self.state.knows_system):
            error = {"error": {"code": 401, "message": "The request you have made requires authentication."}}
            return self._send(401, _json(error))
        catalog = [
            {
                "type": service,
                "id": SERVICE if service == "compute" else f"svc-{service}",
                "name": service,
                "endpoints": [
                    {"interface": "public", "region": REGION, "region_id": REGION, "id": service, "url": url}
                ],
            }
            for service, url in ((each, self.base + root) for each, root in ROOTS.items())
            if service not in self.missing
        ]
        scoped: dict[str, Any] = {
            "project": {"id": "p", "name": "admin", "domain": {"id": "default", "name": "Default"}}
        }
        if is_of_system:
            scoped = {"system": {"all": True}}
        token = {
            "token": {
                "methods": ["password"],
                "expires_at": "2099-01-01T00:00:00.000000Z",
                "issued_at": "2026-01-01T00:00:00.000000Z",
                "user": {"id": "u", "name": "admin", "domain": {"id": "default", "name": "Default"}},
                **scoped,
                "roles": [{"id": "r", "name": "admin"}],
                "catalog": catalog,
            }
        }
        return self._send(201, _json(token), {"X-Subject-Token": "system" if is_of_system else "token"})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that has gone away; what else goes wrong is its 500."""


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


@contextmanager
def serving(
    state: CloudState,
    folder: Path,
    *,
    missing: frozenset[str] = frozenset(),
    raw: dict[str, bytes] | None = None,
    password: str = PASSWORD,
    ahead_s: float = 0,
) -> Iterator[Path]:
    """The cloud ``test`` in a clouds.yaml, while the block runs."""
    over = Event()

    class Own(Handler):
        pass

    Own.state, Own.missing, Own.raw, Own.over = state, missing, raw or {}, over
    Own.ahead_s = ahead_s
    server = Server(("127.0.0.1", 0), Own)
    Own.base = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    clouds = folder / "clouds.yaml"
    clouds.write_text(
        f"clouds:\n  test:\n    region_name: {REGION}\n    auth:\n"
        f"      auth_url: {Own.base}/identity/v3\n      username: admin\n      password: {password}\n"
        "      project_name: admin\n      user_domain_name: Default\n      project_domain_name: Default\n"
    )
    try:
        yield clouds
    finally:
        over.set()
        server.shutdown()
        server.server_close()
