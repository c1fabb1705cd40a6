"""The network service of a cloud without networks: a WSGI application that has none of anything.

nova asks for a server's ports when it deletes the server, even one that was launched without networks
(``deallocate_for_instance``, nova/network/neutron.py); without a network service it could not delete it.
Every listing is empty; what would make something is refused, and so is to make a network by itself
(``_can_auto_allocate_network``), as neutron refuses it where no network leads outside.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
    """Answer a listing ``/v2.0/THINGS`` with none of them."""
    parts = environ["PATH_INFO"].strip("/").split("/")
    body: dict[str, Any]
    if parts[1:2] == ["auto-allocated-topology"]:
        error = {"type": "AutoAllocationFailure", "message": "this cloud has no networks", "detail": ""}
        status, body = "409 Conflict", {"NeutronError": error}
    elif environ["REQUEST_METHOD"] == "GET" and len(parts) <= 2:
        status, body = "200 OK", {parts[1]: []} if len(parts) == 2 else {"versions": []}
    else:
        error = {"type": "NotFound", "message": "this cloud has no networks", "detail": ""}
        status, body = "404 Not Found", {"NeutronError": error}
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
