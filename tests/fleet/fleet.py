"""Fake hosts in an inventory, reached by the real Ansible over its connection to this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.fleet.fake_program import desk_of, save
from tests.prepare.boot_hosts import SPEC, Tools, build_family
from tests.prepare.fake_host import drivers_of, picture

from gpucloud.fleet.run import Runner, find_program
from gpucloud.fleet.tally import Result, tally
from gpucloud.fleet.wish import Wish

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("fake_program.py")
RESTART = Path(__file__).with_name("restart.yml")
CARD = ("3b:00.0",)


@dataclass
class Member:
    """One fake host of the fleet."""

    name: str
    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def drivers(self) -> dict[str, str | None]:
        return drivers_of(self.root)

    @property
    def picture(self) -> dict[str, str]:
        return picture(self.root)

    @property
    def restarts(self) -> int:
        log = self.folder / "restarts"
        return len(log.read_text().splitlines()) if log.exists() else 0

    @property
    def journal(self) -> list[str]:
        return [entry.read_progress().status.value for entry in desk_of(self.folder).journal.entries()]

    def write_edit(self) -> None:
        """Somebody gives the card another driver since."""
        (self.root / "sys/bus/pci/devices/0000:3b:00.0/driver_override").write_text("nvidia\n")

    def add_guest(self, name: str, *, later: bool = False) -> None:
        """Let a QEMU run there, now or once its initramfs is made."""
        process = self.folder / "comes" if later else self.root / "proc/4711"
        process.mkdir(parents=True)
        (process / "comm").write_text("qemu-system-x86\n")
        (process / "cmdline").write_text(
            f"/usr/bin/qemu-system-x86_64\0-name\0guest={name},debug-threads=on\0"
        )


@dataclass
class Fleet:
    """Hosts and the inventory that has them."""

    folder: Path
    members: list[Member] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def add(self, name: str, **variables: Any) -> Member:
        """Add a Debian host with two cards."""
        folder = self.folder / name
        kernel = build_family(folder / "root", "debian-12")
        assert isinstance(kernel.tools, Tools)
        for program in ("update-initramfs", "update-grub"):
            kernel.tools.make(program)
        save(kernel, folder)
        self.members.append(Member(name, folder))
        words = ["env", f"PYTHONPATH={ROOT}:{ROOT / 'src'}", sys.executable, str(PROGRAM), str(folder)]
        settings = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "gpucloud_become": False,
            "gpucloud_program": words,
            "gpucloud_reach_timeout": 10,
            "gpucloud_restart_tasks": str(RESTART),
            "gpucloud_restart_command": [*words, "restart"],
            **variables,
        }
        self.write(name, settings)
        return self.members[-1]

    def write(self, name: str, settings: Mapping[str, Any]) -> None:
        """An INI, as Kolla's ``multinode`` is."""
        hosts = self.folder / "host_vars"
        hosts.mkdir(exist_ok=True)
        (hosts / f"{name}.json").write_text(json.dumps(settings))
        names = "\n".join(member.name for member in self.members)
        self.inventory.write_text(f"[control]\ncontrol01\n\n[compute]\n{names}\n\n[nova:children]\ncompute\n")

    def change(self, name: str, **settings: Any) -> None:
        """Change variables of a host."""
        before = json.loads((self.folder / f"host_vars/{name}.json").read_text())
        self.write(name, {**before, **settings})

    @property
    def inventory(self) -> Path:
        return self.folder / "multinode"

    @property
    def spec(self) -> Path:
        path = self.folder / "gpucloud.yaml"
        path.write_text(SPEC)
        return path

    def wish(self, **changes: Any) -> Wish:
        """The first card of every compute host; or whatever else is wished."""
        wish = Wish((str(self.inventory),), "compute", units=CARD)
        return replace(wish, **changes)

    def run(
        self,
        playbook: str,
        wish: Wish,
        plans: Mapping[str, str] | None = None,
        path: str = "",
        verb: str = "applied",
        program: str = "",
    ) -> list[Result]:
        """Run it to its end."""
        environment = {"PATH": path} if path else {}
        with Runner(program or find_program(), self.lines.append, environment).run(
            playbook, wish, plans, verb=verb
        ) as (
            events,
            _,
        ):
            return list(tally(events).values())


def stages(results: Sequence[Result]) -> dict[str, str]:
    """Where each host stands, in words."""
    return {result.host: result.stage.value for result in results}
