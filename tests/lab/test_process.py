"""Programs of the laboratory: what cannot be run is said in one line."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gpucloud.lab.process import follow, run
from gpucloud.model.failure import Failure


def test_a_program_that_may_not_be_run_is_named(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text("")
    with pytest.raises(Failure, match="qemu cannot be run: Permission denied"):
        run([str(program)], timeout_s=5)


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(Failure, match="no answer within 0 s from: tail -f /dev/null"):
        run(["tail", "-f", "/dev/null"], timeout_s=0.05)


class _Interrupting(Mapping[str, str]):
    """An environment that Ctrl-C comes upon as the program is being started."""

    def __getitem__(self, name: str) -> str:
        return os.environ[name]

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        signal.raise_signal(signal.SIGINT)
        return iter(["PATH"])


def test_ctrl_c_as_a_program_is_started_ends_it(tmp_path: Path) -> None:
    mark = f"gpucloud-{os.getpid()}-{time.monotonic_ns()}"
    argv = ["tail", "-f", "/dev/null", "--", mark]
    with pytest.raises(KeyboardInterrupt):
        follow(argv, timeout_s=60, log=tmp_path / "log", on_line=lambda _: None, env=_Interrupting())
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark in _text(path)]


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:  # it has ended meanwhile
        return ""
