"""The program for hosts, in one archive: gpucloud and what it needs, for any Python from 3.11 on.

Compiled files stay here: they are for this machine's Python. What has them (PyYAML) does without.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass

from gpucloud.fleet.shipped import Shipped, shipped_files

_SERVE = "gpucloud.fleet.entry", "raise SystemExit(main())"
_TYPED = "gpucloud.cli", "main()"
_STARTERS = {"serve": _SERVE, "gpucloud": _TYPED}
_LEVEL = 6
_COMPILED = {".so", ".pyd"}


@dataclass(frozen=True, slots=True)
class Program:
    """An archive (tar, gzip): ``lib/``, and beside it ``serve`` and ``gpucloud``, which Python runs."""

    key: str
    """Names the content: the same files give the same."""
    archive: bytes


def build_program() -> Program:
    """Pack this program as it is now.

    Raises:
        Failure: a dependency is not installed.
    """
    return pack([each for each in shipped_files() if each.source.suffix not in _COMPILED])


def pack(shipped: list[Shipped]) -> Program:
    """Pack these files; nothing of where and when they lie here goes with them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, (module, call) in _STARTERS.items():
            _add(archive, name, _starter(module, call))
        for file in sorted(shipped, key=lambda each: str(each.target)):
            _add(archive, f"lib/{file.target}", file.source.read_bytes())
    content = packed.getvalue()
    key = hashlib.sha256(content).hexdigest()[:16]
    return Program(key, gzip.compress(content, _LEVEL, mtime=0))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    archive.addfile(entry, io.BytesIO(content))


def _starter(module: str, call: str) -> bytes:
    """Run by ``python -I``, which looks for modules neither beside the file nor in a user's folders."""
    return (
        "import pathlib\nimport sys\n\n"
        'sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))\n'
        f"from {module} import main\n\n{call}\n"
    ).encode()
