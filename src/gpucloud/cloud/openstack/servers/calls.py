"""Requests about servers, for the microversion of ``cloud.openstack.api``.

Source: https://docs.openstack.org/api-ref/compute/ (servers, server metadata, os-getConsoleOutput,
keypairs).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from gpucloud.cloud.openstack.calls import Call


@dataclass(frozen=True, slots=True)
class NewServer:
    """A server to be made.

    Args:
        name: and host name.
        flavor: its id.
        image: its id.
        network: ``auto``, ``none`` or a network's id.
        key: name of a keypair; None for none.
        user_data: for cloud-init.
        metadata: ours.
    """

    name: str
    flavor: str
    image: str
    network: str
    key: str | None
    user_data: str
    metadata: Mapping[str, str]


def create(new: NewServer) -> Call:
    """Make a server. It reads its user data from a disk, so that it does without a network."""
    is_word = new.network in ("auto", "none")  # 2.37
    server: dict[str, object] = {
        "name": new.name,
        "flavorRef": new.flavor,
        "imageRef": new.image,
        "networks": new.network if is_word else [{"uuid": new.network}],
        "metadata": dict(new.metadata),
        "user_data": base64.b64encode(new.user_data.encode()).decode(),
        "config_drive": True,
    }
    if new.key is not None:
        server["key_name"] = new.key
    return Call("compute", "POST", "/servers", {"server": server})


def show(key: str) -> Call:
    """One server."""
    return Call("compute", "GET", _server(key))


def list_with_unknown() -> Call:
    """The project's servers by id, those in cells that do not answer too: 2.69, without page or filter.

    Source: nova/api/openstack/compute/servers.py, ``_is_cell_down_supported``.
    """
    return Call("compute", "GET", "/servers", microversion="2.69")


def delete(key: str) -> Call:
    """End a server."""
    return Call("compute", "DELETE", _server(key))


def force_delete(key: str) -> Call:
    """End one for good that a cloud only put aside (reclaim_instance_interval)."""
    return Call("compute", "POST", f"{_server(key)}/action", {"forceDelete": None})


def console(key: str) -> Call:
    """All that the hypervisor still has of a server's serial console: at most 100 KiB with libvirt."""
    return Call("compute", "POST", f"{_server(key)}/action", {"os-getConsoleOutput": {}})


def add_metadata(key: str, metadata: Mapping[str, str]) -> Call:
    """Write these, and leave the others."""
    return Call("compute", "POST", f"{_server(key)}/metadata", {"metadata": dict(metadata)})


def allocations(key: str) -> Call:
    """What Placement keeps for a server."""
    return Call("placement", "GET", f"/allocations/{quote(key, safe='')}")


def show_keypair(name: str) -> Call:
    """A keypair of the user's."""
    return Call("compute", "GET", f"/os-keypairs/{quote(name, safe='')}")


def import_keypair(name: str, public_key: str) -> Call:
    """Give the cloud the public half of a key that the user has."""
    return Call("compute", "POST", "/os-keypairs", {"keypair": {"name": name, "public_key": public_key}})


def _server(key: str) -> str:
    return f"/servers/{quote(key, safe='')}"
