"""The options that name many hosts, and how they are changed together."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

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


_ONE = "1"
"""Hosts at a time where nothing else is said."""

_SERIAL = re.compile(r"0*[1-9][0-9]{0,5}%?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Members:
    """What the options say of many hosts."""

    hosts: str | None
    inventories: list[str] | None
    serial: str = _ONE
    is_restarting: bool = False
    cloud: str | None = None

    @property
    def are_asked_for(self) -> bool:
        """Claims that many hosts are meant.

        Raises:
            Failure: what is said of many hosts was given, and no hosts.
        """
        if self.hosts is not None:
            _refuse_empty(self.hosts, self.inventories or ())
            return True
        if self.inventories:
            raise Failure("an inventory was given, and no hosts of it", "add --hosts all", code=Exit.USAGE)
        refuse_without_hosts(**{"--restart": self.is_restarting, "--serial": self.serial != _ONE})
        return False

    def wish(self, asked: Asked, state: Path) -> Wish:
        """What is wanted of them.

        Raises:
            Failure: what is asked for is for one host, or the options cannot be meant.
        """
        if asked.is_adopting or asked.name is not None:
            option = "--adopt" if asked.is_adopting else "--name"
            raise Failure(
                f"{option} is for one host, and --hosts was given", "leave one out", code=Exit.USAGE
            )
        asked.check()
        return replace(
            self._whom(state), spec=asked.spec, units=tuple(asked.units or ()), is_forced=asked.is_forced
        )

    def layout_wish(self, lines: Sequence[str], smi: str, state: Path) -> Wish:
        """That their cards are cut so; each is what the inventory calls it. Errors as of ``wish``."""
        return replace(self._whom(state), layout=tuple(lines), smi=smi)

    def creation_wish(self, type_: str, card: str, smi: str, state: Path) -> Wish:
        """That each cuts one more slice of its card at that address. Errors as of ``wish``."""
        return replace(self._whom(state), create=type_, card=card, smi=smi)

    def deletion_wish(self, slice_: str, smi: str, state: Path) -> Wish:
        """That each removes the slice that it calls so. Errors as of ``wish``."""
        return replace(self._whom(state), delete=slice_, smi=smi)

    def _whom(self, state: Path) -> Wish:
        from gpucloud.fleet.wish import Wish

        _check_serial(self.serial)
        return Wish(
            inventories=tuple(self.inventories or ()),
            hosts=self.hosts or "",
            state=str(state),
            serial=self.serial,
            is_restarting=self.is_restarting,
            cloud=self.cloud,
        )


def _refuse_empty(hosts: str, inventories: Sequence[str]) -> None:
    """Nothing, as of a variable that is not set, is neither a host nor the inventory here."""
    for option, given in (("--hosts", hosts), *(("-i", each) for each in inventories)):
        if not given.strip():
            raise Failure(f"{option} is empty", "name a group of hosts, or an inventory", code=Exit.USAGE)


def _check_serial(serial: str) -> None:
    if not _SERIAL.fullmatch(serial):
        said = f"--serial is {serial[:20]!r}"
        raise Failure(said, "give a number of hosts below a million, or a share: 25%", code=Exit.USAGE)


def refuse_without_hosts(**options: object) -> None:
    """What is for many hosts is refused where one host is meant.

    Raises:
        Failure: it was given.
    """
    for option, value in options.items():
        if value:
            then = "leave it out, or name the hosts with --hosts"
            raise Failure(f"{option} is for many hosts, and --hosts was not given", then, code=Exit.USAGE)


def refuse_beside_hosts(**options: object) -> None:
    """What is for one host is refused beside ``--hosts``.

    Raises:
        Failure: it was given.
    """
    for option, value in options.items():
        if value:
            raise Failure(f"--hosts and {option} were given", "leave one of them out", code=Exit.USAGE)
