"""A kernel for a fast start: the ELF image out of a bzImage, and a small initrd."""

from __future__ import annotations

import lzma
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from gpucloud.model.failure import Failure

MAX_KERNEL_BYTES = 512 * 1024**2


def extract_elf(bz_image: bytes) -> bytes:
    """The uncompressed kernel in a bzImage.

    Started as it is (by its PVH entry), it saves an emulated CPU the firmware's video and disk code and
    seconds of decompression. Offsets are those of the boot protocol, Documentation/arch/x86/boot.rst.

    Raises:
        Failure: it is not a bzImage whose payload is an ELF image compressed with xz (Debian's is).
    """
    if bz_image[0x202:0x206] != b"HdrS":
        raise Failure("the kernel is not a bzImage", "rebuild the laboratory's image")
    sectors = bz_image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bz_image, 0x248)
    start = (sectors + 1) * 512 + offset
    decompressor = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
    try:
        elf = decompressor.decompress(bz_image[start : start + length], MAX_KERNEL_BYTES)
    except lzma.LZMAError as error:
        raise Failure(f"the kernel's payload is not compressed with xz: {error}") from error
    if not elf.startswith(b"\x7fELF"):
        raise Failure("the kernel's payload is not an ELF image")
    return elf


def modules_in_order(modules_dep: str, wanted: Sequence[str]) -> list[PurePosixPath]:
    """Files of modules and of all they depend on, each after what it needs; read from ``modules.dep``.

    Raises:
        Failure: a wanted module is not there.
    """
    lines = (line.partition(":") for line in modules_dep.splitlines())
    needs = {PurePosixPath(path): [PurePosixPath(need) for need in rest.split()] for path, _, rest in lines}
    paths = {path.name.partition(".")[0].replace("-", "_"): path for path in needs}
    missing = [name for name in wanted if name not in paths]
    if missing:
        raise Failure(f"the kernel has no module {', '.join(missing)}")
    order: list[PurePosixPath] = []
    for name in wanted:
        # modules.dep names the nearest first, and already holds the needs of needs.
        for path in [*reversed(needs[paths[name]]), paths[name]]:
            if path not in order:
                order.append(path)
    return order


def render_initrd(init: str, programs: Mapping[str, bytes], modules: Iterable[tuple[str, bytes]]) -> bytes:
    """An initrd, not compressed: unpacking costs an emulated CPU more than reading.

    Args:
        init: the script that is started first.
        programs: name under /bin and content.
        modules: name under /lib and content, in the order they are loaded; /modules lists them.
    """
    loaded = list(modules)
    folders = [(name, stat.S_IFDIR | 0o755, b"") for name in ("bin", "lib", "dev", "root")]
    entries = [
        *folders,
        ("init", stat.S_IFREG | 0o755, init.encode()),
        ("modules", stat.S_IFREG | 0o644, "".join(f"{name}\n" for name, _ in loaded).encode()),
        *((f"bin/{name}", stat.S_IFREG | 0o755, content) for name, content in programs.items()),
        *((f"lib/{name}", stat.S_IFREG | 0o644, content) for name, content in loaded),
        ("TRAILER!!!", 0, b""),
    ]
    return b"".join(part for number, entry in enumerate(entries, 1) for part in _cpio_member(number, *entry))


def _cpio_member(number: int, name: str, mode: int, content: bytes) -> Iterator[bytes]:
    """One member of a "newc" archive (Documentation/driver-api/early-userspace/buffer-format.rst)."""
    named = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(named), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + named
    yield head + b"\0" * (-len(head) % 4)
    yield content + b"\0" * (-len(content) % 4)
