"""``gpucloud lab``: servers that are not there, brought up, used and taken down."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from gpucloud.cli.labs.cloud import app as cloud
from gpucloud.cli.output import Format, print_json, print_text, say, table
from gpucloud.cli.typed.complete import servers, topologies
from gpucloud.cli.typed.shape import TableOption

app = typer.Typer(
    no_args_is_help=True, help="Servers that are not there: real kernel, IOMMU groups and drivers."
)

app.add_typer(cloud, name="cloud")

_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", autocompletion=servers, help="Name of a running server: see `gpucloud lab list`."
    ),
]
_NO_SERVER = "no server is there: gpucloud lab up TOPOLOGY brings one up"


@app.command()
def up(
    topology: Annotated[
        str,
        typer.Argument(
            metavar="TOPOLOGY",
            autocompletion=topologies,
            help="Name of a topology (`gpucloud lab topologies`), or path of a .toml file.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name of the server; by default that of the topology."),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", help="How long it may take to boot.", min=1)
    ] = 240,
) -> None:
    """Bring a server up and leave it running.

    The first time an image is built from Debian packages, and a booted server is saved; later starts take
    seconds.

    Examples:
      gpucloud lab up card-audio
      gpucloud lab up my-server.toml --name test
    """
    from gpucloud.lab.lab import Lab

    host = Lab(progress=say).up(topology, name, outlives=True, timeout_s=timeout)
    print_text(f"{host.name} is up: gpucloud lab ssh {host.name}; gpucloud lab run {host.name} gpucloud scan")


@app.command("list")
def list_servers(output: TableOption = Format.TABLE) -> None:
    """List the servers, with those whose emulator has ended.

    Examples:
      gpucloud lab list
      gpucloud lab list --format json
    """
    from gpucloud.lab.lab import Lab
    from gpucloud.lab.machine.render import CALLED

    hosts = Lab().hosts()
    if output is Format.JSON:
        print_json(hosts)
        return
    rows = [
        (
            host.name,
            host.record.topology if host.record else "?",
            host.state,
            str(host.record.port) if host.record and host.record.port else "-",
            CALLED.get(host.record.accelerator, "?") if host.record else "?",
        )
        for host in hosts
    ]
    if rows:
        table(("server", "topology", "state", "ssh port", "runs in"), rows)
    else:
        print_text(_NO_SERVER)


@app.command("topologies")
def list_topologies(output: TableOption = Format.TABLE) -> None:
    """List the topologies that come with gpucloud.

    Examples:
      gpucloud lab topologies
    """
    from gpucloud.lab.topology.parse import load_topology, topology_names

    known = [load_topology(name) for name in topology_names()]
    if output is Format.JSON:
        print_json(known)
    else:
        table(("topology", "what it is"), [(one.name, one.title) for one in known])


@app.command()
def ssh(name: _Name) -> None:
    """Open a shell on a server.

    Examples:
      gpucloud lab ssh card-audio
    """
    _become_ssh(name, ())


# Whatever follows the server's name belongs to the command, `df -h` too.
@app.command(context_settings={"allow_interspersed_args": False})
def run(
    name: _Name,
    words: Annotated[
        list[str], typer.Argument(metavar="COMMAND...", help="What is run, with its arguments and options.")
    ],
) -> None:
    """Run a command on a server as root; its output and exit code become this one's.

    The command's words arrive as they are; for pipes and variables use `sh -c '...'`.

    Examples:
      gpucloud lab run card-audio gpucloud scan
      gpucloud lab run card-audio -- sh -c 'dmesg | tail'
    """
    command = command_of(words)
    if not command:
        raise typer.BadParameter("COMMAND... is missing")
    _become_ssh(name, command)


def command_of(words: Sequence[str]) -> Sequence[str]:
    """What is to be run on the server: a ``--`` before it only sets it off."""
    return words[1:] if words[:1] == ["--"] else words


def _become_ssh(name: str, command: Sequence[str]) -> NoReturn:
    """Let ssh take this program's place: terminal, input and signals go to it directly."""
    from gpucloud.lab.lab import Lab
    from gpucloud.lab.ssh import ssh_argv

    os.chdir(Lab().host(name).folder)
    argv = ssh_argv(command)
    os.execvp(argv[0], argv)  # noqa: S606 - no shell on purpose


@app.command()
def down(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", autocompletion=servers, help="Name of a server.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="End all servers.")] = False,
) -> None:
    """End a server and remove its disk; the logs of one that has ended by itself are kept and named.

    Examples:
      gpucloud lab down card-audio
      gpucloud lab down --all
    """
    from gpucloud.lab.lab import Lab

    if (name is None) is not everything:
        raise typer.BadParameter("give the name of a server, or --all")
    lab = Lab()
    names = [host.name for host in lab.hosts()] if name is None else [name]
    if not names:
        print_text(_NO_SERVER)
    for one in names:
        kept = lab.down(one)
        print_text(f"{one} is down" + (f"; it had ended by itself, its logs are in {kept}" if kept else ""))
