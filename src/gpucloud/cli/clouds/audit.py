"""``gpucloud cloud audit``: stale and wrong device state, found and explained."""

from __future__ import annotations

import typer

from gpucloud.cli.clouds.sources import (
    Asked,
    CloudOption,
    ComputeOption,
    DatabaseOption,
    FromOption,
    HostOption,
    NovaConfOption,
    ReleaseOption,
    TimeoutOption,
    open_sources,
)
from gpucloud.cli.output import Shape, paint_level, print_json, print_lines
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit


def audit(
    cloud: CloudOption = None,
    database: DatabaseOption = None,
    nova_conf: NovaConfOption = None,
    captures: FromOption = None,
    hosts: HostOption = None,
    compute_config: ComputeOption = None,
    release: ReleaseOption = None,
    timeout: TimeoutOption = None,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Find stale and wrong device state: hosts, guests, nova's table pci_devices and Placement compared.

    A card that was removed, moved or replaced; a device of a guest that is deleted, or that lives elsewhere
    since a migration; a row that nothing will ever free; what Placement holds or offers of all these.
    Each is explained, with what each source says. Nothing is changed: `gpucloud cloud heal` does that.

    Each source is optional, and what was not read is said. --database is one cell's; the others' rows are not
    seen. Of hosts the devices and the guests that have them open are read.

    Exit codes: 0 all agree, as far as they can be seen; 3 something was found. The JSON is {"source",
    "findings", "could_not_look", "schema"}.

    Examples:
      gpucloud cloud audit --cloud mycloud --nova-conf /etc/nova/nova.conf
      gpucloud cloud audit --cloud mycloud --nova-conf nova.conf --from gpu01=gpu01.tar.gz --from gpu02.tar.gz
      gpucloud cloud audit --nova-conf nova.conf --host gpu01=root@10.0.0.1 --format json
      gpucloud cloud audit --nova-conf nova.conf --from gpu01.tar.gz --compute-config nova.conf --release 31
    """
    from gpucloud.cloud.openstack.audit.judge import judge
    from gpucloud.cloud.openstack.audit.show import lines_of, plain_of

    asked = Asked(
        cloud,
        database,
        nova_conf or (),
        captures or (),
        hosts or (),
        compute_config or (),
        release,
        timeout,
    )
    sources = open_sources(asked)
    found = judge(sources.look())
    if shape is Shape.JSON:
        print_json(plain_of(found, sources.name))
    else:
        print_lines(lines_of(found, sources.name), paint_level)
    if found.found:
        raise typer.Exit(Exit.FINDINGS)
