"""``gpucloud capture``: a host in a file, to be looked at elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gpucloud.cli.hosts import HostOption
from gpucloud.cli.output import Shape, print_json, say
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure, code_of


def capture(
    remote: HostOption = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write; a new file.")
    ] = Path("gpucloud-capture.tar.gz"),
    with_identifiers: Annotated[
        bool, typer.Option("--with-identifiers", help="Keep host names, UUIDs, MAC and IP addresses.")
    ] = False,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Write what `gpucloud scan` and `gpucloud doctor` read of a host into one small archive.

    Only files on a list are read. Host names, UUIDs, MAC and IP addresses, names of guests and interfaces,
    and every kernel argument or module option that is not known to be harmless are replaced by placeholders.
    Every command that takes a host takes the archive with --from. The JSON is {"path", "size_bytes",
    "unread": {path: why}}; the text leaves masked units out.

    Examples:
      gpucloud capture
      gpucloud capture --host root@gpu01 --output gpu01.tar.gz
    """
    from gpucloud.inventory.capture.write import collect_here, prove_capture, render_capture

    if output.exists():
        raise Failure(
            f"{output} is already there", "remove it, or name another with --output", code=Exit.USAGE
        )
    if remote is None:
        stream = collect_here()
    else:
        from gpucloud.inventory.remote import collect_remote

        stream = collect_remote(remote)
    data = render_capture(stream, is_redacted=not with_identifiers)
    _write(output, data)
    prove_capture(output)
    if shape is Shape.JSON:
        print_json({"path": str(output), "size_bytes": len(data), "unread": dict(stream.unread)})
        return
    say(f"{output}: {len(data)} bytes; look into it with: gpucloud scan --from {output}")
    for line in lacks(stream.unread)[:5]:
        say(line)


def lacks(unread: Mapping[str, str]) -> list[str]:
    """What could not be read, each with the reason, and is worth a word."""
    told = (each for each in sorted(unread.items()) if not _is_masked(*each))
    return [f"not in it: {path[1:]}: {why}" for path, why in told]


def _is_masked(path: str, why: str) -> bool:
    """Claims a unit that is switched off by a link to /dev/null (systemd.unit(5)): it has nothing to read."""
    return path.startswith("/etc/systemd/system/") and why == "not a regular file"


def _write(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read; one that could not be written whole is removed."""
    try:
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            try:
                file.write(data)
                file.flush()
            except OSError:
                path.unlink()
                raise
    except OSError as error:
        what = f"{path} cannot be written: {error.strerror}"
        raise Failure(what, "name another with --output", code=code_of(error)) from None
