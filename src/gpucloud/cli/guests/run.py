"""``gpucloud run``: a command in guests that live for it alone."""

from __future__ import annotations

import base64
import secrets
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.ending import interruptible
from gpucloud.cli.guests.here import CloudOption, seconds_of, the_cloud
from gpucloud.cli.guests.launch import (
    Config,
    Count,
    Cpus,
    Flavor,
    Gpus,
    Key,
    Memory,
    Model,
    Network,
    NewName,
    Timeout,
    configured,
    meant_for,
    several,
    spec_of,
    wishes_of,
)
from gpucloud.cli.output import Shape, clean, print_json, say
from gpucloud.cli.typed.paths import refuse_empty
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from gpucloud.cloud.run.result import Result
    from gpucloud.model.guest import Guest, GuestSpec

Command = Annotated[
    list[str], typer.Argument(metavar="-- COMMAND...", help="Program and arguments; no shell is between.")
]
Image = Annotated[
    str | None,
    typer.Option(
        "--image",
        metavar="IMAGE",
        callback=refuse_empty,
        help="A disk image with cloud-init, raw or qcow2, which is only read; the guest that checks takes no "
        "command. With --cloud, the name or id of one of the cloud's.",
    ),
]
Lifetime = Annotated[
    str, typer.Option("--for", metavar="TIME", help="The longest that it may take, from the guest's start.")
]


def run(
    command: Command,
    gpus: Gpus = None,
    model: Model = None,
    image: Image = None,
    name: NewName = None,
    cpus: Cpus = None,
    memory: Memory = None,
    count: Count = 1,
    lifetime: Lifetime = "1d",
    timeout: Timeout = "5m",
    cloud: CloudOption = None,
    flavor: Flavor = None,
    network: Network = None,
    key: Key = None,
    config: Config = None,
    form: ShapeOption = Shape.TEXT,
) -> None:
    """Run a command in a guest with GPUs that lives for it alone: launched, collected from, ended.

    The image needs cloud-init, which runs the command as root in its last stage, once the guest's kernel has
    said that it sees its GPUs. Standard output and error come together, when the command has ended: by the
    serial console, so at most the last 48 KiB; what is more belongs into files, or onto the network.

    The guests end whatever comes, also on Ctrl-C. If this command is killed, the time limit ends them: on
    this host by itself, in a cloud by gpucloud reap.

    The exit code is the command's, of several the first that is not 0; but where gpucloud itself fails, it
    says so on standard error in a line of its own, and the code is one of its own. The JSON is {"results":
    [{"guest", "code", "output", "lost_bytes"}]}; output that is no UTF-8 is in "output_base64".

    Examples:
      gpucloud run --gpus 1 --image debian-12.qcow2 -- nvidia-smi -L
      gpucloud run --cloud mycloud --gpus 2 --image cuda-12 --for 2h -- /opt/nbody -numdevices=2
      gpucloud run --cloud mycloud --image cuda-12 --count 4 -- sh -c 'hostname; nvidia-smi'
    """
    from gpucloud.cloud.protocol import Patience
    from gpucloud.cloud.run.run import run_in_guests

    wishes = wishes_of(cloud, flavor, network, key)
    image, cpus, memory = meant_for(cloud, image, cpus, memory)
    one = configured(spec_of(gpus, model, [], image, name, cpus, memory, lifetime), config)
    _refuse_restart(one)
    specs = [_commanded(spec, command) for spec in several(one, count)]
    results = _Results(form, count > 1)
    try:
        with interruptible():
            patience = Patience(seconds_of(timeout))
            run_in_guests(the_cloud(cloud, wishes), specs, patience, say, results.add)
    except Failure:
        if results.plain:
            results.print_all()
        raise
    except KeyboardInterrupt:
        raise Failure("the run was interrupted, and its guests are ended", code=Exit.INTERRUPTED) from None
    results.print_all()
    raise typer.Exit(results.code)


def _refuse_restart(spec: GuestSpec) -> None:
    """The command is the last of the first start: what a config does after that, it would not see.

    Raises:
        Failure: the user's own cloud-config restarts or stops the guest.
    """
    from gpucloud.cloud.boot.config import ends_the_guest

    if spec.config is not None and ends_the_guest(spec.config):
        raise Failure(
            "its cloud-config has power_state: the guest would restart or stop as the command runs",
            "launch a guest with it, and run in an image of that; or take power_state out",
            code=Exit.USAGE,
        )


def _commanded(spec: GuestSpec, command: list[str]) -> GuestSpec:
    from gpucloud.model.guest import GuestCommand

    if any("\ud800" <= character <= "\udfff" for word in command for character in word):
        raise Failure("the command is not in UTF-8", "put such bytes into a file", code=Exit.USAGE)
    try:
        return replace(spec, command=GuestCommand(tuple(command), secrets.token_hex(16)))
    except ValueError as error:
        raise Failure(str(error), "see gpucloud run --help", code=Exit.USAGE) from error


@dataclass
class _Results:
    """What commands left: as text at once, as JSON in the end."""

    form: Shape
    are_several: bool
    code: int = 0
    plain: list[dict[str, object]] = field(default_factory=list)

    def add(self, guest: Guest, result: Result) -> None:
        self.code = self.code or result.code
        if self.form is Shape.TEXT:
            self._print(guest, result)
            return
        said = {"guest": guest.name, "code": result.code, "lost_bytes": result.lost_bytes}
        self.plain.append({**said, **_output(result.output)})

    def print_all(self) -> None:
        if self.form is Shape.JSON:
            print_json({"results": self.plain})

    def _print(self, guest: Guest, result: Result) -> None:
        if self.are_several:
            say(f"guest {guest.name} ended with {result.code}:")
        if result.lost_bytes:
            say(f"the first {result.lost_bytes} bytes of its output were not kept")
        sys.stdout.write(clean(result.output.decode(errors="replace")))
        sys.stdout.flush()


def _output(output: bytes) -> dict[str, object]:
    try:
        return {"output": output.decode()}
    except UnicodeDecodeError:
        return {"output_base64": base64.b64encode(output).decode()}
