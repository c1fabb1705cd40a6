"""Where boot loaders read: each file system once, those without a journal passed over, none left frozen."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest
from tests.prepare.site import folder_in_memory

from gpucloud.prepare.reach.checkpoint import checkpoint, one_of_each_file_system


def test_each_file_system_is_written_out_once(tmp_path: Path) -> None:
    (tmp_path / "boot/efi").mkdir(parents=True)
    assert one_of_each_file_system(tmp_path) == (tmp_path / "boot",)


def test_a_folder_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "boot").touch()
    assert one_of_each_file_system(tmp_path) == ()
    checkpoint(tmp_path)


def test_a_file_system_without_a_journal_has_nothing_to_write_out() -> None:
    with folder_in_memory() as folder:
        (folder / "boot").mkdir()
        checkpoint(folder)


def test_what_is_frozen_is_thawed_though_who_froze_it_is_killed(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="has died"):
        checkpoint(tmp_path, write=be_killed, release=leave_a_mark)
    assert (tmp_path / "mark").exists()


def be_killed(_root: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave_a_mark(root: Path) -> None:
    (root / "mark").touch()


def test_no_signal_that_can_be_held_off_comes_between_freezing_and_thawing(tmp_path: Path) -> None:
    def freeze_and_thaw(root: Path) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(os.getpid(), number)
        leave_a_mark(root)

    checkpoint(tmp_path, write=freeze_and_thaw)
    assert (tmp_path / "mark").exists()


def test_a_disk_that_failed_is_an_error(tmp_path: Path) -> None:
    def fail(_root: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        checkpoint(tmp_path, write=fail)
