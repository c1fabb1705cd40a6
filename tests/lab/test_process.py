"""Programs of the laboratory: what cannot be run is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpucloud.lab.process import run
from gpucloud.model.failure import Failure


def test_a_program_that_may_not_be_run_is_named(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text("")
    with pytest.raises(Failure, match="qemu cannot be run: Permission denied"):
        run([str(program)], timeout_s=5)


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(Failure, match="no answer within 0 s from: tail -f /dev/null"):
        run(["tail", "-f", "/dev/null"], timeout_s=0.05)
