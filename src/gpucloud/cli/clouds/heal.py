"""``gpucloud cloud heal``: stale device state repaired, and a repair taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    Sources,
    TimeoutOption,
    open_sources,
)
from gpucloud.cli.output import Shape, print_beside, print_json, print_text, say
from gpucloud.cli.plans.apply import ask
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from gpucloud.cloud.openstack.audit.observed import Observed
    from gpucloud.cloud.openstack.heal.carry_out import Healer
    from gpucloud.cloud.openstack.heal.repair import Repair
    from gpucloud.cloud.openstack.heal.rows import Check

DryOption = Annotated[
    bool, typer.Option("--dry-run", help="Change nothing; exit with 4 where something would change.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust-nova",
        help="Also change rows of hosts that were not looked at: nova's word alone says that no guest has "
        "their devices.",
    ),
]
BackupOption = Annotated[
    Path | None,
    typer.Option(
        "--backup", metavar="FILE", help="Where what is changed is kept; else heal-TIME.json, here."
    ),
]
RestoreOption = Annotated[
    Path | None, typer.Option("--restore", metavar="FILE", help="Take back the repair of that backup.")
]


def heal(
    cloud: CloudOption = None,
    database: DatabaseOption = None,
    nova_conf: NovaConfOption = None,
    captures: FromOption = None,
    hosts: HostOption = None,
    compute_config: ComputeOption = None,
    release: ReleaseOption = None,
    trust_nova: TrustOption = False,
    dry_run: DryOption = False,
    yes: YesOption = False,
    backup: BackupOption = None,
    restore: RestoreOption = None,
    timeout: TimeoutOption = None,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Repair what `gpucloud cloud audit` finds: rows of pci_devices, and what Placement holds and offers.

    Every change is shown first. What is changed is kept in a file; rows change in one transaction, each only
    where it still is as it was, then Placement; all of it is read back. --restore takes it back. Neither
    a host nor a guest is restarted: the nova-compute that must be is named, with why.

    Nothing is taken from a guest: not where nova says that it lives on the host, and not where a process on
    the host has the device open. A host that was not looked at by --host is left alone, unless with
    --trust-nova: a capture says what devices there are, and nothing of guests that have started since.

    Exit codes: 0 repaired, or nothing to do; 1 something is refused, or failed; 4 changes are pending
    (--dry-run). The JSON is {"rows", "releases", "providers", "refused", "restarts", "backup"}: the last is
    null where nothing was changed.

    Examples:
      gpucloud cloud heal --cloud mycloud --nova-conf nova.conf --from gpu01=gpu01.tar.gz --dry-run
      gpucloud cloud heal --cloud mycloud --nova-conf nova.conf --host gpu01=root@10.0.0.1 --yes
      gpucloud cloud heal --cloud mycloud --nova-conf nova.conf --trust-nova --backup before.json
      gpucloud cloud heal --cloud mycloud --nova-conf nova.conf --restore before.json
    """
    from gpucloud.cloud.openstack.heal.carry_out import Healer, as_planned
    from gpucloud.cloud.openstack.heal.placement import Placement

    asked = Asked(
        cloud,
        database,
        nova_conf or (),
        captures or (),
        hosts or (),
        compute_config or (),
        release,
        timeout,
        acts=True,
    )
    sources = open_sources(asked)
    healer = Healer(sources.engine, None if sources.api is None else Placement(sources.api.send))
    if restore is not None:
        _restore(healer, restore, shape, yes=yes)
        return
    repair, _ = _planned(sources, trusts_nova=trust_nova)
    if dry_run or not repair.count:
        _show(repair, shape, None)
        _conclude(repair, is_dry=dry_run)
        return
    _show_beside(repair, shape)
    ask(yes=yes)
    again, seen = _planned(sources, trusts_nova=trust_nova)
    if not repair.changes_as(again):
        raise Failure("something changed while you looked; nothing was changed", "run it again")
    kept = backup or Path(f"heal-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json")
    _carry_out(healer, again, kept, as_planned(seen, again, trusts_nova=trust_nova))
    if shape is Shape.JSON:
        _show(repair, shape, kept)
    _conclude(repair, is_dry=False)


def _planned(sources: Sources, *, trusts_nova: bool) -> tuple[Repair, Observed]:
    """What is to be done about what is there now, and that."""
    from gpucloud.cloud.openstack.audit.judge import judge
    from gpucloud.cloud.openstack.heal.plan import plan_repair

    seen = sources.look()
    return plan_repair(judge(seen), trusts_nova=trusts_nova), seen


def _carry_out(healer: Healer, repair: Repair, kept: Path, check: Check) -> None:
    """Keep, change, read back.

    Raises:
        Failure: it failed; the message names the backup.
    """
    written = healer.keep(repair, kept)
    say(f"what is changed is kept in {kept}")
    try:
        healer.carry_out(written, say, check)
    except Failure as failure:
        then = f"{failure.then}; what was changed comes back with gpucloud cloud heal --restore {kept}"
        raise Failure(failure.what, then, code=failure.code) from failure
    for restart in repair.restarts:
        say(f"now restart nova-compute on {restart.host}: {restart.why}")


def _restore(healer: Healer, path: Path, shape: Shape, *, yes: bool) -> None:
    from gpucloud.cloud.openstack.heal.backup import read_backup

    backup = read_backup(path)
    counts = f"{len(backup.rows)} rows, {len(backup.held)} allocations, {len(backup.stocks)} providers"
    print_beside([f"brings back what was repaired at {backup.made_at}: {counts}"], shape)
    ask(yes=yes)
    healer.restore(backup, say)
    if shape is Shape.JSON:
        print_json({"restored": path, "rows": len(backup.rows)})
    if backup.rows:
        say("now restart nova-compute of the hosts of these rows: it read them when it started")


def _show_beside(repair: Repair, shape: Shape) -> None:
    from gpucloud.cloud.openstack.heal.show import repair_lines

    print_beside(repair_lines(repair), shape)


def _show(repair: Repair, shape: Shape, kept: Path | None) -> None:
    from gpucloud.cloud.openstack.heal.show import plain_repair

    if shape is Shape.JSON:
        print_json({**plain_repair(repair), "backup": kept})
        return
    _show_beside(repair, shape)
    if not repair.count and not repair.refused and not repair.restarts:
        print_text("nothing to do: all sources agree, as far as they can be seen")


def _conclude(repair: Repair, *, is_dry: bool) -> None:
    """End with what is pending, or with what is refused.

    Raises:
        Failure: something is not repaired.
    """
    if is_dry and repair.count:
        raise typer.Exit(Exit.PENDING)
    if repair.refused:
        first = repair.refused[0]
        more = f" (and {len(repair.refused) - 1} more)" if repair.refused[1:] else ""
        raise Failure(f"not repaired: {first.found.title}: {first.why}{more}", first.then)
