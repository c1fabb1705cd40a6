"""The script for a guest, run by real shells; what listens is a plain socket, no licence server."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gpucloud.model.unknown import Unknown
from gpucloud.slices.licence.client import Server
from gpucloud.slices.licence.probe import Report, Tcp, parse_report, script

pytestmark = pytest.mark.proof
LONG_AGO = b"HTTP/1.0 404 Not Found\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\n\r\n"


def ask(*servers: Server, shell: str = "sh") -> Report:
    done = subprocess.run(
        [shell, "-c", script(servers)], capture_output=True, text=True, timeout=60, check=True
    )
    report = parse_report(done.stdout)
    assert report is not None
    return report


@contextmanager
def listening(answer: bytes) -> Iterator[Server]:
    """A socket that gives everyone who connects the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(2)
                    try:
                        if connection.recv(4096):
                            connection.sendall(answer)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Server("127.0.0.1", server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_port_that_listens_is_open_and_its_clock_is_compared() -> None:
    with listening(LONG_AGO) as server:
        (reach,) = ask(server).reaches
    assert (reach.server, reach.address, reach.tcp) == (server, "127.0.0.1", Tcp.OPEN)
    assert isinstance(reach.skew_s, int)
    assert reach.skew_s > 10 * 365 * 86400


def test_a_server_that_sends_lines_in_its_date_makes_none_of_the_report() -> None:
    smi = b"gpucloud-licence smi License Status : Licensed"
    with listening(b"HTTP/1.0 404 Not Found\r\nDate: x\\n" + smi + b"\r\n\r\n") as server:
        report = ask(server)
    assert report.smi == ""
    assert isinstance(report.reaches[0].skew_s, Unknown)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_closed_ports_and_names_without_address_are_told_apart(shell: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        free = held.getsockname()[1]
    closed, nameless = ask(Server("127.0.0.1", free), Server("nobody.invalid"), shell=shell).reaches
    assert (closed.tcp, closed.address) == (Tcp.CLOSED, "127.0.0.1")
    assert (nameless.tcp, nameless.address) == (Tcp.UNKNOWN, None)


def test_a_guest_that_has_nothing_reports_that() -> None:
    report = ask()
    assert (report.conf, report.tokens, report.reaches, report.smi) == ({}, (), (), "")


def test_the_script_fits_where_gpucloud_run_takes_it() -> None:
    assert len(script([Server("a" * 200)] * 4)) < 8192
