"""Whether a service answers, and waiting until it does."""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from gpucloud.lab.cloud.services import Service
from gpucloud.lab.cloud.site import HOST, Site
from gpucloud.lab.evidence import tail
from gpucloud.model.failure import Failure

_PAUSE_S = 0.2
_EXCEPTION = re.compile(r"\b\w+(Error|Exception|Refused|Failed|NotFound): ")
_ERROR = re.compile(r"\b(ERROR|CRITICAL|error)\b")
"""What a line that says what went wrong has: the end of a traceback, or else a level."""
_SEARCHED, _SAID = 2000, 300


def answers(site: Site, service: Service, timeout_s: float = 5) -> bool:
    """Claims that a service with a port takes connections, and with HTTP that its answer is no error."""
    if service.port is None:
        return True
    port = site.ports[service.port]
    if not service.speaks_http:
        return _takes_connections(port, timeout_s)
    connection = HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _takes_connections(port: int, timeout_s: float) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool], *, timeout_s: float, what: Callable[[], str]) -> None:
    """Ask again and again until it is so.

    Raises:
        Failure: it is not so in time; ``what`` is then asked what is not.
    """
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise Failure(f"no answer after {timeout_s:.0f} s: {what()}")
        select.select([], [], [], _PAUSE_S)


def last_error(log: Path) -> str:
    """The line of a log that says best what went wrong: its last exception, else last error, else end."""
    lines = tail(log, _SEARCHED).split(" | ")
    for sought in (_EXCEPTION, _ERROR):
        if found := [line for line in lines if sought.search(line)]:
            return found[-1][:_SAID]
    return lines[-1][:_SAID] or "it said nothing"
