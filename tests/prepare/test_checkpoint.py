"""Where boot loaders read: each file system once, and those without a journal to write out passed over."""

from __future__ import annotations

from pathlib import Path

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
