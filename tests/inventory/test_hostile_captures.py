"""Captures that nobody vouches for: sizes are bounded, nothing leads outside, damage is said in one line."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host_tree import HostTree
from tests.inventory.build import NAMES

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.absences import ByRule
from gpucloud.inventory.capture.archives import bounds
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.packed import Packed, Root
from gpucloud.inventory.capture.reader import CaptureReader
from gpucloud.inventory.patterns import one_of
from gpucloud.model.failure import Failure
from gpucloud.model.plain import to_plain
from gpucloud.model.unknown import Unknown

pytestmark = pytest.mark.proof

GPU = "0000:3b:00.0"


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as out:
        for member, data in members:
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


CLASS = (member(f"sys/bus/pci/devices/{GPU}/class"), b"0x030200\n")


def refused(path: Path) -> str:
    with pytest.raises(Failure) as caught:
        open_capture(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "sys/../../x", "sys/bus/.."])
def test_a_member_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    assert "leads out of it" in refused(archive(tmp_path / "c.tar", CLASS, (member(name), b"x")))


def test_a_member_of_a_gibibyte_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "c.tar.gz"
    header = member("sys/huge")
    header.size = 1 << 30
    with gzip.open(path, "wb") as out:
        out.write(header.tobuf())
        out.write(b"\0" * 4096)  # the rest is never asked for
    assert "1073741824 bytes" in refused(path)


def test_a_header_that_names_for_a_gibibyte_is_refused(tmp_path: Path) -> None:
    header = member("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    header.size = 1 << 30
    (tmp_path / "c.tar").write_bytes(header.tobuf() + b"x" * 4096)
    assert "1073741824 bytes" in refused(tmp_path / "c.tar")


def test_a_zip_member_of_a_gibibyte_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "c.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("sys/huge", b"\0" * 4096)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 1 << 30)
    path.write_bytes(data)
    assert "1073741824 bytes" in refused(path)


def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.tar.gz"
    with gzip.open(path, "wb") as out:
        for number in range(4):
            header = member(f"sys/{number}")
            header.size = bounds.MEMBER_LIMIT
            out.write(header.tobuf())
            out.write(b"\0" * header.size)
    assert "times its size" in refused(path)


def test_an_archive_of_too_many_members_is_refused() -> None:
    budget = bounds.Budget("c.tar")
    for number in range(bounds.COUNT_LIMIT):
        budget.spend(f"sys/{number}", 0)
    with pytest.raises(Failure, match="more than 100000 members"):
        budget.spend("sys/one-too-many", 0)


def test_a_file_that_is_too_long_to_be_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.tar"
    with path.open("wb") as out:
        out.truncate(bounds.ARCHIVE_LIMIT + 1)
    assert "longer than" in refused(path)


def test_a_pipe_is_no_capture_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "neither a directory nor a file" in refused(tmp_path / "pipe")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_an_archive_that_is_cut_short_is_refused(tmp_path: Path, mode: str, kept: float) -> None:
    path = tmp_path / "c.tar"
    with tarfile.open(path, mode) as out:  # type: ignore[call-overload]
        for number in range(40):
            info = member(f"sys/{number}")
            info.size = 3000
            out.addfile(info, io.BytesIO(os.urandom(3000)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    assert "cut short" in refused(path)


def test_an_archive_that_is_cut_between_two_members_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "c.tar", CLASS, (member("sys/a"), b"x" * 512), (member("sys/b"), b"y" * 512))
    path.write_bytes(path.read_bytes()[: 4 * 512])
    assert "cut short" in refused(path)


def test_a_zip_archive_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("sys/a", os.urandom(5000))
    path.write_bytes(path.read_bytes()[:3000])
    assert "damaged" in refused(path)


@given(
    data=st.binary(max_size=2000),
    start=st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"BZh9"]),
)
def test_no_bytes_are_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, start: bytes
) -> None:
    path = tmp_path_factory.mktemp("c") / "c"
    path.write_bytes(start + data)
    with pytest.raises(Failure):
        open_capture(path)


def test_links_that_lead_outside_stay_inside(tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_text("0x030200\n")
    root = tmp_path / "capture"
    tree = HostTree(root)
    tree.function(GPU, "10de:1db4", "0302")
    for name, target in (
        ("class", str(outside)),
        ("vendor", "../" * 20 + str(outside)[1:]),
        ("device", "/etc/passwd"),
    ):
        place = root / tree.place(GPU) / name
        place.unlink()
        place.symlink_to(target)
    (root / tree.place(GPU) / "modalias").unlink()
    found = read_host(open_capture(root), NAMES).functions
    assert not isinstance(found, Unknown)
    gpu = next(iter(found.values()))
    assert isinstance(gpu.pci_class, Unknown)
    assert isinstance(gpu.id, Unknown)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_archives_stay_inside(tmp_path: Path, kind: bytes) -> None:
    place = f"sys/bus/pci/devices/{GPU}"
    path = archive(tmp_path / "c.tar", CLASS, (member(f"{place}/vendor", kind, "/etc/hostname"), b""))
    found = read_host(open_capture(path), NAMES).functions
    assert not isinstance(found, Unknown)
    assert isinstance(next(iter(found.values())).id, Unknown)


def test_links_in_a_circle_are_unknown(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.function(GPU, "10de:1db4", "0302")
    tree.link("etc/os-release", "/etc/a")
    tree.link("etc/a", "/etc/os-release")
    tree.link("sys/firmware", "../sys/firmware")
    host = read_host(open_capture(tmp_path), NAMES)
    assert isinstance(host.distribution.id, Unknown)
    assert isinstance(host.iommu.has_dmar, Unknown)


def test_devices_and_pipes_in_a_capture_are_not_opened_for_reading(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.folder("proc")
    os.mkfifo(tmp_path / "proc/cmdline")
    arguments = read_host(open_capture(tmp_path), NAMES).kernel.arguments
    assert isinstance(arguments, Unknown)
    assert "not a regular file" in arguments.why
    path = archive(tmp_path / "c.tar", CLASS, (member("dev/kvm", tarfile.CHRTYPE), b""))
    assert read_host(open_capture(path), NAMES).kvm.has_device is True


def test_hostile_text_is_a_fact_that_is_not_understood(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.function(GPU, "10de:1db4", "0302")
    for name in (
        "class",
        "vendor",
        "resource",
        "numa_node",
        "modalias",
        "current_link_speed",
        "sriov_totalvfs",
    ):
        tree.write(f"{tree.place(GPU)}/{name}", b"\x1b[2J\0\xff" * 50)
    tree.write("proc/sys/kernel/osrelease", b"a\0b")
    tree.write("proc/net/route", b"x\ny\0z 00000000 0 0003 0 0 0 00000000\n")
    host = read_host(open_capture(tmp_path), NAMES)
    assert host.units == ()
    assert isinstance(host.vital, Unknown)


def test_a_damaged_manifest_is_said_so(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.write("gpucloud/manifest.json", '{"gpucloud_capture": 1}')
    assert "damaged manifest" in refused(tmp_path)
    tree.write("gpucloud/manifest.json", '{"gpucloud_capture": 99}')
    assert "format 99" in refused(tmp_path)


@pytest.mark.parametrize("damage", [b"\xff" * 5, b"\x00" * 5])
def test_zip_archives_of_an_unusual_packing_are_refused(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "c.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as out:
        out.writestr(CLASS[0].name, CLASS[1] * 9)
    whole = path.read_bytes()
    start = whole.find(b"\x09\x04\x05\x00") + 9
    path.write_bytes(whole[:start] + damage + whole[start + len(damage) :])
    assert "unusual way" in refused(path)


def test_a_link_longer_than_the_kernel_allows_is_refused(tmp_path: Path) -> None:
    long = member(f"sys/bus/pci/devices/{GPU}/driver", tarfile.SYMTYPE, "a/" * 3000)
    assert "longer than 4095" in refused(archive(tmp_path / "c.tar", CLASS, (long, b"")))


HUGE = "0x" + "f" * 20_000


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("revision", HUGE),
        ("revision", "-5"),
        ("class", "-1"),
        ("numa_node", "9" * 400),
        ("sriov_totalvfs", HUGE),
        ("current_link_width", "9" * 5000),
        ("current_link_speed", "9" * 400 + " GT/s"),
        ("resource", f"0x0 {HUGE} 0x200"),
        ("/proc/cpuinfo", f"flags : vmx\naddress sizes : {'9' * 5000} bits physical\n"),
        ("/proc/iomem", f"0-{HUGE[2:]} : BOOTFB\n"),
    ],
)
def test_no_number_of_a_capture_is_too_long_to_print(tmp_path: Path, file: str, text: str) -> None:
    tree = HostTree(tmp_path)
    tree.function(GPU, "10de:1db4", "0302")
    place = tmp_path / (file[1:] if file.startswith("/") else f"{tree.place(GPU)}/{file}")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    host = read_host(open_capture(tmp_path), NAMES)
    printed = json.dumps(to_plain(host), allow_nan=False)
    assert "9999999999" not in printed.replace(text[:60], "")


@pytest.mark.parametrize("patterns", [["/sys/*"] * 2001, ["/" + "[s]" * 100]])
def test_a_manifest_of_more_patterns_than_any_release_has_is_refused(
    tmp_path: Path, patterns: list[str]
) -> None:
    tree = HostTree(tmp_path)
    plain = {"gpucloud_capture": 1, "made_by": "x", "redacted": True, "collected": patterns, "unread": {}}
    tree.write("gpucloud/manifest.json", json.dumps(plain))
    assert "more than 2000 patterns" in refused(tmp_path)


def test_a_flood_of_odd_aliases_is_unknown(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.function(GPU, "10de:1db4", "0302")
    tree.write("proc/sys/kernel/osrelease", "6.8.0")
    tree.write("lib/modules/6.8.0/modules.builtin.modinfo", "")
    tree.write(
        "lib/modules/6.8.0/modules.alias", "".join(f"alias pci:X{number:x}* m\n" for number in range(501))
    )
    found = read_host(open_capture(tmp_path), NAMES).functions
    assert not isinstance(found, Unknown)
    claimed = next(iter(found.values())).candidate_modules
    assert isinstance(claimed, Unknown)
    assert "more than 500 aliases" in claimed.why


def test_folders_named_by_thousands_of_digits_are_no_groups_and_no_processes() -> None:
    digits = "9" * 5000
    packed: Root = {
        "proc": {digits: {"fd": {}}},
        "sys": {
            "kernel": {"iommu_groups": {digits: {"devices": {}}}},
            "bus": {"pci": {"devices": {GPU: {"drm": {"card0": {}}, "iommu_group": [f"/x/{digits}"]}}}},
        },
    }
    host = read_host(CaptureReader("c", Packed(packed), ByRule(), has_manifest=False), NAMES)
    assert host.iommu.groups == {}
    assert not isinstance(host.functions, Unknown)
    assert isinstance(next(iter(host.functions.values())).iommu_group, Unknown)


def test_names_of_processes_and_guests_are_no_longer_than_hosts_have_them(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.function(GPU, "10de:1db4", "0302")
    command = ("/usr/bin/qemu-system-x86_64", "-name", f"guest={'g' * 900_000},debug-threads=on")
    tree.holder(42, "p" * 900_000, tree.node(GPU, "drm/card0"), command)
    found = read_host(open_capture(tmp_path), NAMES).units[0].primary.holders
    assert isinstance(found, tuple)
    assert [(len(holder.process), len(holder.guest or "")) for holder in found] == [(64, 255)]


def test_no_patterns_match_no_path() -> None:
    assert not one_of([])("")
    assert not one_of([])("/sys")
