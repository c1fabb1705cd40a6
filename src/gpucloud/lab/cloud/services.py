"""The services of the cloud as data: how each is started, and how it shows that it is ready."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from gpucloud.lab.cloud import broker, database, settings
from gpucloud.lab.cloud.environment import program, python_of
from gpucloud.lab.cloud.settings import Compute
from gpucloud.lab.cloud.site import Site, write_secret

HOST_NAME = "fake-1"
"""The host that nova-compute says it is."""


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the cloud.

    Attributes:
        name: of its log too.
        argv: how it is started.
        port: it is ready when this one of the site's ports answers; None: nova says when it is up.
        speaks_http: the answer is one of HTTP; otherwise a connection that is taken is enough.
        variables: what it is told by its environment.
    """

    name: str
    argv: tuple[str, ...]
    port: str | None = None
    speaks_http: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)


WATCHER, COMPUTE = "watcher", "nova-compute"
NOVA_CONF, NOVA_DATABASES, NOVA_COMPUTE = "nova.conf", "nova-databases.conf", "nova-compute.conf"
CONTROL_GPUS, COMPUTE_GPUS = "nova-gpus.conf", "nova-compute-gpus.conf"
"""What nova is told of GPUs, as `gpucloud nova render` writes it; empty at first."""
LAB_HOST = "lab-host.json"
"""What the host of `Compute.CARDS` has (``files/lab_driver.py``)."""


def write_config(site: Site, compute: Compute) -> None:
    """Write the configuration of OpenStack's services; all of it can be read by its owner alone."""
    texts = {
        "keystone.conf": settings.keystone(site),
        "placement.conf": settings.placement(site),
        "glance-api.conf": settings.glance(site),
        NOVA_CONF: settings.nova(site, compute),
        NOVA_DATABASES: settings.nova_databases(site),
    }
    if compute is not Compute.NONE:
        texts[NOVA_COMPUTE] = settings.nova_compute(HOST_NAME, compute)
    for name, sections in texts.items():
        write_secret(site.config / name, settings.render(sections))
    for name, text in {CONTROL_GPUS: "", COMPUTE_GPUS: "", LAB_HOST: "{}"}.items():
        write_secret(site.config / name, text)
    for api, (application, path) in _APPLICATIONS.items():
        write_secret(site.config / _server(api), settings.gunicorn(site, api, application, path))
    for folder in ("keystone", "glance", "nova"):
        (site.data / folder).mkdir(mode=0o700)


_FILES = files("gpucloud.lab.cloud").joinpath("files")
_APPLICATIONS: Mapping[str, tuple[str, str]] = {
    "keystone": ("keystone.wsgi.api:application", ""),
    "placement": ("placement.wsgi.api:application", ""),
    "glance": ("glance.wsgi.api:application", ""),
    "network": ("no_networks:application", str(_FILES)),
    "nova": ("nova.wsgi.osapi_compute:application", ""),
}
"""The port of each API, its WSGI application, and the folder of that which OpenStack does not bring."""


def _server(api: str) -> str:
    return f"{api}-gunicorn.py"


def stores(site: Site) -> tuple[Service, ...]:
    """What the services of OpenStack keep their facts in, and pass their messages by."""
    return (
        Service("epmd", broker.nodes_argv(site), "nodes"),
        Service("mariadb", database.argv(site), "database"),
        Service("rabbitmq", broker.argv(), "broker", variables=broker.variables(site)),
    )


def keystone(site: Site) -> Service:
    """Identity, which all others ask."""
    return _api(site, "keystone", "keystone")


def others(site: Site) -> tuple[Service, ...]:
    """All that needs identity."""
    return (
        _api(site, "placement", "placement"),
        _api(site, "glance", "glance-api"),
        _api(site, "network", "no-networks"),
        _nova(site, "nova-conductor"),
        _nova(site, "nova-scheduler"),
        _nova_compute(site),
        _api(site, "nova", "nova-api"),
    )


def watcher(site: Site) -> Service:
    """What starts all others again that have ended."""
    return Service(WATCHER, (sys.executable, "-m", "gpucloud.lab.cloud.upkeep.watch", str(site.folder)))


def everything(site: Site) -> tuple[Service, ...]:
    """All services in the order in which they are started."""
    return (*stores(site), keystone(site), *others(site))


def _api(site: Site, port: str, name: str) -> Service:
    config = str(site.config)
    told = ";".join((NOVA_CONF, NOVA_DATABASES, CONTROL_GPUS))
    variables = {
        "GUNICORN_CMD_ARGS": f"--config '{site.config / _server(port)}'",
        "OS_KEYSTONE_CONFIG_DIR": config,
        "OS_PLACEMENT_CONFIG_DIR": config,
        "OS_GLANCE_CONFIG_DIR": config,
        "OS_NOVA_CONFIG_DIR": config,
        # The first is taken for the description of the application (nova/api/openstack/wsgi_app.py).
        "OS_NOVA_CONFIG_FILES": f"{site.environment}/etc/nova/api-paste.ini;{told}",
    }
    return Service(name, (python_of(site.environment), "-m", "gunicorn"), port, True, variables)


def _nova(site: Site, name: str) -> Service:
    told = config_files(site.config, NOVA_CONF, NOVA_DATABASES, CONTROL_GPUS)
    return Service(name, (*program(site.environment, name), *told))


def _nova_compute(site: Site) -> Service:
    told = config_files(site.config, NOVA_CONF, NOVA_COMPUTE, COMPUTE_GPUS)
    argv = (python_of(site.environment), str(_FILES.joinpath("lab_compute.py")), *told)
    return Service(COMPUTE, argv, variables={"GPUCLOUD_LAB_HOST": str(site.config / LAB_HOST)})


def config_files(folder: Path, *names: str) -> tuple[str, ...]:
    """Arguments that name configuration files."""
    return tuple(f"--config-file={folder / name}" for name in names)
