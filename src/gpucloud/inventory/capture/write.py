"""A capture made of a host: collected, reduced, redacted, and written as one small archive."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from gpucloud import __version__
from gpucloud.inventory.capture.allowlist import COMMANDS, HOST_NAME, KVM_ANSWER, MANIFEST, PACKED, RULES
from gpucloud.inventory.capture.distil import distil
from gpucloud.inventory.capture.manifest import Manifest
from gpucloud.inventory.capture.packed import render_packed
from gpucloud.inventory.capture.redact import redact
from gpucloud.inventory.collect.collector import Collector
from gpucloud.inventory.collect.envoy import Envoy
from gpucloud.inventory.collect.wire import Stream, parse_stream
from gpucloud.model.failure import Failure


def collect_here(root: str = "") -> Stream:
    """Collect the facts of this host, or of the directory ``root`` that stands for one."""
    out = io.BytesIO()
    Collector(root, out, Envoy().read).collect("\n".join(f"{rule.kind} {rule.pattern}" for rule in RULES))
    return parse_stream(out.getvalue(), "this host")


def render_capture(stream: Stream, *, is_redacted: bool = True) -> bytes:
    """Write a ``.tar.gz``: the same bytes for the same facts.

    Args:
        stream: what was collected.
        is_redacted: replace names and numbers that tell whose host it is.
    """
    host_name = stream.files.pop(HOST_NAME, b"").decode(errors="replace").strip()
    small = distil(stream)
    if is_redacted:
        small = redact(small, host_name)
    manifest = Manifest(
        collected=(*(rule.pattern for rule in RULES if rule.pattern != HOST_NAME), KVM_ANSWER, COMMANDS),
        unread=small.unread,
        is_redacted=is_redacted,
        made_by=f"gpucloud {__version__}",
    )
    return _archive({MANIFEST: manifest.render(), PACKED: render_packed(small.tree().entries())})


def prove_capture(path: Path) -> None:
    """Open a capture that was just written; one that gpucloud itself refuses is removed.

    Raises:
        Failure: it was.
    """
    from gpucloud.inventory.capture.open import open_capture

    try:
        open_capture(path)
    except Failure as failure:
        path.unlink()
        raise Failure(
            f"no capture is left, because it could not be opened again ({failure.what})",
            "look at the host itself: gpucloud scan",
        ) from None


def _archive(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as unpacked,
        tarfile.open(fileobj=unpacked, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for path, data in files.items():
            member = tarfile.TarInfo(path[1:])
            member.mode, member.size = 0o644, len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()
