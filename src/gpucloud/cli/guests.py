"""``gpucloud launch``, ``list``, ``show``, ``console``, ``destroy``: guests with GPUs."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from gpucloud.cli.hosts import UnitOption
from gpucloud.cli.output import Format, Shape, clean, print_json, print_text, say, table
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpucloud.cloud.protocol import Cloud
    from gpucloud.model.guest import Guest, GuestSpec

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the guest.")]
TextOrJson = Annotated[Shape, typer.Option("--format", help="Text to read, or JSON.")]


def launch(
    gpus: Annotated[
        int | None, typer.Option(min=0, help="How many GPUs; 1 unless --unit names some.", show_default=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Only GPUs with this in their name or ids, as 'V100' or '10de:1db4'.")
    ] = None,
    unit: UnitOption = None,
    image: Annotated[
        Path | None,
        typer.Option(
            help="A disk image, raw or qcow2, which is only read; without one the guest just checks."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the guest; one is made up without.", show_default=False)
    ] = None,
    cpus: Annotated[
        int | None, typer.Option(min=1, help="Processors; 1, or 2 with an image.", show_default=False)
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="Memory, as 4G; 512M, or 4G with an image.", show_default=False)
    ] = None,
    lifetime: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="End the guest by itself after 90s, 20m or 2h."),
    ] = None,
    timeout: Annotated[
        str, typer.Option(metavar="TIME", help="How long the guest may take to say what it sees.")
    ] = "5m",
    keep_failed: Annotated[
        bool, typer.Option("--keep-failed", help="Keep a guest that fails, to look at it.")
    ] = False,
    form: TextOrJson = Shape.TEXT,
) -> None:
    """Start a guest with GPUs, and wait until its own kernel says that it sees them.

    GPUs must be prepared: gpucloud plan, gpucloud apply. If anything fails, or on Ctrl-C, nothing is
    left behind. Without --image the guest is the built-in check guest: this host's kernel, which reports
    its PCI list and waits.

    Examples:
      gpucloud launch --gpus 2 --model V100 --for 2h
      gpucloud launch --unit 3b:00.0 --name check
      gpucloud launch --gpus 1 --image debian-12.qcow2 --cpus 8 --memory 32G --name train
    """
    from gpucloud.cloud.protocol import Patience

    spec = _spec(gpus, model, unit or [], image, name, cpus, memory, lifetime)
    patience = Patience(_seconds(timeout), keep_failed)
    _on_signals(_interrupt)
    try:
        guest = _cloud().launch(spec, patience, say)
    except KeyboardInterrupt:
        what = f"the launch of guest {spec.name} was interrupted, and nothing of it is left"
        raise Failure(what, code=Exit.INTERRUPTED) from None
    _print(guest, form)


def _on_signals(act: Callable[..., None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, act)


def _interrupt(*_: object) -> NoReturn:
    """Take back what was begun, and let nothing stop that: a second Ctrl-C would leave half of it."""
    _on_signals(signal.SIG_IGN)
    raise KeyboardInterrupt


def _spec(
    gpus: int | None,
    model: str | None,
    units: list[str],
    image: Path | None,
    name: str | None,
    cpus: int | None,
    memory: str | None,
    lifetime: str | None,
) -> GuestSpec:
    from gpucloud.cloud.amounts import parse_memory_mib
    from gpucloud.model.guest import GuestSpec
    from gpucloud.model.pci import PciAddress

    default_cpus, default_memory = (1, "512M") if image is None else (2, "4G")
    try:
        named = tuple(dict.fromkeys(PciAddress.parse_typed(text) for text in units))
        return GuestSpec(
            name=f"guest-{secrets.token_hex(3)}" if name is None else name,
            gpus=gpus if gpus is not None else len(named) or 1,
            model=model,
            units=named,
            image=None if image is None else str(image.absolute()),
            cpus=cpus or default_cpus,
            memory_mib=parse_memory_mib(memory or default_memory),
            lifetime_s=None if lifetime is None else _seconds(lifetime),
        )
    except ValueError as error:
        raise Failure(str(error), "see gpucloud launch --help", code=Exit.USAGE) from error


def _seconds(text: str) -> int:
    from gpucloud.cloud.amounts import parse_duration_s

    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise Failure(str(error), "see gpucloud launch --help", code=Exit.USAGE) from error


def _cloud() -> Cloud:
    from gpucloud.cloud.libvirt.here import cloud_of_this_machine

    if os.geteuid() != 0:
        raise Failure("guests with GPUs are root's", "run it with sudo")
    return cloud_of_this_machine()


def list_guests(
    form: Annotated[Format, typer.Option("--format", help="A table, or JSON.")] = Format.TABLE,
) -> None:
    """List the guests that gpucloud made on this host.

    Examples:
      gpucloud list
      gpucloud list --format json
    """
    from gpucloud.cloud.show import COLUMNS, row_of

    guests = _cloud().list()
    if form is Format.JSON:
        print_json(guests)
    else:
        table(COLUMNS, map(row_of, guests))


def show(name: Name, form: TextOrJson = Shape.TEXT) -> None:
    """Show one guest: what it was given, what its kernel sees, when it ends.

    Examples:
      gpucloud show train
      gpucloud show train --format json
    """
    _print(_cloud().show(name), form)


def _print(guest: Guest, form: Shape) -> None:
    from gpucloud.cloud.show import text_of

    if form is Shape.JSON:
        print_json(guest)
    else:
        print_text(text_of(guest))


def console(
    name: Name,
    log: Annotated[bool, typer.Option("--log", help="Print what the guest has said, and end.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Print what it has said, and go on.")] = False,
) -> None:
    """Join a guest's serial console; leave it with Ctrl-].

    Examples:
      gpucloud console train
      gpucloud console train --log
      gpucloud console train --follow
    """
    from gpucloud.cloud.console import without_escapes

    cloud = _cloud()
    if not (log or follow):
        cloud.attach(name, say)
        return
    for piece in cloud.console(name, follows=follow):
        sys.stdout.write(clean(without_escapes(piece)))
        sys.stdout.flush()


def destroy(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of the guests.")],
) -> None:
    """End guests at once; their GPUs are free again, and stay prepared.

    Examples:
      gpucloud destroy train
      gpucloud destroy one two three
    """
    cloud = _cloud()
    failures: list[Failure] = []
    for name in dict.fromkeys(names):
        try:
            guest = cloud.destroy(name, say)
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
