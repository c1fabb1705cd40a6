"""``gpucloud list``, ``show``, ``console`` and ``destroy``: guests that are there."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gpucloud.cli.guests.here import CloudOption, print_guest, the_cloud
from gpucloud.cli.output import Format, Shape, clean, print_json, print_text, say, table
from gpucloud.cli.typed.shape import ShapeOption, TableOption
from gpucloud.model.failure import Failure

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the guest.")]


def list_guests(
    cloud: CloudOption = None,
    form: TableOption = Format.TABLE,
) -> None:
    """List the guests that gpucloud made on this host, or in a cloud.

    Examples:
      gpucloud list
      gpucloud list --cloud mycloud
      gpucloud list --format json
    """
    from gpucloud.cloud.show import COLUMNS, row_of

    guests = the_cloud(cloud).list()
    if form is Format.JSON:
        print_json(guests)
    else:
        table(COLUMNS, map(row_of, guests))


def show(name: Name, cloud: CloudOption = None, form: ShapeOption = Shape.TEXT) -> None:
    """Show one guest: what it was given, what its kernel sees, when it ends.

    Examples:
      gpucloud show train
      gpucloud show train --format json
      gpucloud show train --cloud mycloud
    """
    print_guest(the_cloud(cloud).show(name), form)


def console(
    name: Name,
    log: Annotated[bool, typer.Option("--log", help="Print what the guest has said, and end.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Print what it has said, and go on.")] = False,
    cloud: CloudOption = None,
) -> None:
    """Join a guest's serial console; leave it with Ctrl-]. In a cloud it can only be read.

    Examples:
      gpucloud console train
      gpucloud console train --log
      gpucloud console train --follow
      gpucloud console train --follow --cloud mycloud
    """
    from gpucloud.cloud.console import without_escapes

    guests = the_cloud(cloud)
    if not (log or follow):
        guests.attach(name, say)
        return
    for piece in guests.console(name, follows=follow):
        sys.stdout.write(clean(without_escapes(piece)))
        sys.stdout.flush()


def destroy(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of the guests.")],
    cloud: CloudOption = None,
) -> None:
    """End guests at once; their GPUs are free again, and stay prepared.

    Examples:
      gpucloud destroy train
      gpucloud destroy one two three
      gpucloud destroy train --cloud mycloud
    """
    guests = the_cloud(cloud)
    failures: list[Failure] = []
    for name in dict.fromkeys(names):
        try:
            guest = guests.destroy(name, say)
        except Failure as failure:
            failures.append(failure)
        else:
            freed = (
                f"; {len(guest.functions)} functions are free, and still vfio's" if guest.functions else ""
            )
            print_text(f"guest {guest.name} ended{freed}")
    if failures:
        what = "; ".join(dict.fromkeys(failure.what for failure in failures))
        raise Failure(what, failures[-1].then, code=failures[-1].code)
