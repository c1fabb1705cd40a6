"""Files of pasted evidence: YAML, JSON, a directory with a file per key, plain text, standard input."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from gpucloud.cli.output import say
from gpucloud.model.failure import Failure, code_of

if TYPE_CHECKING:
    from gpucloud.doctor.evidence.pasted import Pasted

STANDARD_INPUT = "-"
_PIECE_BYTES = 1 << 20
_LARGEST_DOCUMENT_BYTES = 32 << 20
_DOCUMENTS = (".yaml", ".yml", ".json")
_PLAIN = (".txt", ".log", ".out", ".md")
_ENVIRONMENT = "environment"
_MOST_FILES = 200


def read_evidence(path: Path) -> Pasted:
    """One input: a document, a directory with one file per key, text, or ``-`` for standard input.

    Raises:
        Failure: it is not there or cannot be read.
    """
    from gpucloud.doctor.evidence.pasted import Pasted, from_text

    if str(path) == STANDARD_INPUT:
        return from_text("standard input", _pieces(sys.stdin.buffer))
    try:
        path.stat()
        if path.is_dir():
            return Pasted(str(path), _directory(path), _environment(path))
        document = _document(path)
        if document is not None:
            from gpucloud.doctor.evidence.pasted import from_mapping

            return from_mapping(str(path), document)
        return Pasted(str(path), [(_key(path), _file_pieces(path))])
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> Failure:
    what = f"evidence {path} cannot be read: {error.strerror}"
    return Failure(what, "give a file or directory", code=code_of(error))


def _document(path: Path) -> Mapping[str, object] | None:
    """The maps of a YAML or JSON file; None where it is plain text."""
    if path.suffix.lower() not in _DOCUMENTS:
        return None
    if path.stat().st_size > _LARGEST_DOCUMENT_BYTES:
        say(f"{path}: larger than {_LARGEST_DOCUMENT_BYTES >> 20} MiB, read as plain text")
        return None
    document = _parse(path)
    if not isinstance(document, Mapping):
        say(f"{path}: no map of texts, read as plain text")
        return None
    return document


def _parse(path: Path) -> object:
    raw = path.read_bytes()
    try:
        if path.suffix.lower() == ".json":
            import json

            return json.loads(raw)
        import yaml

        return yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except (ValueError, RecursionError, yaml_error()):
        return None


def yaml_error() -> type[Exception]:
    """What PyYAML raises; it is imported only where a document is read."""
    import yaml

    return yaml.YAMLError


def _directory(path: Path) -> Iterator[tuple[str, Iterator[str]]]:
    from gpucloud.doctor.evidence.pasted import NEVER_READ

    files = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    for file in files[:_MOST_FILES]:
        key = _key(file)
        if key not in NEVER_READ and file.stem != _ENVIRONMENT:
            yield key, _file_pieces(file)


def _key(path: Path) -> str:
    """The key under which a file's text is read: ``dmesg.txt`` is dmesg, ``nova.conf`` is nova_conf."""
    name = path.stem if path.suffix.lower() in _PLAIN else path.name
    return name.replace(".", "_").replace("-", "_")


def _environment(path: Path) -> dict[str, str]:
    for suffix in (".yaml", ".yml", ".json"):
        file = path / f"{_ENVIRONMENT}{suffix}"
        document = _document(file) if file.is_file() else None
        if document is not None:
            return {str(key): str(value) for key, value in document.items()}
    return {}


def _file_pieces(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as stream:
            yield from _pieces(stream)
    except OSError as error:
        raise _unreadable(path, error) from error


def _pieces(stream: IO[bytes]) -> Iterator[str]:
    """Text as a stream; its encoding is told by its first bytes, and what does not fit becomes U+FFFD."""
    first = stream.read(_PIECE_BYTES)
    encoding = "utf-16" if first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    piece = first
    while piece:
        yield decoder.decode(piece)
        piece = stream.read(_PIECE_BYTES)
    yield decoder.decode(b"", final=True)
