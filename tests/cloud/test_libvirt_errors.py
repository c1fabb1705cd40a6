"""What libvirt says becomes one line, with the cause and without what came before it."""

from __future__ import annotations

from typing import Any

import pytest

from gpucloud.cloud.libvirt.connection import connect_with, one_line
from gpucloud.cloud.packages import install_line, start_line
from gpucloud.model.failure import Failure

DEVICE = '-device {"driver":"vfio-pci"}: '
QEMU = f"""\
internal error: qemu unexpectedly closed the monitor: 2026-11-22T09:08:14Z qemu: warning: it is deprecated
2026-11-22T09:08:21Z qemu: {DEVICE}warning: vfio 0000:00:0a.0: no reset
2026-11-22T09:08:21Z qemu: {DEVICE}vfio 0000:00:0a.0: group 7 is not viable
"""


def test_what_qemu_said_is_one_line_without_its_warnings() -> None:
    assert one_line(QEMU).endswith("vfio 0000:00:0a.0: group 7 is not viable")
    assert "warning" not in one_line(QEMU)


def test_warnings_are_told_where_there_is_nothing_else() -> None:
    assert one_line("qemu: warning: a\n\nqemu: warning: b\n") == "qemu: warning: a / qemu: warning: b"


def test_of_a_long_error_the_end_is_told() -> None:
    assert one_line("x" * 10_000 + "the cause") == f"... {'x' * 491}the cause"


class Answering:
    """libvirt's binding, and its connection, of some version."""

    libvirtError = OSError  # noqa: N815 - its name

    def __init__(self, version: int) -> None:
        self.version = version

    def registerErrorHandler(self, handler: object, context: object) -> None:  # noqa: N802 - its name
        pass

    def open(self, uri: str) -> Any:
        return self

    def getLibVersion(self) -> int:  # noqa: N802 - its name
        return self.version


def test_a_libvirt_that_cannot_choose_a_firmware_is_refused_by_its_version() -> None:
    with pytest.raises(
        Failure, match=r"libvirt here is 7\.0\.0, and guests with GPUs need 7\.2\.0"
    ) as caught:
        connect_with(Answering(7_000_000))
    assert "Ubuntu 22.04" in caught.value.then


@pytest.mark.parametrize("version", [7_002_000, 8_000_000, 9_000_000, 11_003_000])
def test_newer_ones_are_connected_to(version: int) -> None:
    assert connect_with(Answering(version)) is not None


class Silent(Answering):
    """A daemon that does not run."""

    def open(self, uri: str) -> Any:
        raise OSError("Failed to connect socket to '/var/run/libvirt/libvirt-sock'")


def test_where_libvirt_does_not_answer_its_start_and_its_package_are_told() -> None:
    with pytest.raises(Failure, match="libvirt does not answer: Failed to connect socket") as caught:
        connect_with(Silent(0))
    assert start_line() in caught.value.then
    assert install_line("libvirt") in caught.value.then
