"""MariaDB as an instance of our own: its folder, its port, nothing of the system's service."""

from __future__ import annotations

from gpucloud.lab.cloud.daemon import surroundings
from gpucloud.lab.cloud.settings import ACCOUNT, DATABASES
from gpucloud.lab.cloud.site import HOST, Site, write_secret
from gpucloud.lab.process import run

CONFIG = "mariadb.cnf"
_FIRST = "mariadb-first.sql"


def settings(site: Site) -> str:
    """The text of its options' file.

    The socket's name is relative to the data's folder, as a path to it may be longer than the 107 bytes that
    a socket's may have. What a power cut does to the data does not matter, so no write waits for the disk.
    """
    folder = site.data / "mariadb"
    return f"""\
[mariadbd]
user = root
datadir = {folder}
tmpdir = {site.tmp}
socket = mariadb.sock
pid_file = mariadb.pid
bind_address = {HOST}
port = {site.ports["database"]}
init_file = {site.config / _FIRST}
character_set_server = utf8mb4
max_connections = 500
innodb_buffer_pool_size = 256M
innodb_flush_log_at_trx_commit = 0
innodb_doublewrite = 0
skip_name_resolve
"""


def first_words(site: Site) -> str:
    """What it runs before it takes connections: one statement a line."""
    who = f"'{ACCOUNT}'@'{HOST}'"
    names = [name for databases in DATABASES.values() for name in databases]
    lines = [
        f"CREATE USER IF NOT EXISTS {who} IDENTIFIED BY '{site.passwords['database']}';",
        *(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4;" for name in names),
        *(f"GRANT ALL ON {name}.* TO {who};" for name in names),
    ]
    return "\n".join(lines) + "\n"


def prepare(site: Site) -> None:
    """Make its folder with the tables that it needs itself.

    Raises:
        Failure: its own program cannot make them.
    """
    write_secret(site.config / CONFIG, settings(site))
    write_secret(site.config / _FIRST, first_words(site))
    folder = site.data / "mariadb"
    # Nobody logs in as root: the account is left without a password, and bound to the system's root.
    how = ["--auth-root-authentication-method=socket", "--auth-root-socket-user=root", "--skip-test-db"]
    argv = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={folder}", *how]
    run(argv, timeout_s=120, env=surroundings(site.tmp))


def argv(site: Site) -> tuple[str, ...]:
    """How it is started."""
    return ("mariadbd", f"--defaults-file={site.config / CONFIG}")
