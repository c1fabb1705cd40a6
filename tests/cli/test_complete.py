"""The shell completes verbs, options and the names that this machine knows, and installs that on request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.proof


def gpucloud(home: Path, *words: str, **environment: str) -> str:
    """What the program prints in a home of its own, called from bash."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
    done = subprocess.run(
        [sys.executable, "-c", "from gpucloud.cli import main; main()", *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**kept, "HOME": str(home), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", **environment},
    )
    return done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("gpucloud pl", {"plan"}),
        ("gpucloud plan --un", {"--unit"}),
        ("gpucloud lab u", {"up"}),
        ("gpucloud lab up tw", {"twins"}),
        ("gpucloud demo pair", {"pair-no-acs"}),
        ("gpucloud explain last", {"last-console"}),
        ("gpucloud explain acs", {"acs-missing", "acs-override"}),
        ("gpucloud doctor --format ", {"text", "json"}),
        ("gpucloud nova render --layout p", {"packages"}),
        ("gpucloud nova render --release 2026", {"2026.1", "2026.2"}),
        ("gpucloud nova check --release ep", {"epoxy"}),
        ("gpucloud nova match --release ep", {"epoxy"}),
        ("gpucloud nova properties --release ep", {"epoxy"}),
        ("gpucloud status --release ep", {"epoxy"}),
        ("gpucloud cloud explain --release ep", {"epoxy"}),
        ("gpucloud cloud audit --release ep", {"epoxy"}),
        ("gpucloud image prepare --distro ", {"ubuntu", "debian", "rhel", "suse"}),
        ("gpucloud launch --network ", {"auto", "none"}),
    ],
)
def test_what_is_typed_is_completed(typed: str, offered: set[str], tmp_path: Path) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1)}
    said = gpucloud(tmp_path, _GPUCLOUD_COMPLETE="complete_bash", **words)
    assert set(said.split()) == offered


def test_the_completion_can_be_shown(tmp_path: Path) -> None:
    said = gpucloud(tmp_path, "--show-completion", "bash")
    assert "complete -o default -F _gpucloud_completion gpucloud" in said


def test_the_completion_can_be_installed(tmp_path: Path) -> None:
    said = gpucloud(tmp_path, "--install-completion", "bash")
    assert "bash completion installed" in said
    script = tmp_path / ".bash_completions/gpucloud.sh"
    assert f"source '{script}'" in (tmp_path / ".bashrc").read_text()
    assert "_gpucloud_completion" in script.read_text()
