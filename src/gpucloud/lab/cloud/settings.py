"""What the services of OpenStack are told: sections of options, as values and as the text of a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

from gpucloud.lab.cloud.site import HOST, Site

Sections = Mapping[str, Mapping[str, str]]

REGION = "lab"
ADMIN = "admin"
"""The cloud's administrator, and the project of that name."""

CLOUD = "gpucloud-lab"
"""Its name in ``clouds.yaml``."""

SERVICE_PROJECT = "service"

DATABASES = {
    "keystone": ("keystone",),
    "placement": ("placement",),
    "glance": ("glance",),
    "nova": ("nova_api", "nova_cell0", "nova"),
}
"""The databases of each service."""

ACCOUNT = "openstack"
"""The account of all services in the database and the broker."""


def render(sections: Sections) -> str:
    """The text of a configuration file."""
    blocks = (
        "\n".join([f"[{name}]", *(f"{option} = {value}" for option, value in options.items())])
        for name, options in sections.items()
    )
    return "\n\n".join(blocks) + "\n"


def _database(site: Site, name: str) -> dict[str, str]:
    """How a service reaches one of its databases; it was there first, so it is not waited for."""
    account = f"{ACCOUNT}:{site.passwords['database']}"
    url = f"mysql+pymysql://{account}@{HOST}:{site.ports['database']}/{name}?charset=utf8mb4"
    return {"connection": url, "max_retries": "3", "retry_interval": "1"}


def broker_url(site: Site) -> str:
    """How a service reaches the broker."""
    return f"rabbit://{ACCOUNT}:{site.passwords['broker']}@{HOST}:{site.ports['broker']}/"


def _account(site: Site, user: str) -> dict[str, str]:
    """Options of keystoneauth: as whom a service speaks to the others."""
    return {
        "auth_type": "password",
        "auth_url": f"{site.url('keystone')}/v3",
        "username": user,
        "password": site.passwords["services"],
        "user_domain_id": "default",
        "project_name": SERVICE_PROJECT,
        "project_domain_id": "default",
        "region_name": REGION,
    }


def _token_check(site: Site, user: str) -> dict[str, str]:
    return {
        **_account(site, user),
        "www_authenticate_uri": f"{site.url('keystone')}/v3",
        "service_token_roles": SERVICE_PROJECT,
        "service_token_roles_required": "true",
    }


def keystone(site: Site) -> Sections:
    """Identity: tokens are encrypted, so no table of them grows.

    The passwords are random and long: to guess them need not be made slow. A hash of keystone's own 12 rounds
    takes a core 0.3 s at each login.
    """
    keys = site.data / "keystone"
    return {
        "DEFAULT": {"use_stderr": "true"},
        "database": _database(site, "keystone"),
        "identity": {"password_hash_rounds": "4"},
        "token": {"provider": "fernet"},
        "fernet_tokens": {"key_repository": str(keys / "fernet")},
        "credential": {"key_repository": str(keys / "credential")},
    }


def placement(site: Site) -> Sections:
    """Resources and who has them."""
    return {
        "DEFAULT": {"use_stderr": "true"},
        "placement_database": _database(site, "placement"),
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": _token_check(site, "placement"),
    }


def glance(site: Site) -> Sections:
    """Images, kept as files."""
    data = site.data / "glance"
    return {
        "DEFAULT": {
            "use_stderr": "true",
            "enabled_backends": "files:file",
            "enabled_import_methods": "[]",
            "worker_self_reference_url": site.url("glance"),
            "node_staging_uri": f"file://{data}/staging",
        },
        "database": _database(site, "glance"),
        "glance_store": {"default_backend": "files"},
        "files": {"filesystem_store_datadir": f"{data}/images"},
        "os_glance_tasks_store": {"filesystem_store_datadir": f"{data}/tasks"},
        "os_glance_staging_store": {"filesystem_store_datadir": f"{data}/staging"},
        "paste_deploy": {
            "flavor": "keystone",
            "config_file": str(site.environment / "etc/glance/glance-api-paste.ini"),
        },
        "keystone_authtoken": _token_check(site, "glance"),
    }


class Compute(StrEnum):
    """What nova-compute makes of servers.

    ``FAKE`` makes entries of a table in its memory; ``CARDS`` does so on a host with PCI devices that a file
    says, and runs what a server's user data tells cloud-init as processes of this machine. With ``NONE`` none
    runs here: the cloud's hosts are servers of the laboratory (`gpucloud.lab.cloud.hosts`).
    """

    FAKE = "fake"
    CARDS = "cards"
    NONE = "none"


def nova(site: Site, compute: Compute) -> Sections:
    """What all of nova's services are told."""
    data = site.data / "nova"
    return {
        "DEFAULT": {
            "use_stderr": "true",
            "state_path": str(data),
            "my_ip": HOST,
            "transport_url": broker_url(site),
            "report_interval": "5",
            # An emulated server that starts a guest may say nothing for half a minute.
            "service_down_time": "120" if compute is Compute.NONE else "30",
        },
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": _token_check(site, "nova"),
        "service_user": {**_account(site, "nova"), "send_service_user_token": "true"},
        "placement": _account(site, "nova"),
        "glance": _account(site, "nova"),
        "neutron": _account(site, "nova"),
        "conductor": {"workers": "1"},
        "scheduler": {"workers": "1"},
        "vnc": {"enabled": "false"},
        "oslo_concurrency": {"lock_path": str(data / "locks")},
    }


def nova_databases(site: Site) -> Sections:
    """What nova's services are told too that may reach its databases: nova-compute may not."""
    return {
        "api_database": _database(site, "nova_api"),
        "database": _database(site, "nova"),
    }


_DRIVERS = {Compute.FAKE: "fake.FakeDriverWithoutFakeNodes", Compute.CARDS: "lab_driver.LabDriver"}


def nova_compute(host: str, compute: Compute) -> Sections:
    """What a nova-compute of this machine is told: the host that it says it is, and what it drives."""
    return {"DEFAULT": {"host": host, "compute_driver": _DRIVERS[compute]}}


def gunicorn(site: Site, port: str, application: str, path: str = "") -> str:
    """Settings of the server of one API: a file, as nova takes the program's arguments for its own."""
    settings = {
        "bind": f"{HOST}:{site.ports[port]}",
        "wsgi_app": application,
        "workers": 1,
        "worker_class": "gthread",
        "threads": 8,
        "timeout": 120,
        "worker_tmp_dir": str(site.tmp),
        "control_socket_disable": True,
        "pythonpath": path,
    }
    return "".join(f"{name} = {value!r}\n" for name, value in settings.items())


def clouds_yaml(site: Site, name: str) -> str:
    """A ``clouds.yaml`` (openstacksdk) with this cloud; JSON is YAML, and needs no quoting of ours."""
    cloud = {
        "auth": {
            "auth_url": f"{site.url('keystone')}/v3",
            "username": ADMIN,
            "password": site.passwords["admin"],
            "project_name": ADMIN,
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "region_name": REGION,
        "identity_api_version": "3",
    }
    return json.dumps({"clouds": {name: cloud}}, indent=2) + "\n"


def read_password(text: str, name: str) -> str:
    """The administrator's password in the text of such a file.

    Raises:
        ValueError: it has none.
    """
    try:
        return str(json.loads(text)["clouds"][name]["auth"]["password"])
    except (KeyError, TypeError) as error:
        raise ValueError("no password") from error
