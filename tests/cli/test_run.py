"""The door for newcomers: what each of its verbs installs, and what it says where it may not."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from gpucloud import __version__

RUN = Path(__file__).parents[2] / "run"


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH of a machine with Python and uv on which no package is installed, and of an ordinary user."""
    programs = {
        "dpkg-query": "echo not-installed",
        "apt-get": f"touch {tmp_path}/apt-was-run",
        "uv": "exit 0",
        "id": "echo 1000",
    }
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    return os.pathsep.join([str(tmp_path), os.environ["PATH"]])


def run(path: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [RUN, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PATH": path},
    )


def test_the_program_itself_runs_without_root_and_without_packages(path: str, tmp_path: Path) -> None:
    done = run(path, "gpucloud", "--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"gpucloud {__version__}\n", "", 0)
    assert not (tmp_path / "apt-was-run").exists()


@pytest.mark.parametrize("verb", ["demo", "test-lab"])
def test_what_needs_the_laboratory_names_its_packages_to_who_may_not_install_them(
    verb: str, path: str, tmp_path: Path
) -> None:
    done = run(path, verb)
    assert done.returncode == 1
    assert done.stderr.startswith("run: packages are missing and only root may install them: apt-get install")
    assert "qemu-system-x86" in done.stderr
    assert not (tmp_path / "apt-was-run").exists()


def test_a_clone_that_this_user_cannot_write_is_named_as_such() -> None:
    """Whom no folder is closed to, root, does it as nobody."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(RUN, folder)
        Path(folder).chmod(0o555)
        done = subprocess.run(
            [f"{folder}/run", "gpucloud", "--version"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": "/usr/bin:/bin"},
            user=65534 if os.getuid() == 0 else None,
        )
        Path(folder).chmod(0o755)
    assert done.returncode == 1
    assert done.stderr.startswith(f"run: {folder} cannot be written by ")
    assert done.stderr.count("\n") == 1
