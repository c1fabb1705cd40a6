"""``gpucloud vgpu attach`` and ``detach``: a slice for a guest that is there."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.output import Shape, print_json, print_text, say
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.pci import PciAddress

if TYPE_CHECKING:
    from gpucloud.cloud.libvirt.plugging import Plugging, Wish

_Guest = Annotated[str, typer.Argument(metavar="GUEST", help="Name of a guest of this host's libvirt.")]


def attach(
    guest: _Guest,
    vgpu: Annotated[
        str,
        typer.Argument(
            metavar="UUID|TYPE|VF",
            help="A mediated device that is made, any free vGPU of a type, or a virtual function's address.",
        ),
    ],
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Give a guest a mediated device or a virtual function: while it runs, or for its next start.

    The device must be made and free: `gpucloud vgpu list`. A virtual function must be with vfio-pci, too:
    `gpucloud apply --unit`; one that has a vGPU type over NVIDIA's own VFIO stays with its driver. A guest
    that runs takes it into a free PCIe root port, and its kernel finds it at once; guests that gpucloud
    launches on a host with slices have two such ports. Guests that others made are taken, too; of one that
    is defined the definition is changed as well, so that it has the device at every start.

    Examples:
      gpucloud vgpu attach desk nvidia-222
      gpucloud vgpu attach desk 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 --format json
      gpucloud vgpu attach desk 3b:00.1
      gpucloud vgpu attach desk 1157
    """
    wish = _wish(vgpu)
    _tell(guest, _plugging().attach(guest, wish, say), shape, "is given to")


def detach(
    guest: _Guest,
    vgpu: Annotated[
        str, typer.Argument(metavar="UUID|TYPE|VF", help="One that the guest has, or its only one of a type.")
    ],
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Take a mediated device or a virtual function from a guest, and wait until the guest has let go of it.

    The device stays made, for another guest; a virtual function stays with its driver and type. A guest that
    runs is asked, and may refuse as long as a program in it uses the device: after a minute that is an error,
    and the guest still has it.

    Examples:
      gpucloud vgpu detach desk nvidia-222
      gpucloud vgpu detach desk 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
      gpucloud vgpu detach desk 3b:00.4
    """
    wish = _wish(vgpu)
    _tell(guest, _plugging().detach(guest, wish, say), shape, "is taken from")


def _plugging() -> Plugging:
    from gpucloud.cli.guests.here import cloud_here

    return cloud_here().plugging


def _wish(text: str) -> Wish:
    from gpucloud.cloud.mediated import check_wish

    with suppress(ValueError):
        return PciAddress.parse_typed(text)
    try:
        return check_wish(text)
    except ValueError as error:
        raise Failure(str(error), "see gpucloud vgpu list", code=Exit.USAGE) from error


def _tell(guest: str, vgpu: str, shape: Shape, what: str) -> None:
    if shape is Shape.JSON:
        print_json({"guest": guest, "vgpu": vgpu})
    else:
        kind = "virtual function" if ":" in vgpu else "mediated device"
        print_text(f"{kind} {vgpu} {what} guest {guest}")
