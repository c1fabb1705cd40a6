"""Databases that are of nova, and those that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.cloud.openstack.heal.cell import Cell

from gpucloud.cloud.openstack.audit.database.place import name_of, open_database, reading, url_in
from gpucloud.cloud.openstack.audit.database.read import read_database
from gpucloud.cloud.openstack.audit.observed import Database
from gpucloud.model.failure import Failure
from gpucloud.nova.config import Configuration, read_config_file


def read(cell: Cell) -> Database:
    with reading(cell.engine) as connection:
        return read_database(connection, "cell")


@pytest.mark.parametrize(
    ("has_uuid", "said"), [(True, "nova 16 (Pike) to 34"), (False, "nova 13 (Mitaka) to 15")]
)
def test_a_table_is_known_by_its_columns(has_uuid: bool, said: str) -> None:
    assert read(Cell(has_uuid=has_uuid)).schema == said


def test_a_column_that_no_nova_has_is_refused() -> None:
    cell = Cell()
    with cell.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE pci_devices ADD COLUMN owner_service VARCHAR(36)"))
    with pytest.raises(Failure, match="columns that no known nova has: owner_service"):
        read(cell)


def test_a_column_that_every_nova_has_is_missed() -> None:
    cell = Cell()
    with cell.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE pci_devices DROP COLUMN parent_addr"))
    with pytest.raises(Failure, match="table pci_devices has no parent_addr"):
        read(cell)


def test_the_database_of_the_api_is_refused() -> None:
    engine = open_database("sqlite://")
    with reading(engine) as connection, pytest.raises(Failure, match="no database of a cell of nova"):
        read_database(connection, "api")


@pytest.mark.parametrize("text", ["", "nova", "oracle://a/b", "mysql://[::1", "redis://x"])
def test_what_is_no_database_of_nova_is_refused(text: str) -> None:
    with pytest.raises(Failure, match="no URL of a database"):
        open_database(text)


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("mysql+mysqldb://u:secret@h/nova?charset=utf8&plugin=dbcounter", "mysql+pymysql"),
        ("postgresql+psycopg2://u:secret@h/nova", "postgresql+psycopg"),
        ("mariadb://u:secret@h/nova", "mysql+pymysql"),
    ],
)
def test_the_driver_is_ours_and_the_password_is_never_told(text: str, driver: str) -> None:
    engine = open_database(text)
    assert engine.url.drivername == driver
    assert "plugin" not in engine.url.query
    assert "secret" not in name_of(engine)


def test_a_database_that_is_not_there_is_one_line() -> None:
    with (
        pytest.raises(Failure, match="look whether it runs") as caught,
        reading(open_database("mysql://u:secret@127.0.0.1:1/nova")),
    ):
        pass
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", ["foo=bar", "ssl=1", "charset=foo8", "ssl_ca=/none", "read_timeout=-1"])
def test_an_option_that_the_driver_does_not_take_is_named(option: str) -> None:
    with (
        pytest.raises(
            Failure, match=f"pymysql does not take an option .*{option.partition('=')[0]}"
        ) as caught,
        reading(open_database(f"mysql://u:secret@127.0.0.1:1/nova?{option}")),
    ):
        pass
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("password", ["my@secret", "my@secret/word"])
def test_the_end_of_a_password_is_not_taken_for_a_host(password: str) -> None:
    with pytest.raises(Failure, match="write %40") as caught:
        open_database(f"mysql://u:{password}@127.0.0.1/nova")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("password", ["my$secret", "my$secret.word"])
def test_what_follows_a_dollar_of_a_password_is_not_told(password: str) -> None:
    with pytest.raises(Failure, match=r"write \$\$") as caught:
        url_in(conf(f"[database]\nconnection = mysql://u:{password}@h/nova\n"))
    assert "secret" not in str(caught.value)


def test_no_file_is_made_of_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="there is no file"):
        open_database(f"sqlite:///{tmp_path / 'nova.db'}")
    assert not list(tmp_path.iterdir())


def conf(text: str) -> Configuration:
    return Configuration((read_config_file("nova.conf", text),))


def test_nova_conf_names_its_database() -> None:
    text = "[database]\nconnection = mysql+pymysql://u:p@h/nova\n"
    assert url_in(conf(text)) == "mysql+pymysql://u:p@h/nova"


def test_the_nova_conf_of_a_compute_host_has_none() -> None:
    with pytest.raises(Failure, match="that of nova-compute has none"):
        url_in(conf("[DEFAULT]\nhost = gpu01\n"))
