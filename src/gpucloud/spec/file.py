"""The file of a spec, read."""

from __future__ import annotations

from pathlib import Path

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.spec import Spec
from gpucloud.spec.nodes import TEXT_LIMIT
from gpucloud.spec.read import Judge, approve, parse_spec


def load_spec(path: Path, judge: Judge = approve) -> Spec:
    """Read a spec from its file; ``judge`` is as of ``parse_spec``.

    Raises:
        Failure: it cannot be read, or a line of it is wrong.
    """
    return parse_spec(read_spec_text(path), str(path), judge)


def read_spec_text(path: Path) -> str:
    """The text of a spec's file.

    Raises:
        Failure: it cannot be read, is too long or no UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(TEXT_LIMIT + 1)
    except OSError as error:
        raise Failure(
            f"cannot read {path}: {error.strerror}",
            "what can stand in it: docs/reference/spec.md",
            code=Exit.USAGE,
        ) from error
    return decode_spec(data, str(path))


def decode_spec(data: bytes, name: str) -> str:
    """The text of a spec.

    Args:
        data: of a longer one than any spec is, more than ``TEXT_LIMIT``.
        name: what errors call it.

    Raises:
        Failure: it is too long or no UTF-8.
    """
    if len(data) > TEXT_LIMIT:
        raise Failure(f"{name} is longer than {TEXT_LIMIT} bytes", "no spec is so long: choose another file")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Failure(
            f"{name} is not UTF-8 text (byte {error.start})", "save it as UTF-8", code=Exit.USAGE
        ) from error
