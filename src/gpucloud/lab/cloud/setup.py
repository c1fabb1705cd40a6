"""What is done once while a cloud comes up: schemas, keys, accounts, the cell, the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gpucloud.lab.cloud.api import Api
from gpucloud.lab.cloud.daemon import surroundings
from gpucloud.lab.cloud.environment import program
from gpucloud.lab.cloud.ready import last_error
from gpucloud.lab.cloud.services import NOVA_CONF, NOVA_DATABASES, config_files
from gpucloud.lab.cloud.settings import ADMIN, REGION, SERVICE_PROJECT
from gpucloud.lab.cloud.site import Site
from gpucloud.lab.process import follow
from gpucloud.model.failure import Failure

TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Command:
    """A program of a service that is run to its end.

    Attributes:
        name: of its log.
        argv: program and arguments.
        variables: added to its environment.
    """

    name: str
    argv: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


def run_command(site: Site, command: Command) -> None:
    """Run one; what it says is in its log.

    Raises:
        Failure: it fails.
    """
    log = site.logs / f"{command.name}.log"
    try:
        env = {**surroundings(site.tmp), **command.variables}
        follow(command.argv, timeout_s=TIMEOUT_S, log=log, on_line=lambda _: None, env=env)
    except Failure as failure:
        raise Failure(f"{command.name} failed: {last_error(log)}") from failure


def identity(site: Site) -> tuple[Command, ...]:
    """Keystone's tables, its keys, its administrator."""
    url = f"{site.url('keystone')}/v3"
    # Programs of root are to be told whose the keys are.
    owner = ("--keystone-user", "root", "--keystone-group", "root")
    endpoints = [f"--bootstrap-{kind}-url={url}" for kind in ("admin", "internal", "public")]
    who = (
        f"--bootstrap-username={ADMIN}",
        f"--bootstrap-project-name={ADMIN}",
        f"--bootstrap-region-id={REGION}",
    )
    password = {"OS_BOOTSTRAP_PASSWORD": site.passwords["admin"]}
    return (
        _manage(site, "keystone", "db_sync"),
        _manage(site, "keystone", "fernet_setup", *owner),
        _manage(site, "keystone", "credential_setup", *owner),
        _manage(site, "keystone", "bootstrap", *who, *endpoints, variables=password),
    )


def schemas(site: Site) -> tuple[Command, ...]:
    """The tables of the other services, and nova's first cell."""
    return (
        _manage(site, "placement", "db", "sync"),
        _manage(site, "glance", "db_sync"),
        _manage(site, "nova", "api_db", "sync"),
        # Both are told the addresses by the configuration: arguments can be read by everybody.
        _manage(site, "nova", "cell_v2", "map_cell0"),
        _manage(site, "nova", "cell_v2", "create_cell", "--name=cell1"),
        _manage(site, "nova", "db", "sync"),
    )


def discover_hosts(site: Site) -> Command:
    """Tell nova's cell of the hosts that have said they are there."""
    return _manage(site, "nova", "cell_v2", "discover_hosts", "--verbose")


_FILES = {
    "keystone": ("keystone.conf",),
    "placement": ("placement.conf",),
    "glance": ("glance-api.conf",),
    "nova": (NOVA_CONF, NOVA_DATABASES),
}


def _manage(site: Site, service: str, *words: str, variables: Mapping[str, str] | None = None) -> Command:
    manage = program(site.environment, f"{service}-manage")
    name = "-".join(
        [f"{service}-manage", *(word for word in words if not word.startswith("-") and word != "root")]
    )
    return Command(name, (*manage, *config_files(site.config, *_FILES[service]), *words), variables or {})


_CATALOG = {
    "placement": ("placement", "placement", ""),
    "glance": ("image", "glance", ""),
    "nova": ("compute", "nova", "/v2.1"),
    "neutron": ("network", "network", ""),
}
"""Service, its type in the catalog, its port, the end of its URL."""


def register(site: Site, api: Api) -> None:
    """Make the services' accounts and say where the services are.

    Raises:
        Failure: keystone refuses.
    """
    project = api.call("POST", "keystone", "/v3/projects", {"project": {"name": SERVICE_PROJECT}})["project"][
        "id"
    ]
    roles = {role["name"]: role["id"] for role in api.call("GET", "keystone", "/v3/roles")["roles"]}
    for name, (kind, port, end) in _CATALOG.items():
        user = {"name": name, "password": site.passwords["services"]}
        made = api.call("POST", "keystone", "/v3/users", {"user": user})["user"]["id"]
        for role in (ADMIN, SERVICE_PROJECT):
            api.call("PUT", "keystone", f"/v3/projects/{project}/users/{made}/roles/{roles[role]}")
        service = api.call("POST", "keystone", "/v3/services", {"service": {"name": name, "type": kind}})
        for interface in ("public", "internal"):
            endpoint = {
                "service_id": service["service"]["id"],
                "interface": interface,
                "url": site.url(port) + end,
                "region_id": REGION,
            }
            api.call("POST", "keystone", "/v3/endpoints", {"endpoint": endpoint})


IMAGE = "lab-guest"


def upload_image(api: Api, disk: Path) -> None:
    """Put the laboratory's own guest into glance, for everybody.

    Raises:
        Failure: glance refuses.
    """
    facts = {
        "name": IMAGE,
        "disk_format": "qcow2",
        "container_format": "bare",
        "visibility": "public",
        "hw_firmware_type": "uefi",
        "hw_machine_type": "q35",
    }
    image = api.call("POST", "glance", "/v2/images", facts)["id"]
    api.upload(f"/v2/images/{image}/file", disk)
