"""A client's settings as files of a guest, as values of the Windows registry, and as a cloud-config."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from gpucloud.slices.licence.client import Client, Server, Token

CONF = "/etc/nvidia/gridd.conf"
TOKENS = "/etc/nvidia/ClientConfigToken"
WINDOWS_TOKENS = r"C:\Program Files\NVIDIA Corporation\vGPU Licensing\ClientConfigToken"
TOKEN_MODE = 0o744
"""The mode that NVIDIA's guide asks for: to be read by all, written by its owner."""
_CONF_MODE = 0o644
_HEAD = "# Written by gpucloud vgpu licence client."
_OURS = frozenset(("ServerAddress", "ServerPort", "BackupServerAddress", "BackupServerPort", "FeatureType"))
"""Keys of gridd.conf that say where a licence comes from, and for what."""
LINUX_RESTART = ("systemctl", "restart", "nvidia-gridd")
WINDOWS_RESTART = ("powershell", "Restart-Service", "NVDisplay.ContainerLocalSystem")
_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\NVIDIA Corporation\Global\GridLicensing"


@dataclass(frozen=True, slots=True)
class GuestFile:
    """A file that a guest is to have."""

    path: str
    mode: int
    content: bytes


def linux_files(client: Client) -> tuple[GuestFile, ...]:
    """``gridd.conf``, and the token where there is one."""
    conf = GuestFile(CONF, _CONF_MODE, "".join(f"{line}\n" for line in _conf_lines(client)).encode())
    if isinstance(client.source, Token):
        return conf, GuestFile(f"{TOKENS}/{client.source.name}", TOKEN_MODE, client.source.content)
    return (conf,)


def with_others(conf: str, now: str) -> str:
    """``gridd.conf`` as it is to be, with what else the guest has there: an interval, comments.

    Args:
        conf: of ``linux_files``.
        now: the file as it is.
    """
    wanted = dict(_pair(line) for line in conf.splitlines() if _pair(line)[0] in _OURS)
    lines = [line for line in now.splitlines() if _pair(line)[0] not in _OURS and line != _HEAD]
    return "".join(
        f"{line}\n" for line in (_HEAD, *lines, *(f"{key}={value}" for key, value in wanted.items()))
    )


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition("=")
    return key.strip(), value.strip()


def windows_files(client: Client) -> tuple[GuestFile, ...]:
    """A file for ``reg import``, and the token where there is one; line ends are those of Windows."""
    lines = ["Windows Registry Editor Version 5.00", "", f"[{_KEY}]"]
    lines += [f'"{name}"="{value}"' for name, value in _servers(client)]
    lines.append(f'"FeatureType"=dword:{client.feature.value:08x}')
    registry = GuestFile(
        "gpucloud-licence.reg", _CONF_MODE, "".join(f"{each}\r\n" for each in lines).encode()
    )
    if isinstance(client.source, Token):
        path = f"{WINDOWS_TOKENS}\\{client.source.name}"
        return registry, GuestFile(path, _CONF_MODE, client.source.content)
    return (registry,)


def cloud_config(client: Client) -> dict[str, object]:
    """The part of a guest's user data that configures it: files first, then its service anew.

    cloud-init writes files before the commands of ``runcmd``. The daemon may come with a package that is
    installed later: that it cannot be restarted yet is no fault then.
    """
    written = [
        {
            "path": file.path,
            "owner": "root:root",
            "permissions": f"0{file.mode:o}",
            "encoding": "b64",
            "content": base64.b64encode(file.content).decode(),
        }
        for file in linux_files(client)
    ]
    return {"write_files": written, "runcmd": [list(LINUX_RESTART)]}


def _conf_lines(client: Client) -> Iterator[str]:
    yield _HEAD
    for name, value in _servers(client):
        yield f"{name}={value}"
    yield f"FeatureType={client.feature.value}"


def _servers(client: Client) -> Iterator[tuple[str, str]]:
    """A token names its service: an address beside it would be of a server that is not meant."""
    if isinstance(client.source, Token):
        return
    first, second = client.source
    yield from _named("", first)
    if second is not None:
        yield from _named("Backup", second)


def _named(prefix: str, server: Server) -> Iterator[tuple[str, str]]:
    yield f"{prefix}ServerAddress", server.host
    yield f"{prefix}ServerPort", str(server.port)
