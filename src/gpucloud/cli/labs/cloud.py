"""``gpucloud lab cloud``: a real OpenStack on this machine, brought up, looked at, taken down."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gpucloud.cli.ending import interruptible
from gpucloud.cli.output import Format, print_json, print_lines, print_text, say, table
from gpucloud.cli.typed.complete import topologies
from gpucloud.cli.typed.shape import TableOption
from gpucloud.lab.cloud.settings import CLOUD, Compute
from gpucloud.lab.cloud.site import HOST
from gpucloud.model.failure import Exit
from gpucloud.model.line import Copied

app = typer.Typer(
    no_args_is_help=True, help="A real OpenStack on this machine: keystone, placement, glance, nova."
)
ControlOption = Annotated[
    Path | None, typer.Option("--control", metavar="FILE", help="nova.conf of nova-api and nova-scheduler.")
]
ComputeOption = Annotated[
    Path | None, typer.Option("--compute", metavar="FILE", help="nova.conf of nova-compute.")
]
HostOption = Annotated[
    Path | None, typer.Option("--host", metavar="FILE", help="JSON with what the host has.")
]
OnOption = Annotated[
    str | None,
    typer.Option("--on", metavar="NAME", help="The --compute is for this host, that `host` brought up."),
]
_NONE = "there is no cloud: gpucloud lab cloud up brings one up"


@app.command()
def up(
    compute: Annotated[
        Compute, typer.Option("--compute", help="What nova-compute makes of servers.")
    ] = Compute.FAKE,
) -> None:
    """Bring the cloud up and leave it running; Ctrl-C takes it down again.

    It needs root and Debian's mariadb-server and rabbitmq-server, of which it runs instances of its own; the
    first time OpenStack is installed from PyPI into an environment of its own. Everything listens on loopback
    only. With nova's fake driver servers have every state that real ones have, and run nothing; with cards,
    the host has the PCI devices that gpucloud lab cloud configure gives it, and what a server's user data
    tells cloud-init is run as processes of this machine; with none, gpucloud lab cloud host brings up the
    hosts. All are launched without networks.

    Examples:
      gpucloud lab cloud up
      gpucloud lab cloud up --compute cards
      gpucloud lab cloud up --compute none
    """
    from gpucloud.lab.cloud.up import up as bring_up

    with interruptible():
        cloud = bring_up(compute=compute, progress=say)
    print_lines([Copied(f"the cloud is up: {way_to(cloud.clouds_yaml, CLOUD, os.environ)}")])


def way_to(clouds_yaml: Path, name: str, environ: Mapping[str, str]) -> str:
    """The line for a shell that leads to the cloud, past a proxy where one is set."""
    words = {"OS_CLIENT_CONFIG_FILE": str(clouds_yaml), "OS_CLOUD": name}
    if any(environ.get(one) for name in ("http_proxy", "all_proxy") for one in (name, name.upper())):
        # As requests reads them: the name in capitals is not looked at where the other one is set.
        spared = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
        words["no_proxy"] = ",".join(dict.fromkeys(filter(None, [*spared.split(","), HOST])))
    return "export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in words.items())


@app.command()
def host(
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
        typer.Option("--name", metavar="NAME", help="Name of the host; by default that of the topology."),
    ] = None,
) -> None:
    """Bring up a server of the laboratory as a host of the cloud: nova-compute with libvirt runs in it.

    It takes a minute or two. gpucloud lab run reaches the server, and gpucloud lab cloud configure --on tells
    its nova-compute of GPUs. It is ended with the cloud.

    Examples:
      gpucloud lab cloud host card-audio
      gpucloud lab cloud host my-server.toml --name gpu01
    """
    from gpucloud.lab.cloud.hosts.join import add_host
    from gpucloud.lab.cloud.site import place_of

    with interruptible():
        added = add_host(place_of(), topology, name, progress=say)
    print_text(f"{added.name} takes guests: gpucloud lab run {added.name} gpucloud scan")


@app.command()
def status(
    output: TableOption = Format.TABLE,
) -> None:
    """Show the cloud's services: process, port, whether each answers.

    nova-conductor, -scheduler and -compute have no port: nova is asked whether they are up. A service that
    ends is started again by the watcher, three times in ten minutes at most. Exit code 3: not all services
    answer, or there is no cloud.

    Examples:
      gpucloud lab cloud status
      gpucloud lab cloud status --format json
    """
    from gpucloud.lab.cloud.site import place_of
    from gpucloud.lab.cloud.status import look

    found = look(place_of())
    if output is Format.JSON:
        print_json(found)
    elif found is None:
        print_text(_NONE)
    else:
        rows = [
            (one.name, str(one.pid), str(one.port or "-"), one.state, str(one.restarts or ""))
            for one in found.services
        ]
        table(("service", "process", "port", "state", "restarts"), rows)
        leads_to_it = found.clouds_yaml or "not there: the cloud did not come up"
        print_text(f"clouds.yaml: {leads_to_it}; logs: {found.folder / 'logs'}")
    if found is None or not found.is_whole:
        raise typer.Exit(Exit.FINDINGS)


@app.command()
def configure(
    control: ControlOption = None,
    compute: ComputeOption = None,
    host: HostOption = None,
    on: OnOption = None,
) -> None:
    """Tell nova of the cloud of GPUs: its services are started again, and waited for.

    What nova needs to run stays as it is; each file takes the place of the one that was given before. The
    host of `up --compute cards` has the devices of the file of --host: {"devices": [{"address":
    "0000:3b:00.0", "vendor_id": "10de", "product_id": "1db4", "numa_node": 0}], "numa_nodes": 1}; with
    "refuses": "words", guests are not started on it, and those words are said.

    Examples:
      gpucloud lab cloud configure --control nova.conf --compute nova-compute.conf --host cards.json
      gpucloud lab cloud configure --host cards.json
      gpucloud lab cloud configure --on gpu01 --compute nova-compute.conf
    """
    from gpucloud.cli.nova.files import text_of
    from gpucloud.lab.cloud.hosts.join import tell_host
    from gpucloud.lab.cloud.site import place_of
    from gpucloud.lab.cloud.upkeep.configure import Told, parse_host
    from gpucloud.lab.cloud.upkeep.configure import configure as tell

    def text(path: Path | None) -> str | None:
        return None if path is None else text_of(path)[1]

    if on is not None and compute is None:
        raise typer.BadParameter("--on says for which host --compute is")
    told = text(host)
    own = text(compute)
    with interruptible():
        facts = None if told is None else parse_host(told)
        tell(place_of(), Told(text(control), own if on is None else None, facts))
        if on is not None and own is not None:
            tell_host(place_of(), on, own)
    print_text("nova is told, and its services are up")


@app.command()
def down() -> None:
    """End the cloud: no process, port or file is left but what is cached.

    Examples:
      gpucloud lab cloud down
    """
    from gpucloud.lab.cloud.down import down as take_down
    from gpucloud.lab.cloud.site import place_of

    take_down(place_of())
    print_text("the cloud is down")
