"""Reasons that lie in the screen of the host."""

from __future__ import annotations

from gpucloud.doctor.causes import Cause

LAST = (
    Cause(
        "last-console",
        "It is the last GPU that shows the host's console",
        "Without it the host has no screen: whoever sits in front of it sees nothing until the card is given "
        "back. This is the one guard that --force lifts.",
        (
            "the card is the boot VGA device, or a framebuffer (/dev/fb0) is on it",
            "no other GPU with outputs has a host driver",
        ),
        (
            "Where the host is reached over the network or a serial line: accept it with --force",
            "Make another display the boot display in the firmware",
        ),
        "the local screen, until undo or a restart",
        ("Linux Documentation/fb/fbcon.rst", "Linux drivers/pci/vgaarb.c: vga_default_device()"),
    ),
)
