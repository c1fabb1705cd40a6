"""What gpucloud keeps of a guest in its server's metadata: the mark of ours, and all that nova does not know.

Nova takes keys of letters, digits and ``-_:. ``, and values of at most 255 characters; 128 of them unless
the quota metadata_items says otherwise (nova/api/validation/parameter_types.py, nova/conf/quota.py). Who may
change the server may change these, too: what is malformed is none of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gpucloud.cloud.report import MARK as LINE
from gpucloud.cloud.report import parse_report
from gpucloud.model.guest import SeenFunction

TOKEN = "gpucloud:guest"  # noqa: S105 - a name, no secret
ENDS = "gpucloud:ends_at"
_GPUS, _IMAGE, _STARTED = "gpucloud:gpus", "gpucloud:image", "gpucloud:started_at"
_FAILURE, _SEEN, _DUE = "gpucloud:failure", "gpucloud:seen", "gpucloud:due_at"
_KEEPS, _YES = "gpucloud:keeps_failed", "yes"
_MOST_CHARS = 255
_HEX = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)
_PIECE = re.compile(rf"{_SEEN}\.[0-9]{{3}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """A guest's record.

    Args:
        token: 32 hex digits, made for one launch: whose server it is, and the nonce of its report.
        gpus: that it was asked for with.
        image: as it was asked for.
        started_at_s: Unix time of the launch.
        ends_at_s: Unix time at which it is to end; None: when destroyed.
        seen: what its kernel reported; None before it did.
        failure: why its launch failed, where it was kept all the same.
        due_at_s: Unix time when its launch is over, however it went; None: it does not say.
        keeps_failed: it stays where its launch fails.
    """

    token: str
    gpus: int
    image: str
    started_at_s: int
    ends_at_s: int | None = None
    seen: tuple[SeenFunction, ...] | None = None
    failure: str | None = None
    due_at_s: int | None = None
    keeps_failed: bool = False


def metadata_of(record: Record) -> dict[str, str]:
    """The whole record."""
    said = {
        TOKEN: record.token,
        _GPUS: str(record.gpus),
        _IMAGE: record.image[:_MOST_CHARS],
        _STARTED: str(record.started_at_s),
    }
    if record.ends_at_s is not None:
        said |= end_metadata(record.ends_at_s)
    if record.due_at_s is not None:
        said[_DUE] = str(record.due_at_s)
    if record.keeps_failed:
        said[_KEEPS] = _YES
    return said | failure_metadata(record.failure) | seen_metadata(record.seen or ())


def end_metadata(ends_at_s: int) -> dict[str, str]:
    """When a guest is to end."""
    return {ENDS: str(ends_at_s)}


def failure_metadata(failure: str | None) -> dict[str, str]:
    """Why a guest failed, as far as there is room."""
    return {} if failure is None else {_FAILURE: failure[:_MOST_CHARS]}


def seen_metadata(seen: Iterable[SeenFunction]) -> dict[str, str]:
    """What a guest's kernel reported: as many functions in each value as it holds."""
    pieces: list[str] = []
    for line in map(_line_of, seen):
        if pieces and len(pieces[-1]) + 1 + len(line) <= _MOST_CHARS:
            pieces[-1] += f";{line}"
        else:
            pieces.append(line)
    return {f"{_SEEN}.{number:03}": piece for number, piece in enumerate(pieces)}


def parse_record(metadata: Mapping[str, str]) -> Record | None:
    """Read the record; None where gpucloud did not make the server, or the record is not whole."""
    token, gpus, started = (metadata.get(name, "") for name in (TOKEN, _GPUS, _STARTED))
    ends, due = metadata.get(ENDS), metadata.get(_DUE)
    numbers = [gpus, started, *(each for each in (ends, due) if each is not None)]
    if _HEX.fullmatch(token) is None or not all(map(_NUMBER.fullmatch, numbers)):
        return None
    return Record(
        token,
        int(gpus),
        metadata.get(_IMAGE, ""),
        int(started),
        None if ends is None else int(ends),
        _parse_seen(metadata, token),
        metadata.get(_FAILURE),
        None if due is None else int(due),
        metadata.get(_KEEPS) == _YES,
    )


def _line_of(function: SeenFunction) -> str:
    """As the guest prints it (`gpucloud.cloud.report`)."""
    bars = "".join(f" {index}={size}" for index, size in enumerate(function.bar_bytes) if size)
    return f"{function.address} {function.id} {function.pci_class.code:06x}{bars}"


def _parse_seen(metadata: Mapping[str, str], token: str) -> tuple[SeenFunction, ...] | None:
    pieces = [metadata[name] for name in sorted(filter(_PIECE.fullmatch, metadata))]
    lines = [line for piece in pieces for line in piece.split(";")]
    report = ["begin", *(f"function {line}" for line in lines), f"end {len(lines)}"]
    return parse_report("\n".join(f"{LINE} {token} {line}" for line in report), token)
