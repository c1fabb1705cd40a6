from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpucloud.lab.cache import cache_folder, ensure, keep_newest, state_folder


def test_a_thing_is_made_once(tmp_path: Path) -> None:
    made: list[Path] = []
    for _ in range(2):
        ensure(tmp_path / "x", made.append)
    assert len(made) == 1


def test_it_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    place = tmp_path / "x"

    def make(part: Path) -> None:
        (part / "made").touch()
        assert not place.exists()

    ensure(place, make)
    assert (place / "made").exists()


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(part: Path) -> None:
        (part / "half").touch()
        raise RuntimeError("no space")

    with pytest.raises(RuntimeError):
        ensure(tmp_path / "x", fail)
    assert [entry for entry in tmp_path.iterdir() if entry.is_dir()] == []


def test_whoever_is_killed_while_making_leaves_nothing_that_is_taken_for_whole(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal; from gpucloud.lab.cache import ensure\n"
        "def make(part):\n (part / 'half').touch(); os.kill(os.getpid(), signal.SIGKILL)\n"
        f"ensure(pathlib.Path({str(tmp_path / 'x')!r}), make)"
    )
    subprocess.run([sys.executable, "-c", script], check=False, timeout=30)
    assert not (tmp_path / "x").exists()
    assert (tmp_path / "x.part/half").exists()
    ensure(tmp_path / "x", lambda part: (part / "whole").touch())
    assert [entry.name for entry in (tmp_path / "x").iterdir()] == ["whole"]


def test_the_folders_used_last_are_kept(tmp_path: Path) -> None:
    for age, name in enumerate(["old", "older", "oldest"]):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    ensure(tmp_path / "oldest", lambda part: None)
    keep_newest(tmp_path, 2)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["old", "oldest"]


def test_folders_follow_the_xdg_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/h")
    assert cache_folder() == Path("/c/gpucloud/lab")
    assert state_folder() == Path("/h/.local/state/gpucloud/lab")
