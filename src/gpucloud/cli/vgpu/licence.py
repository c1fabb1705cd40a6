"""``gpucloud vgpu licence``: a guest's licence of NVIDIA's vGPU software: configured, looked at, judged."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.output import Shape, note, one_line, print_document, print_json, print_lines
from gpucloud.cli.output.streams import reader_may_leave
from gpucloud.cli.plans.apply import YesOption
from gpucloud.cli.plans.desk import STATE, StateOption, desk_of
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.cli.vgpu.change import DryOption, carry_out
from gpucloud.cli.vgpu.given import text_given
from gpucloud.model.failure import Exit, Failure, code_of
from gpucloud.model.line import Copied
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from gpucloud.slices.licence.client import Client, Feature, Server
    from gpucloud.slices.licence.judge import Verdict
    from gpucloud.slices.licence.render import GuestFile

app = typer.Typer(
    no_args_is_help=True,
    help="Licences of vGPU guests: what a guest is configured with, and whether it has its licence.",
)


class System(StrEnum):
    """For what the client's settings are written."""

    LINUX = "linux"
    WINDOWS = "windows"
    CLOUD_INIT = "cloud-init"


class Asked(StrEnum):
    """Which licence a guest asks for; the names of ``Feature``."""

    UNLICENSED = "unlicensed"
    VGPU = "vgpu"
    WORKSTATION = "workstation"
    COMPUTE = "compute"

    @property
    def feature(self) -> Feature:
        from gpucloud.slices.licence.client import Feature

        return Feature[self.name]


ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="HOST[:PORT]", help="A legacy licence server; its port is 7070 without."
    ),
]
BackupOption = Annotated[
    str | None,
    typer.Option("--backup", metavar="HOST[:PORT]", help="The server that stands in for it."),
]
TokenOption = Annotated[
    Path | None,
    typer.Option(
        "--token", metavar="FILE", help="A client configuration token (*.tok) of a licence service."
    ),
]
FeatureOption = Annotated[
    Asked,
    typer.Option(
        "--feature",
        help="What the guest asks for: vgpu is what its type of vGPU needs; workstation and compute are for "
        "whole cards.",
    ),
]
ForOption = Annotated[
    System, typer.Option("--for", help="The guest's system, or user data that sets a Linux guest up.")
]
ServersOption = Annotated[
    list[str] | None,
    typer.Option("--server", metavar="HOST[:PORT]", help="Ask this server; may be repeated."),
]
SaidArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="What the guest printed; - is standard input.")
]


@app.command()
def client(
    server: ServerOption = None,
    backup: BackupOption = None,
    token: TokenOption = None,
    feature: FeatureOption = Asked.VGPU,
    system: ForOption = System.LINUX,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Write what a guest needs to get its licence: files, registry values, or user data for cloud-init.

    Either the address of a legacy server (NVIDIA ended its support on 31 July 2023), or the token of a
    licence service (CLS or DLS), which names the service itself. The user data holds the token.

    Examples:
      gpucloud vgpu licence client --server lic1.example.org --backup lic2.example.org
      gpucloud vgpu licence client --token client_configuration_token_05-25-2026.tok --for cloud-init
      gpucloud vgpu licence client --server 192.0.2.7:7070 --for windows --format json
    """
    from gpucloud.slices.licence import render

    wanted = _client(server, backup, token, feature)
    if system is System.CLOUD_INIT:
        config = render.cloud_config(wanted)
        if shape is Shape.JSON:
            print_json(config)
        else:
            print_document("#cloud-config\n" + json.dumps(config, indent=1))
        return
    is_linux = system is System.LINUX
    files = render.linux_files(wanted) if is_linux else render.windows_files(wanted)
    restart = render.LINUX_RESTART if is_linux else render.WINDOWS_RESTART
    if shape is Shape.JSON:
        print_json({"files": [_plain(file) for file in files], "then": restart})
        return
    print_lines(_lines(files, join(restart)))


def _client(server: str | None, backup: str | None, token: Path | None, feature: Asked) -> Client:
    from gpucloud.slices.licence.client import Client, Token

    if (server is None) == (token is None) or (backup is not None and server is None):
        what = "a guest has a legacy server (--server, and --backup if there is one) or a --token"
        raise Failure(what, "say one of them", code=Exit.USAGE)
    try:
        if token is not None:
            return Client(Token(token.name, _read(token)), feature.feature)
        first, second = _server(server or ""), None if backup is None else _server(backup)
        return Client((first, second), feature.feature)
    except ValueError as error:
        raise Failure(str(error), "see gpucloud vgpu licence client --help", code=Exit.USAGE) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(1024 * 1024)
    except OSError as error:
        what = f"cannot read {path}: {error.strerror or error}"
        raise Failure(what, "name the token's file", code=code_of(error)) from error


def _server(text: str) -> Server:
    from gpucloud.slices.licence.client import Server

    return Server.parse(text)


def _plain(file: GuestFile) -> dict[str, object]:
    said = {"path": file.path, "mode": f"0{file.mode:o}"}
    return {**said, "content_base64": base64.b64encode(file.content).decode()}


def _lines(files: tuple[GuestFile, ...], restart: str) -> Iterator[str]:
    for file in files:
        mode = f", mode 0{file.mode:o}" if file.path.startswith("/") else ""  # Windows has none
        if file.path.endswith(".tok"):
            yield f"{file.path}{mode}: the token as it is ({len(file.content)} bytes)"
            continue
        yield f"{file.path}{mode}:"
        yield Copied("\n".join(f"  {line}".rstrip() for line in file.content.decode().splitlines()))
    if any(file.path.endswith(".reg") for file in files):
        yield "In the guest: reg import gpucloud-licence.reg"
    yield f"Then, in the guest: {restart}"


_ManyOption = Annotated[str | None, typer.Option("--hosts", metavar="GROUP", hidden=True)]
_InventoryOption = Annotated[
    list[str] | None, typer.Option("--inventory", "-i", metavar="INVENTORY", hidden=True)
]


def _refuse_many(hosts: str | None, inventory: list[str] | None) -> None:
    """Modules log what they are called with, so Ansible would write the token of a licence on every machine.

    Source: Ansible's documentation of ``no_log``, and ``AnsibleModule._log_invocation``.
    """
    if hosts is not None or inventory:
        what = "a licence is a guest's, not a host's, and is not given to many machines through Ansible"
        then = (
            "guests get it as they are made: gpucloud vgpu licence client --for cloud-init writes their user "
            "data; for those that are there the same command without --for writes the files to bring"
        )
        raise Failure(what, then, code=Exit.USAGE)


@app.command("apply")
def apply_licence(
    context: typer.Context,
    server: ServerOption = None,
    backup: BackupOption = None,
    token: TokenOption = None,
    feature: FeatureOption = Asked.VGPU,
    dry: DryOption = False,
    yes: YesOption = False,
    shape: ShapeOption = Shape.TEXT,
    state: StateOption = STATE,
    hosts: _ManyOption = None,
    inventory: _InventoryOption = None,
) -> None:
    """Say on this machine, a Linux guest, where its licence comes from, and let its service ask for it.

    gridd.conf, whose other settings stay, and the token where one is given, are written, each in the journal
    before, and nvidia-gridd is restarted; `gpucloud undo` brings back what was there. Without the service,
    which the driver for guests brings, nothing is done. A token is not shown; the journal, which root alone
    may read, has it.

    Examples:
      gpucloud vgpu licence apply --token client_configuration_token_05-25-2026.tok
      gpucloud vgpu licence apply --server lic1.example.org --backup lic2.example.org --dry-run
    """
    from gpucloud.model.change import Content
    from gpucloud.model.plan import Licence, LicenceFile
    from gpucloud.slices.licence.render import linux_files

    _refuse_many(hosts, inventory)
    files = linux_files(_client(server, backup, token, feature))
    desk = desk_of(context, state)
    made = desk.plan_licence(
        Licence(tuple(LicenceFile(file.path, file.mode, Content(file.content.decode())) for file in files))
    )
    nothing = "its files say so already"
    carry_out(desk, made, shape, yes=yes, dry=dry, back="gpucloud undo", nothing=nothing)


@app.command()
def probe(servers: ServersOption = None) -> None:
    """Print a script for a guest: it looks at its settings, the way to the server, its clock, its licence.

    The script changes nothing, and its report is for `gpucloud vgpu licence check`. Without --server it asks
    the servers in the guest's gridd.conf; the service of a token is asked where --server names it, as
    dls.example.org:443. In the guest it needs a shell; bash and coreutils for the way to the server, curl for
    the server's clock.

    Examples:
      gpucloud vgpu licence probe --server dls.example.org:443
      ssh root@guest sh < probe.sh | gpucloud vgpu licence check -
    """
    from gpucloud.slices.licence.probe import script

    try:
        asked = [_server(text) for text in servers or ()]
    except ValueError as error:
        raise Failure(str(error), "write HOST or HOST:PORT", code=Exit.USAGE) from error
    with reader_may_leave(sys.stdout):
        sys.stdout.write(script(asked))
        sys.stdout.flush()


@app.command()
def check(said: SaidArgument, shape: ShapeOption = Shape.TEXT) -> None:
    """Say whether a guest has its licence, proven by what it printed; if not, why.

    FILE is the report of `gpucloud vgpu licence probe`, or what `nvidia-smi -q` printed in the guest, with
    the journal of nvidia-gridd in the same file if there is one. Exit code 3: it has none, or that cannot be
    told.

    Examples:
      gpucloud vgpu licence check report.txt
      ssh root@guest 'nvidia-smi -q; journalctl -u nvidia-gridd' | gpucloud vgpu licence check -
    """
    from gpucloud.slices.licence.judge import judge

    then = "give what the guest printed"
    try:
        verdict = judge(text_given(said, then), datetime.now(UTC))
    except ValueError as error:
        raise Failure(str(error), then, code=Exit.USAGE) from error
    if shape is Shape.JSON:
        print_json(_told(verdict))
    else:
        print_lines(_said(verdict))
    if verdict.is_licensed is not True:
        raise typer.Exit(Exit.FINDINGS)


def _told(verdict: Verdict) -> dict[str, object]:
    gpus = [
        {
            "address": gpu.address,
            "name": gpu.name,
            "mode": gpu.mode,
            "product": gpu.product,
            "state": gpu.state,
            "expiry": gpu.expiry.isoformat() if isinstance(gpu.expiry, datetime) else gpu.expiry,
        }
        for gpu in verdict.gpus
    ]
    return {"is_licensed": verdict.is_licensed, "gpus": gpus, "reasons": verdict.reasons}


def _said(verdict: Verdict) -> Iterator[str]:
    from gpucloud.slices.licence.judge import CAUSE

    for gpu in verdict.gpus:
        state = "no licence is asked for" if gpu.state is None else gpu.state
        text = f"what it has cannot be told: {state.why}" if isinstance(state, Unknown) else str(state)
        until = f" until {gpu.expiry:%Y-%m-%d %H:%M:%S} UTC" if isinstance(gpu.expiry, datetime) else ""
        until = f"; {gpu.expiry.why}" if isinstance(gpu.expiry, Unknown) else until
        product = f" ({gpu.product})" if gpu.product else ""
        yield one_line(f"{gpu.address} {gpu.name or 'GPU'}{product}: {text}{until}")
    if isinstance(verdict.is_licensed, Unknown):
        yield f"Whether the guest has its licence cannot be told: {verdict.is_licensed.why}."
    for reason in verdict.reasons:
        yield f"{reason.what}; {reason.then} [{reason.id}]"
        if reason.line is not None:
            yield Copied(f"    {one_line(reason.line)}")
    if verdict.reasons:
        note(f"More on it: gpucloud explain {CAUSE}")
