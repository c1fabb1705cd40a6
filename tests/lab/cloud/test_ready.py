from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gpucloud.lab.cloud.daemon import Daemon
from gpucloud.lab.cloud.ready import answers, last_error, serves, wait_until
from gpucloud.lab.cloud.services import Service
from gpucloud.lab.cloud.site import HOST, Site, free_ports
from gpucloud.model.failure import Failure

pytestmark = pytest.mark.proof


class _Answers(BaseHTTPRequestHandler):
    code = 300

    def do_GET(self) -> None:
        self.send_response(self.code)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _Breaks(_Answers):
    code = 500


@pytest.fixture
def nova(request: pytest.FixtureRequest) -> Iterator[Site]:
    server = HTTPServer((HOST, 0), request.param)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield _site(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


def _site(port: int) -> Site:
    return Site(Path("/f"), Path("/e"), {"nova": port}, {})


API = Service("nova-api", (), "nova", speaks_http=True)


@pytest.mark.parametrize("nova", [_Answers], indirect=True)
def test_an_api_that_answers_is_ready(nova: Site) -> None:
    assert answers(nova, API)


@pytest.mark.parametrize("nova", [_Breaks], indirect=True)
def test_an_api_whose_answer_is_an_error_is_not(nova: Site) -> None:
    assert not answers(nova, API)


def test_nobody_answers_where_nobody_listens() -> None:
    site = _site(free_ports()["nova"])
    assert not answers(site, API)
    assert not answers(site, Service("mariadb", (), "nova"))


@pytest.mark.parametrize("nova", [_Answers], indirect=True)
def test_an_api_serves_only_where_its_own_process_listens(nova: Site) -> None:
    assert serves(nova, API, Daemon("nova-api", os.getpid(), 1, ""))
    assert not serves(nova, API, Daemon("nova-api", os.getppid(), 1, ""))
    assert not serves(nova, API, Daemon("nova-api", 2**22 + 1, 1, ""))


def test_where_no_http_is_spoken_a_connection_is_enough() -> None:
    with socket.create_server((HOST, 0)) as listening:
        assert answers(_site(listening.getsockname()[1]), Service("mariadb", (), "nova"))


def test_a_service_without_a_port_is_not_asked() -> None:
    assert answers(_site(1), Service("nova-conductor", ()))


def test_what_does_not_become_so_is_told_with_its_reason() -> None:
    with pytest.raises(Failure, match="no answer after 0 s: the reason"):
        wait_until(lambda: False, timeout_s=0, what=lambda: "the reason")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "starting\nTraceback\n  File x\nLookupError: no section\n[ERROR] Worker failed\n",
            "LookupError: no section",
        ),
        (
            "2026-11-22 1 INFO nova\n2026-11-22 1 ERROR nova bad thing\n2026 INFO end\n",
            "2026-11-22 1 ERROR nova bad thing",
        ),
        ("one\ntwo\n", "two"),
        ("", "it said nothing"),
    ],
)
def test_the_line_of_a_log_that_says_what_went_wrong(text: str, said: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    assert last_error(log) == said
