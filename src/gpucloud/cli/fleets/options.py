"""The options that name many hosts, and how they are changed together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from gpucloud.cli.plans.making import Asked
    from gpucloud.fleet.wish import Wish

PANEL = "Many hosts"

HostsOption = Annotated[
    str | None,
    typer.Option(
        "--hosts",
        metavar="GROUP",
        help="Many hosts, through Ansible: a group or pattern of the inventory (compute, gpu*:!gpu07).",
        rich_help_panel=PANEL,
    ),
]
InventoryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--inventory",
        "-i",
        metavar="INVENTORY",
        help="Ansible's inventory, such as Kolla's multinode; that of ansible.cfg without. May be repeated.",
        rich_help_panel=PANEL,
    ),
]
SerialOption = Annotated[
    str,
    typer.Option(
        "--serial",
        metavar="N",
        help="So many hosts at a time, or a share of them (25%).",
        rich_help_panel=PANEL,
    ),
]
RestartOption = Annotated[
    bool,
    typer.Option(
        "--restart",
        help="Restart each host whose start changes, when no guest runs on it.",
        rich_help_panel=PANEL,
    ),
]
CloudOption = Annotated[
    str | None,
    typer.Option(
        "--os-cloud",
        envvar="OS_CLOUD",
        metavar="CLOUD",
        help="Around a restart disable nova-compute in this cloud of clouds.yaml; without, stop it.",
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True, slots=True)
class Members:
    """What the options say of many hosts."""

    hosts: str | None
    inventories: list[str] | None
    serial: str = "1"
    is_restarting: bool = False
    cloud: str | None = None

    @property
    def are_asked_for(self) -> bool:
        """Claims that many hosts are meant.

        Raises:
            Failure: an inventory was given, and no hosts of it.
        """
        if self.inventories and self.hosts is None:
            raise Failure("an inventory was given, and no hosts of it", "add --hosts all", code=Exit.USAGE)
        return self.hosts is not None

    def wish(self, asked: Asked, state: Path) -> Wish:
        """What is wanted of them.

        Raises:
            Failure: what is asked for is for one host, or the options cannot be meant.
        """
        from gpucloud.fleet.wish import Wish

        if asked.is_adopting or asked.name is not None:
            option = "--adopt" if asked.is_adopting else "--name"
            raise Failure(
                f"{option} is for one host, and --hosts was given", "leave one out", code=Exit.USAGE
            )
        asked.check()
        _check_serial(self.serial)
        return Wish(
            inventories=tuple(self.inventories or ()),
            hosts=self.hosts or "",
            spec=asked.spec,
            units=tuple(asked.units or ()),
            is_forced=asked.is_forced,
            state=str(state),
            serial=self.serial,
            is_restarting=self.is_restarting,
            cloud=self.cloud,
        )


def _check_serial(serial: str) -> None:
    number = serial.removesuffix("%")
    if not (number.isascii() and number.isdigit() and int(number)):
        raise Failure(f"--serial is {serial!r}", "give a number of hosts, or a share: 25%", code=Exit.USAGE)


def refuse_beside_hosts(**options: object) -> None:
    """What is for one host is refused beside ``--hosts``.

    Raises:
        Failure: it was given.
    """
    for option, value in options.items():
        if value:
            raise Failure(f"--hosts and {option} were given", "leave one of them out", code=Exit.USAGE)
