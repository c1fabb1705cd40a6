"""What the verbs of guests share: this machine's cloud, and a guest as it is printed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.output import Shape, print_json, print_text
from gpucloud.model.failure import Failure

if TYPE_CHECKING:
    from gpucloud.cloud.protocol import Cloud
    from gpucloud.model.guest import Guest

TextOrJson = Annotated[Shape, typer.Option("--format", help="Text to read, or JSON.")]


def cloud_here() -> Cloud:
    """The guests of this machine.

    Raises:
        Failure: the user is not root.
    """
    from gpucloud.cloud.libvirt.here import cloud_of_this_machine

    if os.geteuid() != 0:
        raise Failure("guests with GPUs are root's", "run it with sudo")
    return cloud_of_this_machine()


def print_guest(guest: Guest, form: Shape) -> None:
    """Print what a guest was given, what its kernel sees, when it ends."""
    from gpucloud.cloud.show import text_of

    if form is Shape.JSON:
        print_json(guest)
    else:
        print_text(text_of(guest))
