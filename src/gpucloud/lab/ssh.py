"""ssh into a server with keys made for it alone: the host's is given to it, so it is known from the start."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gpucloud.lab.process import run

_LOGIN, _HOST, _KNOWN, _CONFIG = "login_key", "host_key", "known_hosts", "ssh_config"
_ALIAS = "gpucloud-lab"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one server, in its folder."""

    folder: Path

    def make(self) -> None:
        """Make both key pairs, and write the host's into known_hosts."""
        for name in (_LOGIN, _HOST):
            argv = [
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                _ALIAS,
                "-f",
                str(self.folder / name),
            ]
            run(argv, timeout_s=30)
        public = (self.folder / f"{_HOST}.pub").read_text()
        (self.folder / _KNOWN).write_text(f"{_ALIAS} {public}")

    def for_server(self) -> list[tuple[str, str, int]]:
        """Path, content and mode of the files that the server gets."""
        host = "/etc/ssh/ssh_host_ed25519_key"
        return [
            (host, (self.folder / _HOST).read_text(), 0o600),
            (f"{host}.pub", (self.folder / f"{_HOST}.pub").read_text(), 0o644),
            ("/root/.ssh/authorized_keys", (self.folder / f"{_LOGIN}.pub").read_text(), 0o600),
        ]


def write_config(folder: Path, port: int) -> None:
    """Write the settings for ``ssh -F``: one connection is kept and shared by all commands."""
    settings = {
        "HostName": "127.0.0.1",
        "Port": str(port),
        "User": "root",
        "HostKeyAlias": _ALIAS,
        "IdentityFile": _quoted(folder / _LOGIN),
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": _quoted(folder / _KNOWN),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "HostKeyAlgorithms": "ssh-ed25519",
        "PreferredAuthentications": "publickey",
        "ConnectTimeout": "20",
        "ServerAliveInterval": "15",
        "ControlMaster": "auto",
        # Relative: the name of a socket may have 107 bytes only, so ssh is run in the folder.
        "ControlPath": "ssh.sock",
        "ControlPersist": "600",
        "LogLevel": "ERROR",
    }
    lines = [f"Host {_ALIAS}", *(f"  {key} {value}" for key, value in settings.items())]
    (folder / _CONFIG).write_text("\n".join(lines) + "\n")


def ssh_argv(command: Sequence[str] = (), *options: str) -> list[str]:
    """The ssh command line, to be run in the server's folder; the words of the command arrive as they are."""
    remote = [shlex.join(command)] if command else []
    return ["ssh", "-F", _CONFIG, *options, "--", _ALIAS, *remote]


def close_shared(folder: Path) -> None:
    """End the shared connection, if there is one."""
    if (folder / "ssh.sock").exists():
        run(ssh_argv((), "-O", "exit"), timeout_s=10, ok=None, cwd=folder)


def _quoted(path: Path) -> str:
    """A path in ssh_config: quoted for blanks, % doubled because ssh expands it."""
    return '"{}"'.format(str(path).replace("%", "%%"))
