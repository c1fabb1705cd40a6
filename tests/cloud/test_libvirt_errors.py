"""What libvirt says becomes one line, with the cause and without what came before it."""

from __future__ import annotations

from gpucloud.cloud.libvirt.connection import one_line

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
