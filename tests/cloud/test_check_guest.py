"""The check guest is the host's kernel and one static program; what lacks is said before anything starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gpucloud.cloud.boot.check_guest import build_initramfs, find_kernel, is_static, make_check_guest
from gpucloud.cloud.packages import install_line
from gpucloud.model.failure import Failure

RELEASE = "6.1.0-test"


def _elf(*segments: int) -> bytes:
    """A 64-bit ELF header with program headers of these types."""
    head = bytearray(64)
    head[:6] = b"\x7fELF\x02\x01"
    head[32:40] = (64).to_bytes(8, "little")
    head[54:56] = (56).to_bytes(2, "little")
    head[56:58] = len(segments).to_bytes(2, "little")
    return bytes(head) + b"".join(kind.to_bytes(4, "little") + bytes(52) for kind in segments)


STATIC, DYNAMIC = _elf(1, 1), _elf(1, 3, 2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("boot", "bin"):
        (tmp_path / folder).mkdir()
    (tmp_path / "boot" / f"vmlinuz-{RELEASE}").write_bytes(b"the kernel")
    (tmp_path / "bin/busybox").write_bytes(STATIC)
    return tmp_path


def test_it_boots_the_kernel_that_runs(root: Path, tmp_path: Path) -> None:
    boot = make_check_guest(tmp_path, RELEASE, "0" * 32, root)
    assert boot.kernel.read_bytes() == b"the kernel"
    assert STATIC in boot.initramfs.read_bytes()
    assert f"gpucloud.nonce={'0' * 32}" in boot.arguments.split()


def test_the_hosts_kernel_file_is_not_the_guests(root: Path, tmp_path: Path) -> None:
    """Libvirt takes the file over for QEMU's user."""
    kernel = make_check_guest(tmp_path, RELEASE, "0" * 32, root).kernel
    assert not os.path.samefile(kernel, root / "boot" / f"vmlinuz-{RELEASE}")  # noqa: PTH121


def test_after_an_update_the_newest_kernel_does(root: Path) -> None:
    newer = root / "boot/vmlinuz-6.1.0-newer"
    newer.write_bytes(b"newer")
    assert find_kernel("6.1.0-gone", root).parent == root / "boot"


def test_kernels_among_their_modules_are_found(tmp_path: Path) -> None:
    kernel = tmp_path / "lib/modules" / RELEASE / "vmlinuz"
    kernel.parent.mkdir(parents=True)
    kernel.touch()
    assert find_kernel(RELEASE, tmp_path) == kernel


def test_no_kernel_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=install_line("kernel")):
        find_kernel(RELEASE, tmp_path)


@pytest.mark.parametrize("content", [DYNAMIC, b"#!/bin/sh\n", b""])
def test_a_busybox_that_needs_libraries_is_refused(root: Path, tmp_path: Path, content: bytes) -> None:
    (root / "bin/busybox").write_bytes(content)
    with pytest.raises(Failure, match=install_line("busybox")):
        make_check_guest(tmp_path, RELEASE, "0" * 32, root)


def test_no_busybox_is_said_with_what_to_do(root: Path, tmp_path: Path) -> None:
    (root / "bin/busybox").unlink()
    with pytest.raises(Failure, match=install_line("busybox")):
        make_check_guest(tmp_path, RELEASE, "0" * 32, root)


def test_real_programs_are_told_apart() -> None:
    assert is_static(Path("/bin/busybox").read_bytes())
    assert not is_static(Path("/bin/ls").read_bytes())


def test_the_first_program_is_sound_shell(tmp_path: Path) -> None:
    archive = build_initramfs(b"")
    subprocess.run(
        ["busybox", "cpio", "-i", "init"], input=archive, cwd=tmp_path, check=True, capture_output=True
    )
    subprocess.run(["busybox", "sh", "-n", tmp_path / "init"], check=True)


def test_its_kernel_speaks_before_its_first_report(tmp_path: Path) -> None:
    """A launch waits for a report: whoever reads the console after it finds the kernel's lines there."""
    archive = build_initramfs(b"").decode()
    assert archive.index("\ngpucloud_kernel_lines\n") < archive.index("\ngpucloud_reports ")
