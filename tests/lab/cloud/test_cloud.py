"""The cloud for real: it comes up, takes a server, and goes without a trace, however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openstack.config import OpenStackConfig
from openstack.connection import Connection

from gpucloud.lab.cache import cache_folder
from gpucloud.lab.cloud.down import down
from gpucloud.lab.cloud.ready import wait_until
from gpucloud.lab.cloud.record import Record, read_record
from gpucloud.lab.cloud.settings import CLOUD
from gpucloud.lab.cloud.site import HOST, place_of
from gpucloud.lab.cloud.status import look
from gpucloud.lab.cloud.up import up
from gpucloud.model.failure import Failure

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1500)]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    if place_of(tmp_path).is_dir():
        down(place_of(tmp_path))


def _connect(clouds_yaml: Path) -> Connection:
    config = OpenStackConfig(config_files=[str(clouds_yaml)])
    return Connection(config=config.get_one(CLOUD))


def _known(state: Path) -> Record:
    known = read_record(place_of(state))
    assert known is not None
    return known


def _must_be_gone(state: Path, known: Record) -> None:
    assert not place_of(state).exists()
    assert not [port for port in known.ports.values() if _is_open(port)]
    folder = os.fsencode(place_of(state))
    assert not [path for path in Path("/proc").glob("[0-9]*") if folder in _traces(path)]


def _is_open(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex((HOST, port)) == 0


def _traces(process: Path) -> bytes:
    """Where a process leaves a trace of the folder: its arguments, its environment, where it is."""
    try:
        where = os.fsencode((process / "cwd").readlink())
        return where + (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    except OSError:  # it has ended, or is one of the kernel
        return b""


def test_a_server_becomes_active_and_is_deleted_and_down_leaves_nothing(state: Path) -> None:
    cloud = up(state=state)
    found = look(cloud.folder)
    assert found is not None
    assert found.is_whole

    connection = _connect(cloud.clouds_yaml)
    image = connection.image.find_image("lab-guest", ignore_missing=False)
    flavor = connection.compute.create_flavor(name="tiny", ram=512, vcpus=1, disk=2)
    server = connection.compute.create_server(
        name="one", image_id=image.id, flavor_id=flavor.id, networks="none"
    )
    server = connection.compute.wait_for_server(server, wait=120)
    assert server.status == "ACTIVE"
    (provider,) = connection.placement.resource_providers()
    assert _used(connection, provider.id) == {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 2}

    connection.compute.delete_server(server)
    connection.compute.wait_for_delete(server, wait=120)
    assert set(_used(connection, provider.id).values()) == {0}
    connection.close()

    known = _known(state)
    down(cloud.folder)
    _must_be_gone(state, known)
    assert list(state.iterdir()) == []


def _used(connection: Connection, provider: str) -> dict[str, int]:
    usages: dict[str, int] = connection.placement.get(f"/resource_providers/{provider}/usages").json()[
        "usages"
    ]
    return usages


def test_a_service_that_ends_is_named_with_its_logs_and_the_others_are_ended(state: Path) -> None:
    known: list[Record] = []

    def end_database(line: str) -> None:
        if "keystone's tables" in line:
            known.append(_known(state))
            (database,) = [one for one in known[0].daemons if one.name == "mariadb"]
            os.kill(database.pid, signal.SIGKILL)

    with pytest.raises(Failure, match=r"the cloud did not come up: a service has ended: mariadb, ") as failed:
        up(state=state, progress=end_database)
    logs = Path(failed.value.then.removeprefix("the logs are in "))
    assert (logs / "mariadb.log").is_file()
    _must_be_gone(state, known[0])


def test_ctrl_c_takes_down_what_is_up_by_then(state: Path) -> None:
    environment = {
        **os.environ,
        "XDG_STATE_HOME": str(state),
        "XDG_CACHE_HOME": str(cache_folder().parents[1]),
    }
    command = [sys.executable, "-c", "from gpucloud.cli import main; main()", "lab", "cloud", "up"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as coming:
        assert coming.stderr is not None
        for line in coming.stderr:
            if line.startswith("making keystone's tables"):
                break
        known = _known(state / "gpucloud" / "lab")
        assert len(known.daemons) == 3
        coming.send_signal(signal.SIGINT)
        assert coming.stderr.read().strip().endswith("gpucloud: interrupted")
        assert coming.wait(timeout=60) == 130
    _must_be_gone(state / "gpucloud" / "lab", known)


def test_services_that_are_killed_are_started_again_and_named(state: Path) -> None:
    cloud = up(state=state)
    killed = {"mariadb", "nova-scheduler", "nova-compute"}
    for one in _known(state).daemons:
        if one.name in killed:
            os.kill(one.pid, signal.SIGKILL)

    def are_back() -> bool:
        found = look(cloud.folder)
        assert found is not None
        return found.is_whole and {one.name for one in found.services if one.restarts} == killed

    wait_until(are_back, timeout_s=300, what=lambda: str(look(cloud.folder)))
    known = _known(state)
    assert {name: len(times) for name, times in known.restarts.items()} == dict.fromkeys(killed, 1)
    down(cloud.folder)
    _must_be_gone(state, known)
