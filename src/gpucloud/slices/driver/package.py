"""What an operator's package is: its kind, its name for the package manager, the version of the driver in it.

The file's own words count: the control file of a .deb (deb(5)), the header of an .rpm (rpm's "RPM V4 Package
format"). A .run says nothing in its first lines that is the same in all branches: there its name counts, as
NVIDIA gives it, ``NVIDIA-Linux-x86_64-550.90.05-vgpu-kvm.run``; a guest's driver ends in ``-grid.run``.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import tarfile
import zlib
from dataclasses import dataclass
from enum import StrEnum

from gpucloud.model.unknown import Unknown

HEAD_BYTES = 4 * 1024 * 1024
"""All that is read stands in the first bytes; packages have hundreds of MiB."""
_MOST_CONTROL = 1024 * 1024
_MOST_MEMORY = 256 * 1024 * 1024
_VERSION = re.compile(r"(?<![0-9.])([0-9]{3})\.([0-9]{2,3})(?:\.([0-9]{2}))?(?![0-9])", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,200}", re.ASCII)
_GUEST = re.compile(r"(?:^|[-_.])grid(?:[-_.]|$)|linux-grid", re.ASCII | re.IGNORECASE)
_HOST = re.compile(r"vgpu", re.ASCII | re.IGNORECASE)
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
_TAGS = {1000: "name", 1001: "version", 1002: "release", 1022: "architecture"}
_RPM_STRING = 6
_RPM_LEAD = 96
_RPM_HEADER = b"\x8e\xad\xe8\x01"


class Kind(StrEnum):
    """How it is packed."""

    DEB = "deb"
    RPM = "rpm"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a driver.

    Args:
        kind: how it is packed.
        file: the name of its file.
        name: what the package manager calls it; of a .run the file's name.
        version: of the driver in it.
        architecture: as ``uname -m`` says it.
        is_for_hosts: it is the vGPU manager; False: the driver for guests; Unknown: neither stands there.
        release: of the distribution that it is for, where its name says one (``8.9``).
    """

    kind: Kind
    file: str
    name: str
    version: str | Unknown
    architecture: str | Unknown
    is_for_hosts: bool | Unknown
    release: str | None = None

    @property
    def branch(self) -> int | None:
        """The major number of the driver's version."""
        return int(self.version.partition(".")[0]) if isinstance(self.version, str) else None


def parse_package(file: str, head: bytes) -> Package:
    """Read a package.

    Args:
        file: its name, without a folder.
        head: its first ``HEAD_BYTES``.

    Raises:
        ValueError: it is no package of these kinds, or damaged.
    """
    if not _NAME.fullmatch(file):
        raise ValueError(f"{file[:80]!r} has characters that no package of NVIDIA has in its name")
    if head.startswith(b"!<arch>\n"):
        return _deb(file, head)
    if head.startswith(b"\xed\xab\xee\xdb"):
        return _rpm(file, head)
    if head.startswith(b"#!") and file.endswith(".run"):
        architecture = "aarch64" if "aarch64" in file else "x86_64" if "x86_64" in file else None
        arch = architecture or Unknown("its name says none")
        return Package(Kind.RUN, file, file, driver_version(file), arch, _is_for_hosts(file))
    raise ValueError(f"{file} is neither a .deb nor an .rpm nor a .run")


def driver_version(*texts: str) -> str | Unknown:
    """The first version of a driver of NVIDIA that stands in a text: ``550.90.05``."""
    found = next((match for text in texts if (match := _VERSION.search(text))), None)
    return Unknown("neither the package nor its name says a version") if found is None else found[0]


def _is_for_hosts(*texts: str) -> bool | Unknown:
    if any(_GUEST.search(text) for text in texts):
        return False
    return True if any(_HOST.search(text) for text in texts) else Unknown("its name says neither")


def _deb(file: str, head: bytes) -> Package:
    name, content = _control_member(head)
    if name not in ("control.tar", "control.tar.gz", "control.tar.xz"):
        stem = file.removesuffix(".deb").split("_")
        if len(stem) != 3:
            raise ValueError(
                f"{file} packs its control file as {name}, and its name is not NAME_VERSION_ARCH.deb"
            )
        fields = {"Package": stem[0], "Version": stem[1], "Architecture": stem[2]}
    else:
        fields = _control(file, _unpacked(name, content))
    name, arch = fields.get("Package", ""), fields.get("Architecture", "")
    if not _NAME.fullmatch(name):
        raise ValueError(f"the control file of {file} names no package")
    architecture = _ARCHITECTURES.get(arch, arch) or Unknown("its control file says none")
    version = driver_version(fields.get("Version", ""), file)
    return Package(Kind.DEB, file, name, version, architecture, _is_for_hosts(name, file))


def _control_member(head: bytes) -> tuple[str, bytes]:
    """The member of the archive after ``debian-binary``. Source: ar(5): headers of 60 bytes, even places."""
    at = 8
    while at + 60 <= len(head):
        header = head[at : at + 60]
        name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), header[48:58].strip()
        if header[58:] != b"`\n" or not size.isdigit():
            break
        at += 60
        if name.startswith("control.tar"):
            content = head[at : at + int(size)]
            if len(content) != int(size):
                break
            return name, content
        at += int(size) + int(size) % 2
    raise ValueError("it holds no whole control file: it is no .deb, or damaged")


def _unpacked(name: str, content: bytes) -> bytes:
    """The begin of the archive, in which control files are."""
    try:
        if name.endswith(".gz"):
            return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, _MOST_CONTROL)
        if name.endswith(".xz"):
            return lzma.LZMADecompressor(memlimit=_MOST_MEMORY).decompress(content, _MOST_CONTROL)
    except (zlib.error, lzma.LZMAError, EOFError) as error:
        raise ValueError(f"its control file cannot be unpacked: {error}") from error
    return content[:_MOST_CONTROL]


def _control(file: str, content: bytes) -> dict[str, str]:
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            named = (each for each in archive if each.name.lstrip("./") == "control")
            member = next((each for each in named if each.isreg()), None)
            stream = None if member is None else archive.extractfile(member)
            text = "" if stream is None else stream.read(_MOST_CONTROL).decode("utf-8", "replace")
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise ValueError(f"the control file of {file} cannot be read: {error}") from error
    lines = (line.partition(":") for line in text.splitlines() if line[:1].strip())
    return {key: value.strip() for key, _, value in lines}


def _rpm(file: str, head: bytes) -> Package:
    """Lead, signature padded to eight bytes, header."""
    _, end = _header(head, _RPM_LEAD)
    fields, _ = _header(head, end + -end % 8)
    name, release = fields.get("name", ""), fields.get("release", "")
    if not _NAME.fullmatch(name):
        raise ValueError(f"the header of {file} names no package")
    architecture = fields.get("architecture") or Unknown("its header says none")
    own = fields.get("version", "")
    version = driver_version(release, own, file)
    target = own if "rhel" in name.lower() and isinstance(version, str) and version not in own else None
    return Package(Kind.RPM, file, name, version, architecture, _is_for_hosts(name, file), target)


def _header(head: bytes, at: int) -> tuple[dict[str, str], int]:
    """The texts of a header structure, and where it ends."""
    if head[at : at + 4] != _RPM_HEADER or len(head) < at + 16:
        raise ValueError("it holds no header where one must be: it is no .rpm, or damaged")
    entries, size = struct.unpack_from(">II", head, at + 8)
    store = at + 16 + 16 * entries
    if entries > 65_536 or size > HEAD_BYTES or len(head) < store + size:
        raise ValueError("its header is larger than any, or cut off")
    found: dict[str, str] = {}
    for number in range(entries):
        tag, kind, offset, _ = struct.unpack_from(">IIII", head, at + 16 + 16 * number)
        if tag in _TAGS and kind == _RPM_STRING and offset < size:
            text = head[store + offset : store + size].partition(b"\0")[0]
            found[_TAGS[tag]] = text[:200].decode("utf-8", "replace")
    return found, store + size
