"""Whether a service answers, and waiting until it does."""

from __future__ import annotations

import re
import select
import socket
import sys
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from gpucloud.lab.cloud.daemon import Daemon
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


def serves(site: Site, service: Service, process: Daemon) -> bool:
    """Claims that a service answers, and with HTTP that it is the one who listens: it is told passwords."""
    is_there = answers(site, service)
    if not is_there or not service.speaks_http or service.port is None:
        return is_there
    return _listens(process.pid, site.ports[service.port])


def _listens(pid: int, port: int, proc: Path = Path("/proc")) -> bool:
    """Claims that a process has the socket that listens on a port of loopback.

    Source: Documentation/networking/proc_net_tcp.rst of the kernel; the state 0A is that of one that listens.
    """
    address = f"{int.from_bytes(socket.inet_aton(HOST), sys.byteorder):08X}:{port:04X}"
    rows = [line.split() for line in (proc / "net" / "tcp").read_text().splitlines()[1:]]
    wanted = {f"socket:[{row[9]}]" for row in rows if row[1] == address and row[3] == "0A"}
    try:
        return any(_opened(one) in wanted for one in (proc / str(pid) / "fd").iterdir())
    except OSError:  # the process is gone
        return False


def _opened(handle: Path) -> str:
    try:
        return str(handle.readlink())
    except OSError:  # it was closed meanwhile
        return ""


def _takes_connections(port: int, timeout_s: float) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def wait_until(
    is_so: Callable[[], bool], *, timeout_s: float, what: Callable[[], str], every_s: float = _PAUSE_S
) -> None:
    """Ask again and again until it is so.

    Raises:
        Failure: it is not so in time; ``what`` is then asked what is not.
    """
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise Failure(f"no answer after {timeout_s:.0f} s: {what()}")
        select.select([], [], [], every_s)


def last_error(log: Path) -> str:
    """The line of a log that says best what went wrong: its last exception, else last error, else end."""
    return best_line(tail(log, _SEARCHED).split(" | "))


def best_line(lines: Sequence[str]) -> str:
    """The same, of the lines of a log."""
    for sought in (_EXCEPTION, _ERROR):
        if found := [line for line in lines if sought.search(line)]:
            return found[-1][:_SAID]
    return (lines[-1][:_SAID] if lines else "") or "it said nothing"
