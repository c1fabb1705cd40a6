"""What ``gpucloud capture`` says that it could not read."""

from __future__ import annotations

from gpucloud.cli.capture import lacks


def test_units_that_are_masked_are_not_told_for_there_is_nothing_to_read() -> None:
    pipe = "not a regular file"
    unread = {
        "/proc/cmdline": "Permission denied",
        "/etc/systemd/system/getty@tty1.service": pipe,
        "/etc/systemd/system/nova.service": "Permission denied",
        "/etc/default/grub": pipe,
    }
    assert lacks(unread) == [
        "not in it: etc/default/grub: not a regular file",
        "not in it: etc/systemd/system/nova.service: Permission denied",
        "not in it: proc/cmdline: Permission denied",
    ]
