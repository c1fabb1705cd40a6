"""Where nova's database is: a URL, or the nova.conf that has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gpucloud.cloud.packages import extra_line
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

    from gpucloud.nova.config import Configuration

_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "postgresql": "postgresql+psycopg"}
"""Ours, whatever driver nova names: its own may not be installed here."""
_OSLO = ("plugin",)
"""Words of a URL that are for nova's own SQLAlchemy alone."""
_CONNECT_S = 10


def url_in(configuration: Configuration) -> str:
    """The database of the cell that these files are of.

    Raises:
        Failure: they have none: nova-compute's have not.
    """
    from gpucloud.nova.check.options import Options
    from gpucloud.nova.refusal import NovaRaises
    from gpucloud.nova.releases.options import OptionName
    from gpucloud.nova.releases.release import SERIES

    if configuration.error is not None:
        raise Failure(str(configuration.error), "nova does not start with this file either")
    found = configuration.last(OptionName("database", "connection"))
    if found is None or not found.value:
        what = "nova.conf has no [database]connection: that of nova-compute has none"
        raise Failure(what, "give that of nova-conductor, or --database URL", code=Exit.USAGE)
    try:
        return Options(configuration, SERIES[-1]).put(found.value, found.section)[0]
    except (NovaRaises, ValueError) as raised:  # what it says names what follows a $, which may be a password
        what = "[database]connection has a $ that stands for no option of nova"
        then = "write $$ for each $ of a password, or give --database URL"
        raise Failure(what, then, code=Exit.USAGE) from raised


def open_database(text: str) -> Engine:
    """An engine for a database; nothing is connected yet.

    Raises:
        Failure: SQLAlchemy or the driver is not installed, or this is no URL of a database, or of a file that
            is not there.
    """
    try:
        from sqlalchemy import create_engine
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    except ImportError as error:
        raise _not_installed(error) from error
    try:
        url = _with_driver(text)
        _require_parts(url)
        return create_engine(url, connect_args=_arguments(url), pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        what = "that is no URL of a database that nova can have"
        then = "give one like mysql://USER:PASSWORD@HOST/nova or postgresql://..."
        raise Failure(what, then, code=Exit.USAGE) from error
    except ImportError as error:
        raise _not_installed(error) from error


def name_of(engine: Engine) -> str:
    """The database in words, without its password and options."""
    return engine.url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def told_in_a_line(engine: Engine) -> Iterator[None]:
    """Make what SQLAlchemy raises one line.

    Raises:
        Failure: the database cannot be reached, refuses, or breaks off.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        said = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
        raise Failure(
            f"database {name_of(engine)}: {said}", "look whether it runs, and who may log in"
        ) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that changes nothing.

    Raises:
        Failure: the database cannot be reached, or refuses.
    """
    with told_in_a_line(engine), _connected(engine) as connection:
        yield connection
        connection.rollback()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection with a transaction, which counts only where nothing is raised in it.

    Raises:
        Failure: the database cannot be reached, or refuses.
    """
    with told_in_a_line(engine), _connected(engine) as connection, connection.begin():
        yield connection


def _connected(engine: Engine) -> Connection:
    """A connection; drivers raise anything over an option of the URL that they do not take.

    Raises:
        Failure: the driver does not take one.
        SQLAlchemyError: the database cannot be reached, or refuses.
    """
    try:
        return engine.connect()
    except (TypeError, AttributeError, ValueError, LookupError, OSError) as error:
        options, driver = ", ".join(sorted(engine.url.query)) or "none", engine.url.get_driver_name()
        what = (
            f"{driver} does not take an option of the URL of {name_of(engine)} as it is written ({options})"
        )
        raise Failure(what, "leave it out, or correct it", code=Exit.USAGE) from error


def _require_parts(url: URL) -> None:
    """Refuse what would be told in full, or made.

    Raises:
        Failure: a password has an @ that cuts the URL in the wrong place; or there is no such file.
    """
    if url.get_backend_name() == "sqlite":
        if url.database not in (None, "", ":memory:") and not Path(str(url.database)).is_file():
            raise Failure(
                f"there is no file {url.database}", "name that of a cell's database", code=Exit.USAGE
            )
        return
    if "@" in f"{url.host}{url.database}":
        what = "the URL of the database has a second @: mostly one of the password's"
        raise Failure(what, "write %40 for each @ of the password, and %2F for each /", code=Exit.USAGE)


def _with_driver(text: str) -> URL:
    from sqlalchemy.engine import make_url

    url = make_url(text).difference_update_query(_OSLO)
    backend = url.get_backend_name()
    if backend == "sqlite":
        return url
    if backend not in _DRIVERS:
        raise ValueError(backend)
    return url.set(drivername=_DRIVERS[backend])


def _arguments(url: URL) -> dict[str, int]:
    return {} if url.get_backend_name() == "sqlite" else {"connect_timeout": _CONNECT_S}


def _not_installed(error: ImportError) -> Failure:
    what = f"what reaches nova's database is not installed here ({error})"
    return Failure(what, extra_line("heal"))
