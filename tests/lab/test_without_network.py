"""A second start needs no download: nothing but this machine itself is there to be asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpucloud.lab.host import LabHost

WITH_LOOPBACK_ALONE = """\
import fcntl, os, socket, struct, sys
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
fcntl.ioctl(socket.socket(), SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Runs a program in a new network namespace, where loopback is the one interface and is off at first."""
FROM_START_TO_SHELL = """\
trap '"$1" lab down alone' EXIT
grep -c : /proc/net/dev
"$1" lab up card-audio --name alone
"$1" lab run alone -- uname -n
"""


@pytest.mark.lab
def test_a_second_start_gets_to_its_shell_without_a_network(card_audio: LabHost, tmp_path: Path) -> None:
    """The first start was that of the server that tests share: it left its image in the cache."""
    gpucloud = str(Path(sys.executable).with_name("gpucloud"))
    done = subprocess.run(
        [
            *("unshare", "--net", sys.executable, "-c", WITH_LOOPBACK_ALONE),
            *("sh", "-euc", FROM_START_TO_SHELL, "sh", gpucloud),
        ],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    interfaces, _, rest = done.stdout.partition("\n")
    assert (done.returncode, interfaces) == (0, "1"), done.stdout + done.stderr
    assert card_audio.run(["uname", "-n"], ok=(0,)).stdout.strip() in rest.splitlines()
