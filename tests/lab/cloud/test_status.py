"""What status says of a cloud: it asks each service, all at once, and nova of those that have no port."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.lab.cloud.sites import site_in

from gpucloud.lab.cloud.api import Api
from gpucloud.lab.cloud.daemon import Daemon, boot_id
from gpucloud.lab.cloud.record import CLOUDS_YAML, Record, write_record
from gpucloud.lab.cloud.settings import CLOUD, clouds_yaml
from gpucloud.lab.cloud.site import HOST, PORTS, Site
from gpucloud.lab.cloud.status import State, look
from gpucloud.model.failure import Failure

pytestmark = pytest.mark.proof

APIS = ("keystone", "placement", "glance-api", "nova-api")
WITHOUT_PORT = ("nova-conductor", "nova-scheduler", "nova-compute")
UP = [{"binary": name, "state": "up"} for name in WITHOUT_PORT]


class _Server(ThreadingHTTPServer):
    services: object = UP
    together = threading.Barrier(len(APIS), timeout=4)


class _Cloud(BaseHTTPRequestHandler):
    """All APIs at one port: it answers none before all have been asked."""

    server: _Server

    def do_GET(self) -> None:
        if self.path == "/":
            self.server.together.wait()
        self._answer({"services": self.server.services})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = asked["auth"]["identity"]["password"]["user"]["password"]
        self._answer({}, 201 if said == "secret-of-admin" else 401)

    def _answer(self, body: object, code: int = 200) -> None:
        self.send_response(code)
        self.send_header("X-Subject-Token", "token")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    made = _Server((HOST, 0), _Cloud)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def folder(tmp_path: Path, server: _Server) -> Path:
    """A cloud all of whose services are this process."""
    ports = dict.fromkeys(PORTS, server.server_port)
    site = replace(site_in(tmp_path / "cloud"), ports=ports)
    (site.folder / CLOUDS_YAML).write_text(clouds_yaml(site, CLOUD))
    began = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    daemons = tuple(Daemon(name, os.getpid(), began, boot_id()) for name in (*APIS, *WITHOUT_PORT))
    write_record(site.folder, Record("/environment", ports, daemons, 5.0, is_up=True))
    return site.folder


def _states(folder: Path) -> dict[str, State]:
    found = look(folder)
    assert found is not None
    return {one.name: one.state for one in found.services}


def test_a_cloud_whose_services_all_answer_is_whole(folder: Path) -> None:
    found = look(folder)
    assert found is not None
    assert {one.state for one in found.services} == {State.ANSWERS}
    assert found.is_whole


def test_a_service_of_nova_that_runs_and_does_nothing_is_not_taken_for_one_that_is_up(
    folder: Path, server: _Server
) -> None:
    server.services = [UP[0], {"binary": "nova-scheduler", "state": "down"}]
    states = _states(folder)
    assert states["nova-conductor"] is State.ANSWERS
    assert states["nova-scheduler"] is State.SILENT
    assert states["nova-compute"] is State.SILENT


def test_where_nova_cannot_be_asked_it_is_only_said_that_they_run(folder: Path) -> None:
    (folder / CLOUDS_YAML).write_text((folder / CLOUDS_YAML).read_text().replace("secret", "other"))
    found = look(folder)
    assert found is not None
    assert {one.state for one in found.services if one.name in WITHOUT_PORT} == {State.RUNS}
    assert not found.is_whole


def test_what_an_api_refuses_is_said_with_where_to_look(folder: Path, server: _Server) -> None:
    site = Site(folder, Path("/e"), {"keystone": server.server_port}, {"admin": "another"})
    with pytest.raises(Failure, match="keystone refuses POST /v3/auth/tokens with 401") as failed:
        Api(site)
    assert failed.value.then == f"look into the logs: {folder / 'logs'}"
