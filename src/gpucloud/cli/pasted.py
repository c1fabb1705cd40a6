"""Files of pasted evidence: YAML, JSON, a folder of files, plain text, standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import IO, TYPE_CHECKING

from gpucloud.cli.given import STANDARD_INPUT, waiting
from gpucloud.cli.output import say
from gpucloud.model.failure import Exit, Failure, code_of

if TYPE_CHECKING:
    from gpucloud.doctor.evidence.pasted import Pasted
    from gpucloud.doctor.intake.decode import Account

_PLAIN = (".txt", ".log", ".out", ".md")
_ENVIRONMENT = "environment"
_MOST_FILES = 200
_DEEPEST = 4
_SECRET = (".key", ".pem", ".crt", ".p12", "passwords.yml", "passwords.yaml")
"""Ends of names of files that hold secrets beside configuration (kolla: /etc/kolla/passwords.yml)."""
_LONGEST_ENVIRONMENT = 100_000
_NAMED = 3
"""Files that are named of those which could not be read for one reason."""


def read_evidence(path: Path) -> Pasted:
    """One input: a document, a folder of evidence or configuration, text, ``-`` for standard input.

    Raises:
        Failure: it is not there, cannot be read, or is no text.
    """
    if path == STANDARD_INPUT:
        if sys.stdin.isatty():
            say("paste the evidence, then press Ctrl-D on a line of its own")
        with waiting(path):
            return _read(sys.stdin.buffer, "standard input", "")
    try:
        path.stat()
        if path.is_dir():
            return _folder(path)
        with waiting(path):
            return _read(path.open("rb"), str(path), _key(path))
    except OSError as error:
        raise _unreadable(str(path), error) from error


def _unreadable(source: str, error: OSError) -> Failure:
    then = f"read it as root: sudo gpucloud doctor --evidence {quote(source)}"
    if not isinstance(error, PermissionError):
        then = "give a file or directory"
    return Failure(f"evidence {source} cannot be read: {error.strerror}", then, code=code_of(error))


def _read(stream: IO[bytes], source: str, key: str, *, is_one_of_many: bool = False) -> Pasted:
    """A document by its maps, all else as text under the key."""
    from gpucloud.doctor.evidence.pasted import UNSTRUCTURED, Pasted
    from gpucloud.doctor.intake.decode import PIECE_BYTES, Account, read_text
    from gpucloud.doctor.intake.document import DOCUMENT_SUFFIXES, looks_like_document
    from gpucloud.doctor.intake.formats import format_of

    first = stream.read(PIECE_BYTES)
    _refuse_packed(Path(source))
    known = format_of(first)
    if known is not None:
        raise Failure(f"evidence {source} is {known.name}", known.then.format(path=quote(source)))
    account = Account()
    pieces = read_text(_after(first, stream), account)
    head = next(pieces, "")
    suffix = Path(source).suffix.lower()
    if looks_like_document(head) or (suffix in DOCUMENT_SUFFIXES and not is_one_of_many):
        whole = _whole(head, pieces)
        document = _document(source, whole, account, is_json=suffix == ".json" or head.lstrip()[:1] == "{")
        if document is not None:
            return document
        say(f"{source}: no map of texts, read as plain text")
        head = whole
    notes: list[str] = []
    return Pasted(source, [(key or UNSTRUCTURED, _noted(head, pieces, account, notes))], {}, notes)


def _after(first: bytes, stream: IO[bytes]) -> Callable[[int], bytes]:
    """Read a stream of which the first bytes were read already."""
    begun = iter((first,))

    def read(size: int) -> bytes:
        return next(begun, None) or stream.read(size)

    return read


def _whole(head: str, pieces: Iterator[str]) -> str:
    """All of a text that is no longer than documents are; of a longer one more than that."""
    from gpucloud.doctor.intake.document import LARGEST_DOCUMENT_CHARACTERS

    parts = [head]
    while sum(map(len, parts)) <= LARGEST_DOCUMENT_CHARACTERS and (piece := next(pieces, "")):
        parts.append(piece)
    return "".join(parts)


def _document(source: str, text: str, account: Account, *, is_json: bool) -> Pasted | None:
    """What a document holds; None where it is none."""
    from gpucloud.doctor.evidence.pasted import from_mapping
    from gpucloud.doctor.evidence.text import clean_text
    from gpucloud.doctor.intake.document import LARGEST_DOCUMENT_CHARACTERS, parse_document

    if len(text) > LARGEST_DOCUMENT_CHARACTERS:
        return None
    parsed = parse_document(clean_text(text), is_json=is_json)
    if parsed is None:
        return None
    if "gpucloud_capture" in parsed:
        raise _captured(source, "ARCHIVE")
    pasted = from_mapping(source, parsed)
    pasted.notes.extend(account.notes())
    return pasted


def _noted(head: str, pieces: Iterator[str], account: Account, notes: list[str]) -> Iterator[str]:
    """The pieces of a text; at their end the notes say what was left out."""
    yield head
    yield from pieces
    notes.extend(account.notes())


def _folder(folder: Path) -> Pasted:
    """Every file of a folder under a key of its own; what cannot be read is noted and passed over."""
    from gpucloud.doctor.evidence.pasted import Pasted

    _refuse_packed(folder / "host.json")
    if _is_host(folder):
        raise _captured(str(folder), quote(str(folder)))
    notes: list[str] = []
    return Pasted(str(folder), _folder_texts(folder, notes), _environment(folder), notes)


def _is_host(folder: Path) -> bool:
    has_files = (folder / "sys").is_dir() and (folder / "proc").is_dir()
    return has_files or (folder / "gpucloud/host.json").is_file()


def _refuse_packed(path: Path) -> None:
    """Refuse what is of an unpacked capture: its words are paths and values, and no evidence.

    Raises:
        Failure: the path is that of its manifest or of its host, and its host is there.
    """
    packed = path.absolute().parent / "host.json"
    if path.name in ("host.json", "manifest.json") and packed.parent.name == "gpucloud" and packed.is_file():
        raise _captured(str(path), quote(str(packed.parent.parent)))


def _captured(source: str, capture: str) -> Failure:
    then = f"look at the capture as a host: gpucloud doctor --from {capture}"
    return Failure(f"evidence {source} is of a captured host", then, code=Exit.USAGE)


def _folder_texts(folder: Path, notes: list[str]) -> Iterator[tuple[str, Iterable[str]]]:
    from gpucloud.doctor.evidence.pasted import NEVER_READ

    files = _files(folder)
    refused: dict[str, list[str]] = {}
    for file in islice(files, _MOST_FILES):
        name = file.relative_to(folder)
        key = _key(file) if file.parent == folder else str(name)
        if key in NEVER_READ or (file.parent == folder and file.stem == _ENVIRONMENT):
            continue
        try:
            part = _read(file.open("rb"), str(file), key, is_one_of_many=True)
        except OSError as error:
            refused.setdefault(f"cannot be read: {error.strerror}", []).append(str(name))
        except Failure as failure:
            refused.setdefault(failure.what.removeprefix(f"evidence {file} "), []).append(str(name))
        else:
            yield from part.texts
            notes.extend(f"{name}: {note}" for note in part.notes)
    notes.extend(_said(refused))
    if next(files, None) is not None:
        notes.append(f"files after the first {_MOST_FILES}")


def _said(refused: dict[str, list[str]]) -> Iterator[str]:
    for why, names in refused.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{', '.join(names[:_NAMED])}{more}: {why}"


def _files(folder: Path) -> Iterator[Path]:
    """Files by name, those of the folder before those of the folders in it; nothing hidden or secret."""
    for place, folders, names in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(one for one in folders if not one.startswith("."))[
            : _MOST_FILES * (depth < _DEEPEST)
        ]
        for name in sorted(names):
            path = Path(place) / name
            if not name.startswith(".") and not name.endswith(_SECRET) and path.is_file():
                yield path


def _key(path: Path) -> str:
    """The key under which a file's text is read: ``dmesg.txt`` is dmesg, ``nova.conf`` is nova_conf."""
    name = path.stem if path.suffix.lower() in _PLAIN else path.name
    return name.replace(".", "_").replace("-", "_")


def _environment(folder: Path) -> dict[str, str]:
    from gpucloud.doctor.intake.document import DOCUMENT_SUFFIXES, parse_document

    for suffix in DOCUMENT_SUFFIXES:
        file = folder / f"{_ENVIRONMENT}{suffix}"
        if file.is_file():
            text = file.read_text(errors="replace")[:_LONGEST_ENVIRONMENT]
            document = parse_document(text, is_json=suffix == ".json")
            return {str(key): str(value)[:1000] for key, value in (document or {}).items()}
    return {}
