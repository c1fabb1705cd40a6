"""A guest that has stopped on its way up is known by what it prints, and what it prints is not trusted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cloud.dead_ends import find_dead_end

PANIC = "[   12.635921] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"{PANIC}\r\n", "its kernel panicked: VFS: Unable to mount root fs on unknown-block(0,0)"),
        ("Kernel panic - not syncing: Fatal exception\n", "its kernel panicked: Fatal exception"),
        ("BdsDxe: No bootable option or device was found.\r\n", "its firmware finds no boot loader"),
        ("\x1b[0m\x1b[2JUEFI Interactive Shell v2.2\r\n", "its firmware finds no boot loader"),
        ("No bootable device.\n", "its firmware finds no boot loader"),
        ("grub rescue> ", "its boot loader does not find its own files"),
        ("\x1b[37mgrub> ", "its boot loader finds no configuration"),
        (
            "ALERT!  LABEL=root does not exist.  Dropping to a shell!\n",
            "its initramfs does not find LABEL=root",
        ),
        ("Entering emergency mode. Exit the shell to continue.\n", "its initramfs gave up"),
        (
            'You are in emergency mode. After logging in, type "journalctl -xb" to view\n',
            "its system is in emergency mode",
        ),
    ],
)
def test_what_a_guest_says_that_has_stopped_is_explained(line: str, why: str) -> None:
    assert find_dead_end(f"Welcome to GRUB!\r\n\r\n{line}") == why


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[    0.0] Linux version 6.1.0\nlogin: ",
        f"---[ end {PANIC.partition('] ')[2]} ]---\n",
        "logger: Kernel panic - not syncing: said by a program\n",
        "error: no suitable video mode found.\nBooting in blind mode\n",
    ],
)
def test_what_a_guest_says_that_goes_on_is_not(text: str) -> None:
    assert find_dead_end(text) is None


def test_a_line_that_is_not_whole_yet_is_waited_for() -> None:
    assert find_dead_end(PANIC[:-20]) is None


@given(st.text())
def test_no_console_text_breaks_it_or_comes_through_unprintable(text: str) -> None:
    for said in (
        text,
        f"Kernel panic - not syncing: {text}\n",
        f"ALERT! {text} does not exist.  Dropping to a shell!",
    ):
        why = find_dead_end(said)
        assert why is None or (why.isprintable() and len(why) < 200)
