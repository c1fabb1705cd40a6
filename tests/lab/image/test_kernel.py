from __future__ import annotations

import lzma
import struct
from pathlib import PurePosixPath

import pytest

from gpucloud.lab.image.kernel import extract_elf, modules_in_order, render_initrd
from gpucloud.model.failure import Failure

MODULES_DEP = """\
kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/mbcache.ko kernel/fs/jbd2/jbd2.ko
kernel/fs/jbd2/jbd2.ko:
kernel/fs/mbcache.ko:
kernel/lib/crc16.ko:
kernel/drivers/virtio/virtio-ring.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio.ko:
"""


def bz_image(payload: bytes, sectors: int = 2) -> bytes:
    """A file laid out as Documentation/arch/x86/boot.rst says, with the payload 16 bytes into the kernel."""
    head = bytearray((sectors + 1) * 512)
    head[0x1F1] = sectors
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", head, 0x248, 16, len(payload))
    return bytes(head) + bytes(16) + payload + b"what follows"


def test_the_kernel_is_found_where_the_boot_protocol_says() -> None:
    elf = b"\x7fELF" + bytes(1000)
    assert extract_elf(bz_image(lzma.compress(elf))) == elf


def test_the_length_that_follows_the_compressed_kernel_does_not_disturb() -> None:
    elf = b"\x7fELF" + bytes(1000)
    payload = lzma.compress(elf) + struct.pack("<I", len(elf))
    assert extract_elf(bz_image(payload)) == elf


@pytest.mark.parametrize(
    "image", [b"", b"MZ" + bytes(2000), bz_image(b"zstd"), bz_image(lzma.compress(b"no ELF"))]
)
def test_what_is_no_such_kernel_is_refused(image: bytes) -> None:
    with pytest.raises(Failure):
        extract_elf(image)


def test_a_module_comes_after_what_it_needs() -> None:
    order = modules_in_order(MODULES_DEP, ["virtio_ring", "ext4"])
    assert order == [
        PurePosixPath("kernel/drivers/virtio/virtio.ko"),
        PurePosixPath("kernel/drivers/virtio/virtio-ring.ko"),
        PurePosixPath("kernel/fs/jbd2/jbd2.ko"),
        PurePosixPath("kernel/fs/mbcache.ko"),
        PurePosixPath("kernel/lib/crc16.ko"),
        PurePosixPath("kernel/fs/ext4/ext4.ko"),
    ]


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(Failure, match="nouveau"):
        modules_in_order(MODULES_DEP, ["ext4", "nouveau"])


def test_an_initrd_is_a_newc_archive() -> None:
    archive = render_initrd("#!/bin/x\n", {"x": b"program"}, [("b.ko", b"bb"), ("a.ko", b"a")])
    members = dict(read_newc(archive))
    assert members["init"] == (0o100755, b"#!/bin/x\n")
    assert members["modules"] == (0o100644, b"b.ko\na.ko\n")
    assert members["bin/x"] == (0o100755, b"program")
    assert members["lib/a.ko"] == (0o100644, b"a")
    assert members["dev"][0] == 0o040755
    assert list(members)[-1] == "TRAILER!!!"


def read_newc(archive: bytes) -> list[tuple[str, tuple[int, bytes]]]:
    members, at = [], 0
    while at < len(archive):
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * number : at + 14 + 8 * number], 16) for number in range(13)]
        name = archive[at + 110 : at + 110 + fields[11] - 1].decode()
        start = at + 110 + fields[11]
        start += -start % 4
        members.append((name, (fields[1], archive[start : start + fields[6]])))
        at = start + fields[6]
        at += -at % 4
    return members
