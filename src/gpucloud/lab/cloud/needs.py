"""What the cloud needs on the machine it runs on, beside what the laboratory needs."""

from __future__ import annotations

from gpucloud.lab.cloud.broker import PROGRAM
from gpucloud.lab.needs import require, require_root

PROGRAMS = {
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
    "epmd": "rabbitmq-server",
    PROGRAM: "rabbitmq-server",
}
"""Program and the Debian package that brings it; each package is in ``files/packages.txt``."""


def require_programs() -> None:
    """Check that MariaDB and RabbitMQ are there, and that this runs as root.

    Raises:
        Failure: naming all that are missing, with the command that installs them.
    """
    require_root()
    require(*PROGRAMS, packages=PROGRAMS)
