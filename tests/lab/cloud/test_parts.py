from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from gpucloud.cli.labs.cloud import way_to
from gpucloud.cli.main import run
from gpucloud.lab.cloud.daemon import Daemon, boot_id
from gpucloud.lab.cloud.environment import LOCK, ensure_environment, installs, pin_of, release
from gpucloud.lab.cloud.files.no_networks import application
from gpucloud.lab.cloud.needs import PROGRAMS
from gpucloud.lab.cloud.record import RECORD, Record, read_record, write_record
from gpucloud.lab.cloud.site import PORTS
from gpucloud.lab.cloud.status import State, look
from gpucloud.model.failure import Exit

FILES = files("gpucloud.lab.cloud").joinpath("files")
KNOWN = Record(
    "/environment", dict.fromkeys(PORTS, 1), (Daemon("nova-conductor", os.getpid(), 1, boot_id()),), 5.0
)


def test_each_program_comes_with_a_package_of_the_list() -> None:
    lines = FILES.joinpath("packages.txt").read_text().splitlines()
    listed = {line.partition("#")[0].strip() for line in lines} - {""}
    assert set(PROGRAMS.values()) == listed


def test_the_lock_pins_what_is_asked_for_with_what_its_file_must_be() -> None:
    wanted = FILES.joinpath("requirements.in").read_text().splitlines()
    pins = [line.partition("#")[0].strip() for line in wanted if "==" in line and not line.startswith("#")]
    locked = LOCK.read_text()
    assert {f"{name}=={version}" for name, version in release().items()} == set(pins)
    assert locked.count("==") <= locked.count("--hash=sha256:")


def test_what_has_no_wheel_is_built_with_what_the_lock_pins(tmp_path: Path) -> None:
    pin = pin_of("setuptools", LOCK.read_text())
    assert re.fullmatch(r"setuptools==\S+ \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", pin)
    first, then = installs(tmp_path, Path("/lock"), Path("/builder"))
    assert first[-1] == "/builder"
    assert {"--no-build-isolation", "--no-binary=ovs,simplegeneric"} <= set(then)
    assert all("--require-hashes" in one and "--only-binary=:all:" in one for one in (first, then))


def test_of_old_environments_only_the_last_one_stays(tmp_path: Path) -> None:
    now = ensure_environment(_cache_with_environments(tmp_path), progress=lambda _: None)
    assert sorted(one.name for one in now.parent.iterdir()) == sorted([now.name, "environment-3.11-old2"])


def _cache_with_environments(cache: Path) -> Path:
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    now = f"environment-{sys.version_info.major}.{sys.version_info.minor}-{digest}"
    for age, name in enumerate(["environment-3.11-old2", "environment-3.11-old1", now]):
        (cache / "cloud" / name).mkdir(parents=True)
        os.utime(cache / "cloud" / name, (1e9 - age, 1e9 - age))
    return cache


def test_what_is_written_of_a_cloud_is_read_again(tmp_path: Path) -> None:
    write_record(tmp_path, KNOWN)
    assert read_record(tmp_path) == KNOWN


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"daemons": [{}]}', '{"daemons": 1}', "\x00"])
def test_a_record_that_is_not_whole_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(text)
    assert read_record(tmp_path) is None


def test_a_service_whose_process_is_gone_has_ended(tmp_path: Path) -> None:
    write_record(tmp_path, replace(KNOWN, is_up=True))
    found = look(tmp_path)
    assert found is not None
    assert [(one.name, one.state) for one in found.services] == [("nova-conductor", State.ENDED)]
    assert not found.is_whole


def test_a_cloud_that_has_not_come_up_is_not_whole(tmp_path: Path) -> None:
    write_record(tmp_path, replace(KNOWN, daemons=()))
    found = look(tmp_path)
    assert found is not None
    assert not found.is_whole


def test_the_network_service_has_none_of_anything() -> None:
    assert _ask("GET", "/v2.0/ports") == ("200 OK", {"ports": []})
    assert _ask("GET", "/v2.0/networks") == ("200 OK", {"networks": []})
    assert _ask("GET", "/")[0] == "200 OK"


def test_the_network_service_makes_nothing() -> None:
    assert _ask("POST", "/v2.0/ports")[0] == "404 Not Found"
    assert _ask("GET", "/v2.0/ports/1")[0] == "404 Not Found"
    assert _ask("GET", "/v2.0/auto-allocated-topology/project")[0] == "409 Conflict"


def _ask(method: str, path: str) -> tuple[str, object]:
    said: list[str] = []
    body = application({"REQUEST_METHOD": method, "PATH_INFO": path}, lambda status, _: said.append(status))
    return said[0], json.loads(b"".join(body))


@pytest.fixture
def _no_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.usefixtures("_no_cloud")
def test_where_there_is_no_cloud_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "cloud", "status"]) == Exit.FINDINGS
    assert "there is no cloud: gpucloud lab cloud up" in capsys.readouterr().out
    assert run(["lab", "cloud", "down"]) == Exit.USAGE
    assert "there is no cloud; gpucloud lab cloud up brings one up" in capsys.readouterr().err


@pytest.mark.usefixtures("_no_cloud")
def test_a_cloud_that_is_broken_ends_status_with_its_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "gpucloud" / "lab" / "cloud"
    folder.mkdir(parents=True)
    write_record(folder, replace(KNOWN, is_up=True))
    assert run(["lab", "cloud", "status", "--format", "json"]) == Exit.FINDINGS
    assert json.loads(capsys.readouterr().out)["services"][0]["state"] == "has ended"
    assert run(["lab", "cloud", "down"]) == Exit.FINE
    assert not folder.exists()


@pytest.mark.parametrize(
    ("environ", "more"),
    [
        ({}, ""),
        ({"https_proxy": "http://p:1"}, ""),
        ({"http_proxy": "http://p:1"}, " no_proxy=127.0.0.1"),
        (
            {"ALL_PROXY": "http://p:1", "NO_PROXY": "a.example,b.example"},
            " no_proxy=a.example,b.example,127.0.0.1",
        ),
        ({"http_proxy": "http://p:1", "no_proxy": "127.0.0.1", "NO_PROXY": "a"}, " no_proxy=127.0.0.1"),
    ],
)
def test_the_line_that_leads_to_the_cloud_goes_past_a_proxy(environ: dict[str, str], more: str) -> None:
    line = way_to(Path("/state/clouds.yaml"), "lab", environ)
    assert line == f"export OS_CLIENT_CONFIG_FILE=/state/clouds.yaml OS_CLOUD=lab{more}"


def test_the_line_that_leads_to_the_cloud_can_be_pasted_from_a_folder_of_any_name() -> None:
    line = way_to(Path("/my state/it's"), "lab", {})
    assert shlex.split(line)[1] == "OS_CLIENT_CONFIG_FILE=/my state/it's"
