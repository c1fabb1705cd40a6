"""A repair made: kept in a file first; rows, then allocations, then providers; then read back. And undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gpucloud.cloud.openstack.audit.database.place import name_of
from gpucloud.cloud.openstack.audit.database.read import read_database
from gpucloud.cloud.openstack.audit.judge import judge
from gpucloud.cloud.openstack.audit.observed import Observed
from gpucloud.cloud.openstack.heal.backup import Backup, write_backup
from gpucloud.cloud.openstack.heal.placement import Placement
from gpucloud.cloud.openstack.heal.plan import plan_repair
from gpucloud.cloud.openstack.heal.repair import Repair
from gpucloud.cloud.openstack.heal.rows import Check, Swap, swap_of, write_rows
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

Tell = Callable[[str], None]


def as_planned(seen: Observed, repair: Repair, *, trusts_nova: bool) -> Check:
    """A check that the database, as it is in the transaction, still asks for just these changes of rows.

    Args:
        seen: all other facts, and the names of the consumers.
        repair: what was planned.
        trusts_nova: as it was planned.
    """
    told = () if isinstance(seen.providers, Unknown) else seen.providers
    consumers = {consumer for each in told for consumer in each.held}

    def check(connection: Connection) -> None:
        name = "" if isinstance(seen.database, Unknown) else seen.database.name
        now = replace(seen, database=read_database(connection, name, consumers))
        if plan_repair(judge(now), trusts_nova=trusts_nova).rows != repair.rows:
            what = "rows or guests changed in the last moment; nothing was changed"
            raise Failure(what, "run it again, and look at what it shows")

    return check


@dataclass(frozen=True, slots=True)
class Healer:
    """What a repair is made with.

    Args:
        engine: of nova's database; None where it is not known: then no row is changed.
        placement: None where no cloud is known: then nothing of it is changed.
    """

    engine: Engine | None
    placement: Placement | None

    def keep(self, repair: Repair, path: Path, now: datetime | None = None) -> Backup:
        """Write down all that will be changed.

        Raises:
            Failure: Placement does not tell, or the file cannot be written.
        """
        made_at = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
        held = () if self.placement is None else tuple(map(self.placement.held, repair.releases))
        stocks = () if self.placement is None else tuple(map(self.placement.stock, repair.drops))
        database = name_of(self.engine) if self.engine is not None and repair.rows else None
        whole = tuple(each.row.columns for each in repair.rows)
        backup = Backup(made_at, database, tuple(map(swap_of, repair.rows)), whole, held, stocks)
        write_backup(path, backup)
        return backup

    def carry_out(self, backup: Backup, tell: Tell, check: Check) -> None:
        """Make what was written down; rows in one transaction, then Placement call by call.

        Args:
            backup: what is to be done.
            tell: takes what was done.
            check: asked in that transaction (`as_planned`).

        Raises:
            Failure: something is not as it was, a service refuses, or what is read after is wrong.
        """
        if backup.rows:
            write_rows(self._engine(), backup.rows, check)
            tell(f"changed {len(backup.rows)} rows of pci_devices, and read them back")
        if not backup.held and not backup.stocks:
            return
        placement = self._placement()
        for held in backup.held:
            placement.take_back(held)
            _require(placement.holds(held), f"consumer {held.consumer} holds more than was left to it")
            tell(f"took back what {held.consumer} held")
        for stock in backup.stocks:
            placement.drop(stock.uuid)
            _require(not placement.has(stock.uuid), f"provider {stock.name} is still there")
            tell(f"deleted provider {stock.name}")

    def restore(self, backup: Backup, tell: Tell) -> None:
        """Take a repair back: providers first, as allocations need them; what is back already stays.

        Raises:
            Failure: something has changed since, or a service refuses.
        """
        if backup.held or backup.stocks:
            placement = self._placement()
            for stock in reversed(backup.stocks):
                placement.make(stock)
                tell(f"made provider {stock.name} again")
            for held in backup.held:
                placement.give_back(held)
                tell(f"gave back what {held.consumer} held")
        if backup.rows:
            self._restore_rows(backup, tell)

    def _restore_rows(self, backup: Backup, tell: Tell) -> None:
        engine = self._engine()
        if name_of(engine) != backup.database:
            what = f"the backup is of {backup.database}, and this is {name_of(engine)}"
            raise Failure(what, "name that database", code=Exit.USAGE)
        swaps = []
        for row in backup.rows:
            old = {name: row.was[name] for name in row.now}
            swaps.append(Swap(row.id, {**row.was, **row.now}, old))
        write_rows(engine, swaps, resumes=True)
        tell(f"brought {len(swaps)} rows of pci_devices back, and read them back")

    def _engine(self) -> Engine:
        if self.engine is None:
            what = "rows are to be changed, and no database was named"
            raise Failure(what, "name it with --database or --nova-conf", code=Exit.USAGE)
        return self.engine

    def _placement(self) -> Placement:
        if self.placement is None:
            what = "Placement is to be changed, and no cloud was named"
            raise Failure(what, "name it with --cloud", code=Exit.USAGE)
        return self.placement


def _require(claim: bool, what: str) -> None:
    if not claim:
        raise Failure(f"read back after the repair: {what}", "somebody works on it: run the audit again")
