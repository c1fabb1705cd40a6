"""What the verbs of guests share: the cloud that is meant, and a guest as it is printed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.output import Shape, print_json, print_text, say
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpucloud.cloud.libvirt.cloud import LibvirtCloud
    from gpucloud.cloud.openstack.servers.launch import Wishes
    from gpucloud.cloud.protocol import Cloud
    from gpucloud.model.guest import Guest


CloudOption = Annotated[
    str | None,
    typer.Option(
        "--cloud", metavar="NAME", help="In an OpenStack cloud of clouds.yaml; without, on this host."
    ),
]


def the_cloud(name: str | None, wishes: Wishes | None = None) -> Cloud:
    """The guests of a cloud of clouds.yaml, or without a name those of this machine.

    Raises:
        Failure: there is no such cloud, it cannot be reached, or the user is not root here.
    """
    if name is None:
        return cloud_here()
    from gpucloud.cloud.clock import CLOCK
    from gpucloud.cloud.openstack.api import open_api
    from gpucloud.cloud.openstack.servers.cloud import OpenStackCloud
    from gpucloud.cloud.openstack.time import clock_of

    api = open_api(name)
    api.login()
    return OpenStackCloud(api.send, wishes, clock_of(api.time, CLOCK, say))


def cloud_here() -> LibvirtCloud:
    """The guests of this machine.

    Raises:
        Failure: the user is not root.
    """
    from gpucloud.cloud.libvirt.here import cloud_of_this_machine

    if os.geteuid() != 0:
        raise Failure("guests with GPUs are root's", "run it with sudo")
    return cloud_of_this_machine()


def seconds_of(text: str) -> int:
    """A time as it is typed.

    Raises:
        Failure: it is none.
    """
    from gpucloud.cloud.amounts import parse_duration_s

    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise Failure(str(error), "write it as --help shows", code=Exit.USAGE) from error


def print_guests(guests: Sequence[Guest], form: Shape) -> None:
    """Print one guest, or several."""
    if form is Shape.JSON and len(guests) > 1:
        print_json(guests)
        return
    for guest in guests:
        print_guest(guest, form)


def print_guest(guest: Guest, form: Shape) -> None:
    """Print what a guest was given, what its kernel sees, when it ends."""
    from gpucloud.cloud.show import text_of

    if form is Shape.JSON:
        print_json(guest)
    else:
        print_text(text_of(guest))
