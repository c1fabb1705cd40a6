"""The same rows changed, refused and brought back by PostgreSQL itself (Debian's package postgresql)."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.cloud.openstack.heal import test_cut_off as cuts
from tests.cloud.openstack.heal import test_repair as repairs
from tests.cloud.openstack.heal.cell import Cell
from tests.cloud.openstack.heal.scene import Scene

from gpucloud.cloud.openstack.heal.rows import swap_of, write_rows
from gpucloud.lab.cloud import ready

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.long]


def program(name: str) -> str:
    """Debian keeps the server's programs beside each other, off PATH."""
    found = [str(each) for each in Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    path = shutil.which(name) or max(found, default=None)
    assert path is not None, "apt-get install postgresql"
    return path


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A server of its own, which refuses to run as root, and the URL of its database."""
    user = {"user": "postgres", "group": "postgres", "cwd": str(folder)}
    shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    words = ["-A", "trust", "-U", "nova", "-E", "UTF8", "--no-sync"]
    made = subprocess.run([program("initdb"), "-D", data, *words], check=False, capture_output=True, **user)  # type: ignore[call-overload]
    assert made.returncode == 0, made.stderr.decode()
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        port = asking.getsockname()[1]
    where = ["-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder]
    server = subprocess.Popen([program("postgres"), *where], stderr=subprocess.DEVNULL, **user)  # type: ignore[call-overload]
    url = f"postgresql+psycopg://nova@127.0.0.1:{port}/postgres"
    try:
        ready.wait_until(lambda: _answers(url), timeout_s=60, what=lambda: "PostgreSQL")
        yield url
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    engine = sa.create_engine(url)
    try:
        engine.connect().close()
    except sa.exc.OperationalError:
        return False
    finally:
        engine.dispose()
    return True


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="gpucloud-postgresql-"))
    try:
        with serving(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def scene(server: str) -> Iterator[Scene]:
    engine = sa.create_engine(server)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    scene = Scene(Cell(server))
    yield scene
    scene.cell.engine.dispose()


def test_rows_are_repaired(scene: Scene, tmp_path: Path) -> None:
    repairs.test_rows_are_repaired_and_the_living_guest_keeps_its_own(scene, tmp_path)


def test_a_repair_is_taken_back_exactly(scene: Scene, tmp_path: Path) -> None:
    repairs.test_a_repair_is_taken_back_exactly(scene, tmp_path)


def test_a_row_that_changed_is_not_taken_back(scene: Scene, tmp_path: Path) -> None:
    repairs.test_a_row_that_changed_since_the_repair_is_not_taken_back(scene, tmp_path)


def test_none_is_changed_where_one_is_not_as_it_was(scene: Scene) -> None:
    repairs.test_none_is_changed_where_one_is_not_as_it_was(scene)


def test_a_restore_goes_on_where_it_was_cut_off(scene: Scene, tmp_path: Path) -> None:
    cuts.test_a_restore_goes_on_where_it_was_cut_off(scene, tmp_path)


def test_a_row_does_not_come_back_beside_another(scene: Scene, tmp_path: Path) -> None:
    cuts.test_a_row_does_not_come_back_beside_the_one_that_nova_made_since(scene, tmp_path)


def test_a_relative_that_a_guest_takes_meanwhile_counts(scene: Scene, tmp_path: Path) -> None:
    cuts.test_a_relative_that_a_guest_takes_meanwhile_keeps_its_physical_function_blocked(scene, tmp_path)


def test_nobody_changes_another_row_of_the_host_meanwhile(scene: Scene) -> None:
    scene.cell.row(3, "0000:af:00.0")
    repair = cuts.two_rows(scene)

    def come_between(_: sa.Connection) -> None:
        with scene.cell.engine.begin() as other:
            other.execute(sa.text("SET LOCAL lock_timeout = '200ms'"))
            with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
                other.execute(sa.text("UPDATE pci_devices SET status = 'claimed' WHERE id = 3"))
            other.rollback()

    write_rows(scene.cell.engine, [swap_of(each) for each in repair.rows], come_between)
    assert scene.cell.read(3)["status"] == "available"
    assert scene.cell.read(1)["status"] == "available"
