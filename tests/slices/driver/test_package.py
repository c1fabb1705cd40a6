"""Packages are what their own headers say; a .deb is made by dpkg-deb, an .rpm by the bytes of its format."""

from __future__ import annotations

import lzma
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.model.unknown import Unknown
from gpucloud.slices.driver.package import Kind, parse_package

DEB = "nvidia-vgpu-ubuntu-550_550.90.05_amd64.deb"
CONTROL = """\
Package: nvidia-vgpu-ubuntu-550
Version: 550.90.05
Architecture: amd64
Maintainer: Nobody <nobody@example.org>
Description: a stand-in that has a file alone
"""


def make_deb(folder: Path, packing: str = "gzip") -> Path:
    """A package with one file and a service's unit, made by Debian's own tool."""
    tree = folder / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(CONTROL)
    for path in ("usr/bin/nvidia-vgpud", "lib/systemd/system/nvidia-vgpud.service"):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text("a stand-in\n")
    made = folder / DEB
    words = ["dpkg-deb", f"-Z{packing}", "--root-owner-group", "--build", str(tree), str(made)]
    subprocess.run(words, check=True, capture_output=True)
    return made


def header(texts: dict[int, str]) -> bytes:
    """A header structure of an .rpm: index entries of sixteen bytes, then what they point to."""
    store, index = b"", b""
    for tag, text in texts.items():
        index += struct.pack(">IIII", tag, 6, len(store), 1)
        store += text.encode() + b"\0"
    return b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", len(texts), len(store)) + index + store


def rpm(name: str, version: str, release: str, signature: dict[int, str] | None = None) -> bytes:
    lead = b"\xed\xab\xee\xdb\x03\0" + bytes(90)
    signed = lead + header({1000: "not the name", **(signature or {})})
    fields = {1000: name, 1001: version, 1002: release, 1022: "x86_64"}
    return signed + bytes(-len(signed) % 8) + header(fields) + b"payload"


def deb(control: bytes) -> bytes:
    """An archive whose control file is packed as given. Source: ar(5)."""
    packed = b"!<arch>\n"
    for name, content in ((b"debian-binary", b"2.0\n"), (b"control.tar", control)):
        packed += b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name, 0, 0, 0, b"100644", len(content))
        packed += content + b"\n" * (len(content) % 2)
    return packed


@pytest.mark.parametrize("target", ["nowhere", "control"])
def test_a_deb_whose_control_file_is_a_link_names_no_package(target: str) -> None:
    link = tarfile.TarInfo("control")
    link.type, link.linkname = tarfile.SYMTYPE, target
    with pytest.raises(ValueError, match="names no package"):
        parse_package("nvidia-vgpu_1_amd64.deb", deb(link.tobuf() + bytes(1024)))


def test_a_deb_is_unpacked_once_only() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        parse_package("nvidia-vgpu_1_amd64.deb", deb(lzma.compress(bytes(1 << 20))))


@pytest.mark.proof
@pytest.mark.parametrize("packing", ["gzip", "xz", "none", "zstd"])
def test_a_deb_says_what_it_is_however_it_is_packed(tmp_path: Path, packing: str) -> None:
    package = parse_package(DEB, make_deb(tmp_path, packing).read_bytes())
    assert (package.kind, package.name, package.version) == (Kind.DEB, "nvidia-vgpu-ubuntu-550", "550.90.05")
    assert (package.architecture, package.is_for_hosts, package.branch) == ("x86_64", True, 550)


@pytest.mark.parametrize("more", [{}, {1: "x"}, {1: "xxxxx"}])
def test_an_rpm_says_for_which_release_its_module_is_built(more: dict[int, str]) -> None:
    data = rpm("NVIDIA-vGPU-rhel", "8.9", "550.54.16", more)
    package = parse_package("NVIDIA-vGPU-rhel-8.9-550.54.16.x86_64.rpm", data)
    assert (package.kind, package.name, package.version) == (Kind.RPM, "NVIDIA-vGPU-rhel", "550.54.16")
    assert (package.release, package.is_for_hosts, package.architecture) == ("8.9", True, "x86_64")


@pytest.mark.parametrize(
    ("file", "version", "is_for_hosts"),
    [
        ("NVIDIA-Linux-x86_64-550.90.05-vgpu-kvm.run", "550.90.05", True),
        ("NVIDIA-Linux-x86_64-418.66-vgpu-kvm.run", "418.66", True),
        ("NVIDIA-Linux-x86_64-550.90.05-vgpu-kvm-aie.run", "550.90.05", True),
        ("NVIDIA-Linux-x86_64-550.90.07-grid.run", "550.90.07", False),
    ],
)
def test_a_run_is_what_its_name_says(file: str, version: str, is_for_hosts: bool) -> None:
    package = parse_package(file, b"#!/bin/sh\n")
    assert (package.kind, package.version, package.is_for_hosts) == (Kind.RUN, version, is_for_hosts)


def test_a_driver_for_computing_is_not_taken_for_either() -> None:
    package = parse_package("NVIDIA-Linux-x86_64-550.90.07.run", b"#!/bin/sh\n")
    assert isinstance(package.is_for_hosts, Unknown)


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("x.zip", b"PK\x03\x04"),
        ("x.deb", b"!<arch>\n"),
        ("x.rpm", b"\xed\xab\xee\xdb" + bytes(92)),
        ("a b.run", b"#!/bin/sh\n"),
        ("$(reboot).run", b"#!/bin/sh\n"),
        ("x.rpm", rpm("$(reboot)", "1", "550.54.16")),
        ("x.rpm", rpm("NVIDIA-vGPU-rhel", "8.9", "550.54.16")[:150]),
    ],
)
def test_what_is_no_package_is_refused(file: str, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_package(file, data)


@given(st.sampled_from([b"!<arch>\n", b"\xed\xab\xee\xdb", b"#!"]), st.binary(max_size=400))
def test_bytes_of_any_kind_are_read_or_refused(start: bytes, rest: bytes) -> None:
    try:
        parse_package("NVIDIA-x.run", start + rest)
    except ValueError:
        return


@given(st.data())
def test_a_damaged_rpm_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(rpm("NVIDIA-vGPU-rhel", "8.9", "550.54.16"))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse_package("NVIDIA-vGPU-rhel.rpm", bytes(whole))
    except ValueError:
        return
