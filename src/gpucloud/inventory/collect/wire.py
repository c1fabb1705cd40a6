r"""The stream that collectors print, line by line, into a capture in memory.

Each line begins with a mark, then a path below the host's root; parts are joined by a tab:

``D path`` a folder · ``N path`` something else that is there · ``F path`` a file, whose lines follow ·
``+text`` one line of that file · ``X path hex`` a binary file · ``L path target`` a symbolic link ·
``U path why`` what could not be read · ``E`` the end, without which the stream was cut short. Empty
lines mean nothing.
"""

from __future__ import annotations

from gpucloud.inventory.capture.tree import Tree
from gpucloud.model.failure import Failure


class Stream:
    """What a collector printed, sorted by kind. Text ends with a newline, whether the file's did or not."""

    def __init__(self) -> None:
        self.folders: list[str] = []
        self.links: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.unread: dict[str, str] = {}

    def tree(self) -> Tree:
        """Put everything in its place: files behind a link to a folder go where the link leads."""
        tree = Tree()
        for path in sorted(self.links, key=lambda path: path.count("/")):
            tree.add_link(tree.place_of(path), self.links[path])
        for path in self.folders:
            tree.add_folder(tree.end_of(path))
        for path, data in self.files.items():
            tree.add_file(tree.place_of(path), data)
        return tree


class _MalformedError(ValueError):
    """A line that no collector prints."""


def parse_stream(data: bytes, source: str) -> Stream:
    """Read a whole stream.

    Raises:
        Failure: the stream is cut short, or a line is none of its own; ``source`` is named.
    """
    stream = Stream()
    texts: dict[str, list[bytes]] = {}
    lines: list[bytes] | None = None
    for line in data.split(b"\n"):
        if line == b"E":
            stream.files = {path: _joined(parts) for path, parts in texts.items()} | stream.files
            return stream
        try:
            if line[:1] == b"+":
                _continued(lines).append(line[1:])
            elif line:
                lines = _take(stream, texts, line)
        except ValueError:
            raise Failure(
                f"{source} sent a line that is no fact: {line[:60]!r}",
                f"something there prints into the same output; try again, or look at: ssh {source} true",
            ) from None
    raise Failure(f"what {source} sent is cut short", f"try again, or look at: ssh {source} true")


def _joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _continued(lines: list[bytes] | None) -> list[bytes]:
    if lines is None:
        raise _MalformedError
    return lines


def _take(stream: Stream, texts: dict[str, list[bytes]], line: bytes) -> list[bytes] | None:
    """Take a line that begins something; give the lines of the file that it begins."""
    mark = line[:1]
    path, _, rest = line[1:].decode(errors="replace").partition("\t")
    if not path.startswith("/") or "\0" in path or ".." in path.split("/"):
        raise _MalformedError
    if mark == b"F":  # a file that two rules ask for comes twice, and is one
        texts[path] = []
        return texts[path]
    if mark == b"D":
        stream.folders.append(path)
    elif mark == b"N":
        texts.setdefault(path, [])
    elif mark == b"X":
        stream.files[path] = bytes.fromhex(rest)
    elif mark == b"L" and rest:
        stream.links[path] = rest
    elif mark == b"U":
        stream.unread[path] = rest
    else:
        raise _MalformedError
    return None
