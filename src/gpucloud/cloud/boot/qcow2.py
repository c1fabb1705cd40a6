"""The header of a qcow2 image, read without opening the image as a disk. Pure.

Opening an unknown image is how its author reads files of this host: a backing file or an external
data file can name any path. Source: QEMU, docs/interop/qcow2.rst.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"QFI\xfb"
HEADER_BYTES = 104
"""Enough for every field that is read here; version 2 has 72."""

_FIXED = struct.Struct(">4sIQIIQI")
_INCOMPATIBLE_AT = 72
_EXTERNAL_DATA_FILE = 1 << 2


@dataclass(frozen=True, slots=True)
class Qcow2:
    """What matters about an image before it is trusted."""

    virtual_bytes: int
    has_backing_file: bool
    has_external_data: bool
    is_encrypted: bool


def parse_qcow2(head: bytes) -> Qcow2:
    """Read the header of an image.

    Raises:
        ValueError: it is no qcow2 image of version 2 or 3, or it is cut short.
    """
    if len(head) < HEADER_BYTES or not head.startswith(MAGIC):
        raise ValueError("no qcow2 header")
    _, version, backing_at, _, _, size, encryption = _FIXED.unpack_from(head)
    if version not in (2, 3):
        raise ValueError(f"qcow2 version {version}")
    features = 0
    if version > 2:
        (features,) = struct.unpack_from(">Q", head, _INCOMPATIBLE_AT)
    return Qcow2(size, backing_at != 0, bool(features & _EXTERNAL_DATA_FILE), encryption != 0)
