"""All that a repair changes, in a file that only its owner can read, before anything is changed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpucloud.cloud.openstack.heal.placement import Held, Stock
from gpucloud.cloud.openstack.heal.rows import KNOWN, Swap
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.plain import Plain, to_plain

FORMAT = "gpucloud cloud heal 1"
_MOST_BYTES = 256 * 1024 * 1024
_THEN = "give a file that gpucloud cloud heal wrote, as it wrote it"


@dataclass(frozen=True, slots=True)
class Backup:
    """What was there.

    Args:
        made_at: when, in UTC.
        database: in words; None where no row was changed.
        rows: changes that were made, with what each row was.
        whole: the same rows with all their columns, to be read by a person.
        held: what consumers held.
        stocks: providers, in the order in which they were deleted.
    """

    made_at: str
    database: str | None
    rows: tuple[Swap, ...]
    whole: tuple[Mapping[str, Plain], ...]
    held: tuple[Held, ...]
    stocks: tuple[Stock, ...]


def write_backup(path: Path, backup: Backup) -> None:
    """Write a new file, down to the disk: whole, or not at all.

    Raises:
        Failure: there is one already, or it cannot be written.
    """
    plain = {"format": FORMAT, "made_at": backup.made_at, "database": backup.database}
    facts = {
        "rows": to_plain(backup.rows),
        "whole_rows": to_plain(backup.whole),
        "allocations": to_plain(backup.held),
        "providers": to_plain(backup.stocks),
    }
    text = json.dumps({**plain, **facts}, indent=1) + "\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Failure(f"{path} is there already", "name another with --backup", code=Exit.USAGE) from error
    except OSError as error:
        raise _unwritten(path, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _keep_name(path)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _unwritten(path, error) from error


def _keep_name(path: Path) -> None:
    """Write the folder down to the disk, too: it has the file's name."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unwritten(path: Path, error: OSError) -> Failure:
    what = f"what would be changed cannot be kept in {path} ({error.strerror}); nothing was changed"
    return Failure(what, "name a file that can be written with --backup")


def read_backup(path: Path) -> Backup:
    """Read a file that `write_backup` wrote.

    Raises:
        Failure: it is none.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise Failure(f"{path} is larger than {_MOST_BYTES} bytes", _THEN)
    try:
        return _parse(json.loads(data))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Failure(f"{path} is no backup of gpucloud cloud heal", _THEN) from error


def _parse(plain: Any) -> Backup:
    if plain["format"] != FORMAT:
        raise ValueError(plain["format"])
    database = plain["database"]
    return Backup(
        str(plain["made_at"]),
        None if database is None else str(database),
        tuple(_swap(each) for each in plain["rows"]),
        tuple(dict(each) for each in plain["whole_rows"]),
        tuple(
            Held(str(each["consumer"]), _with(each["was"], "allocations"), dict(each["left"]))
            for each in plain["allocations"]
        ),
        tuple(_stock(each) for each in plain["providers"]),
    )


def _swap(each: Any) -> Swap:
    """A change of a row: of no columns but those that heal itself changes."""
    was, now = dict(each["was"]), dict(each["now"])
    if not set(now) <= {"deleted", "status", "instance_uuid", "request_id"} or set(was) != set(KNOWN):
        raise ValueError(sorted(now))
    return Swap(int(each["id"]), was, now)


def _stock(each: Any) -> Stock:
    parent = each["parent"]
    return Stock(
        str(each["uuid"]),
        str(each["name"]),
        None if parent is None else str(parent),
        dict(each["inventories"]),
        tuple(map(str, each["traits"])),
        tuple(map(str, each.get("aggregates", ()))),  # backups of before had none
    )


def _with(value: Any, name: str) -> dict[str, Any]:
    dict(value[name])
    return dict(value)
