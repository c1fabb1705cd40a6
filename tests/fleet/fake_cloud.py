"""A stand-in for the `openstack` command: knows compute services and servers, and notes each call."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ENABLED = {"Binary": "nova-compute", "Status": "enabled", "Disabled Reason": None}


@dataclass
class FakeCloud:
    """A cloud in a file, and a folder for PATH that has its command."""

    folder: Path

    def make(self, hosts: Sequence[str]) -> None:
        self.folder.mkdir()
        services = {host: {**_ENABLED, "Host": host} for host in hosts}
        self.state.write_text(json.dumps({"services": services, "servers": {}, "calls": []}))
        command = self.folder / "openstack"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {self.state} "$@"\n')
        command.chmod(command.stat().st_mode | stat.S_IXUSR)

    def make_servers(self, host: str, servers: list[dict[str, str]]) -> None:
        self.state.write_text(json.dumps({**self.now, "servers": {host: servers}}))

    def disable(self, host: str, reason: str) -> None:
        now = self.now
        now["services"][host].update({"Status": "disabled", "Disabled Reason": reason})
        self.state.write_text(json.dumps(now))

    @property
    def state(self) -> Path:
        return self.folder / "cloud.json"

    @property
    def path(self) -> str:
        return f"{self.folder}:{os.environ['PATH']}"

    @property
    def now(self) -> Any:
        return json.loads(self.state.read_text())

    def status(self, host: str) -> tuple[str, str | None]:
        service = self.now["services"][host]
        return service["Status"], service["Disabled Reason"]

    @property
    def changes(self) -> list[list[str]]:
        """Words of each call that changed something, from its verb on."""
        return [call[4:] for call in self.now["calls"] if "set" in call]


def answer(state: dict[str, Any], words: list[str]) -> object:
    """What the command prints for these words (python-openstackclient, compute service and server list)."""
    if words[:2] != ["--os-cloud", "lab"]:
        raise SystemExit("Cloud was not found.")
    match words[2:5]:
        case ["compute", "service", "list"]:
            services = state["services"]
            asked = words[words.index("--host") + 1] if "--host" in words else None
            return [services[host] for host in services if asked in (None, host)]
        case ["server", "list", "--all-projects"]:
            return state["servers"].get(words[words.index("--host") + 1], [])
        case ["compute", "service", "set"]:
            service = state["services"][words[-2]]
            is_off = "--disable" in words
            service["Status"] = "disabled" if is_off else "enabled"
            service["Disabled Reason"] = words[words.index("--disable-reason") + 1] if is_off else None
            return None
    raise SystemExit(f"openstack: {words} is not an openstack command")


if __name__ == "__main__":
    file = Path(sys.argv[1])
    content = json.loads(file.read_text())
    content["calls"].append(sys.argv[2:])
    said = answer(content, sys.argv[2:])
    file.write_text(json.dumps(content))
    if said is not None:
        sys.stdout.write(json.dumps(said))
