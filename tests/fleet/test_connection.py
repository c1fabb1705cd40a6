"""How ssh is told to notice that a host has restarted."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpucloud.fleet.run import SSH, Runner
from gpucloud.fleet.wish import Wish
from gpucloud.model.failure import Failure

KEEPALIVE = "-o ServerAliveInterval=15 -o ServerAliveCountMax=8"


@pytest.mark.proof
@pytest.mark.parametrize(("own", "told"), [(None, KEEPALIVE), ("-o Port=2222", "-o Port=2222")])
def test_a_connection_that_died_with_its_host_is_noticed_unless_the_user_says_otherwise(
    own: str | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ansible-playbook"
    program.write_text('#!/bin/sh\necho "ERROR told: $ANSIBLE_SSH_EXTRA_ARGS" >&2\n')
    program.chmod(0o755)
    if own is None:
        monkeypatch.delenv(SSH[0], raising=False)
    else:
        monkeypatch.setenv(SSH[0], own)
    wish = Wish((str(tmp_path),), "all", units=("3b:00.0",))
    runner = Runner(str(program))
    with (
        pytest.raises(Failure, match=f"did not begin: ERROR told: {told};"),
        runner.run("look", wish) as (events, _),
    ):
        list(events)
