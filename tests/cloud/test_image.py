"""Images are hostile until looked at: nothing they name is opened, and nothing is believed by its name."""

from __future__ import annotations

import struct
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cloud.boot.image import Image, inspect_image, make_disk
from gpucloud.cloud.boot.make import BootMaker, Identity
from gpucloud.cloud.boot.partitions import find_end, find_firmwares
from gpucloud.cloud.boot.qcow2 import HEADER_BYTES, parse_qcow2
from gpucloud.cloud.definition.parts import Backing, DiskBoot, Firmware
from gpucloud.cloud.packages import install_line
from gpucloud.cloud.programs import run
from gpucloud.model.failure import Failure
from gpucloud.model.guest import GuestSpec

ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
BIOS_BOOT = "21686148-6449-6e6f-744e-656564454649"
LINUX = "0fc63daf-8483-4772-8e79-3d69d8477de4"


def _mbr(*kinds: int, code: bytes = b"") -> bytearray:
    sector = bytearray(512)
    sector[: len(code)] = code
    for number, kind in enumerate(kinds):
        sector[446 + 16 * number + 4] = kind
    sector[510:512] = b"\x55\xaa"
    return sector


def _gpt(
    *kinds: str, sector: int = 512, code: bytes = b"", count: int = 128, size: int = 128, last: int = 100
) -> bytes:
    header = bytearray(92)
    header[:8] = b"EFI PART"
    struct.pack_into("<QII", header, 72, 2, count, size)
    place = struct.pack("<QQ", 34, last).ljust(96, b"\0")
    entries = b"".join(uuid.UUID(kind).bytes_le + bytes(16) + place for kind in kinds)
    head = bytes(_mbr(0xEE, code=code)).ljust(sector, b"\0")
    return (head + bytes(header).ljust(sector, b"\0") + entries).ljust(64 * 1024, b"\0")


BOTH = (Firmware.UEFI, Firmware.BIOS)


@pytest.mark.parametrize(
    ("head", "firmwares"),
    [
        (_gpt(ESP, LINUX), (Firmware.UEFI,)),
        (_gpt(ESP, LINUX, code=b"\xeb\x63"), (Firmware.UEFI,)),
        (_gpt(ESP, LINUX, sector=4096), (Firmware.UEFI,)),
        (_gpt(BIOS_BOOT, ESP, LINUX), BOTH),
        (_gpt(BIOS_BOOT, LINUX), (Firmware.BIOS,)),
        (_gpt(LINUX, code=b"\xeb\x63"), (Firmware.BIOS,)),
        (bytes(_mbr(0x83, code=b"\xeb\x63")), (Firmware.BIOS,)),
        (bytes(_mbr(0xEF)), (Firmware.UEFI,)),
        (bytes(_mbr(0xEF, code=b"\xeb\x63")), BOTH),
    ],
)
def test_firmware_is_read_from_the_partition_table(head: bytes, firmwares: tuple[Firmware, ...]) -> None:
    assert find_firmwares(head) == firmwares


@pytest.mark.parametrize("head", [b"", bytes(64 * 1024), bytes(_mbr(0x83)), _gpt(LINUX)])
def test_a_disk_that_nothing_can_start_is_said_so(head: bytes) -> None:
    with pytest.raises(ValueError, match="it has"):
        find_firmwares(head)


def test_a_disk_ends_where_its_last_partition_does() -> None:
    assert find_end(_gpt(ESP, LINUX, last=2047)) == 1 << 20
    assert find_end(_gpt(ESP, sector=4096, last=2047)) == 8 << 20
    mbr = _mbr(0x83, 0)
    struct.pack_into("<II", mbr, 446 + 8, 2048, 4096)
    assert find_end(bytes(mbr)) == 6144 * 512
    assert find_end(bytes(_mbr())) == 0


@pytest.mark.parametrize("last", [2047, 2**64 - 1])
def test_an_image_that_is_cut_short_is_refused(tmp_path: Path, last: int) -> None:
    image = tmp_path / "image"
    image.write_bytes(_gpt(ESP, last=last))
    with pytest.raises(Failure, match=r"is cut short: .* it has 65536; fetch it again"):
        inspect_image(image, _nothing_runs)


def test_an_image_behind_a_link_that_leads_nowhere_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "image").symlink_to("image")
    with pytest.raises(Failure, match=r"cannot be read: Too many levels of symbolic links"):
        inspect_image(tmp_path / "image", _nothing_runs)


@given(st.binary(max_size=3000), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_no_partition_table_breaks_the_parser(noise: bytes, count: int, size: int) -> None:
    for head in (noise, bytes(_mbr()) + noise, _gpt(ESP, count=count, size=size)[:1024] + noise):
        assert find_end(head) >= 0
        try:
            firmwares = find_firmwares(head)
        except ValueError:
            continue
        assert firmwares


def _qcow2(version: int = 3, backing: int = 0, features: int = 0, encryption: int = 0) -> bytes:
    head = struct.pack(">4sIQIIQI", b"QFI\xfb", version, backing, 0, 16, 1 << 30, encryption)
    return (head.ljust(72, b"\0") + struct.pack(">Q", features)).ljust(512, b"\0")


def _nothing_runs(argv: Sequence[str], *, timeout_s: float = 0) -> str:
    raise AssertionError(f"{argv} was run")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (_qcow2(backing=512), "stands on another file"),
        (_qcow2(features=4), "keeps its data in another file"),
        (_qcow2(encryption=1), "is encrypted"),
        (_qcow2(version=4), "damaged"),
        (_qcow2()[: HEADER_BYTES - 1], "damaged"),
        (b"KDMV" + bytes(600), "a VMware disk"),
        (b"# Disk DescriptorFile\nRW 1 FLAT /etc/shadow", "a VMware disk"),
        (b"\x1f\x8b" + bytes(600), "compressed with gzip"),
        (bytes(1 << 17), "does not boot: it has no boot sector"),
        (b"", "does not boot"),
    ],
)
def test_a_bad_image_is_refused_before_any_program_opens_it(tmp_path: Path, content: bytes, why: str) -> None:
    image = tmp_path / "image.qcow2"
    image.write_bytes(content)
    with pytest.raises(Failure, match=why):
        inspect_image(image, _nothing_runs)


@pytest.mark.parametrize("name", ["absent.qcow2", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Failure, match=r"cannot be read|is no file"):
        inspect_image(tmp_path / name, _nothing_runs)


@given(st.binary(max_size=200))
def test_no_qcow2_header_breaks_the_parser(noise: bytes) -> None:
    for head in (noise, b"QFI\xfb" + noise):
        try:
            assert parse_qcow2(head).virtual_bytes >= 0
        except ValueError as error:
            assert "qcow2" in str(error)  # noqa: PT017 - either is fine


def test_a_qcow2_image_is_looked_into(tmp_path: Path) -> None:
    raw, image = tmp_path / "raw", tmp_path / "disk.img"
    raw.write_bytes(_gpt(ESP, LINUX).ljust(1 << 20, b"\0"))
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, image], check=True)
    found = inspect_image(image, run)
    assert (found.format, found.firmwares) == ("qcow2", (Firmware.UEFI,))


def test_an_image_that_names_another_is_refused_though_qemu_would_take_it(tmp_path: Path) -> None:
    base, image = tmp_path / "base", tmp_path / "image"
    base.write_bytes(_gpt(ESP).ljust(1 << 20, b"\0"))
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, image], check=True)
    with pytest.raises(Failure, match="stands on another file"):
        inspect_image(image, _nothing_runs)


@pytest.fixture
def raw_image(tmp_path: Path) -> Image:
    path = tmp_path / "image.raw"
    path.write_bytes(bytes(_mbr(0x83, code=b"\xeb\x63")).ljust(1 << 20, b"\0"))
    return Image(path, "raw", (Firmware.BIOS,), is_readable_by_all=True)


def test_a_guests_disk_is_a_thin_layer_and_the_image_stays_as_it_is(tmp_path: Path, raw_image: Image) -> None:
    before = raw_image.path.read_bytes()
    disk = tmp_path / "disk.qcow2"
    assert make_disk(raw_image, disk, run) == Backing(raw_image.path, "raw")
    assert parse_qcow2(disk.read_bytes()).has_backing_file
    assert raw_image.path.read_bytes() == before


def test_an_image_that_qemus_user_cannot_read_is_copied(tmp_path: Path, raw_image: Image) -> None:
    disk = tmp_path / "disk.qcow2"
    closed = Image(raw_image.path, "raw", (Firmware.BIOS,), is_readable_by_all=False)
    assert make_disk(closed, disk, run) is None
    header = parse_qcow2(disk.read_bytes())
    assert not header.has_backing_file
    assert header.virtual_bytes == 1 << 20


def test_rights_of_file_and_folders_decide_who_can_read(tmp_path: Path, raw_image: Image) -> None:
    tmp_path.chmod(0o700)
    assert not inspect_image(raw_image.path, _nothing_runs).is_readable_by_all
    raw_image.path.chmod(0o600)
    tmp_path.chmod(0o755)
    assert not inspect_image(raw_image.path, _nothing_runs).is_readable_by_all


@pytest.mark.parametrize(
    ("kinds", "has_uefi", "firmware"),
    [
        ((ESP,), True, Firmware.UEFI),
        ((ESP, BIOS_BOOT), True, Firmware.UEFI),
        ((ESP, BIOS_BOOT), False, Firmware.BIOS),
        ((BIOS_BOOT,), False, Firmware.BIOS),
    ],
)
def test_an_image_that_can_do_both_starts_with_uefi_where_that_is_installed(
    tmp_path: Path, kinds: tuple[str, ...], has_uefi: bool, firmware: Firmware
) -> None:
    image = tmp_path / "image"
    image.write_bytes(_gpt(*kinds).ljust(1 << 20, b"\0"))
    look = BootMaker(run, "6.1", lambda: has_uefi).look
    boot = look(GuestSpec("one", 0, image=str(image)))(tmp_path, Identity("one", "uuid", "0" * 32))
    assert isinstance(boot, DiskBoot)
    assert boot.firmware is firmware


def test_without_uefi_firmware_the_package_is_named(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(_gpt(ESP))
    with pytest.raises(Failure, match=install_line("ovmf")):
        BootMaker(run, "6.1", lambda: False).look(GuestSpec("one", 0, image=str(image)))
