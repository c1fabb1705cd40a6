"""What a guest of the lab's cloud is: the commands of its user data, run with its own console and devices."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from select import select

import pytest

from gpucloud.cloud.boot.seed import render_user_data
from gpucloud.cloud.report import parse_report
from gpucloud.lab.cloud.files.lab_guest import LabGuest, script_of

NONCE = "0123456789abcdef" * 2
CARD = {"vendor_id": "10de", "product_id": "1db4"}
AUDIO = {"vendor_id": "10de", "product_id": "10f2", "class": "040300"}


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[LabGuest]:
    guest = LabGuest(tmp_path / "guest")
    yield guest
    guest.end()


def _printed(guest: LabGuest, what: str) -> str:
    while what not in guest.console():
        select([], [], [], 0.01)
    return guest.console()


@pytest.mark.timeout(20)
def test_it_reports_the_devices_it_was_given(guest: LabGuest) -> None:
    guest.start(render_user_data(NONCE), [CARD, AUDIO])
    seen = parse_report(_printed(guest, f"{NONCE} end 3"), NONCE)
    assert seen is not None
    assert [(str(each.id), each.pci_class.is_gpu) for each in seen] == [
        ("8086:29c0", False),
        ("10de:1db4", True),
        ("10de:10f2", False),
    ]


@pytest.mark.timeout(20)
def test_nothing_of_it_is_left(guest: LabGuest) -> None:
    said = {"runcmd": ["echo here $$ >/dev/ttyS0; exec sleep 1000"]}
    guest.start("#cloud-config\n" + json.dumps(said), [])
    pid = int(_printed(guest, "\n").split()[1])
    guest.end()
    assert not guest.folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_commands_run_in_the_order_of_cloud_init_and_what_is_no_cloud_config_runs_none() -> None:
    said = {"runcmd": ["echo last"], "bootcmd": [["echo", "first one"]]}
    assert script_of("#cloud-config\n" + json.dumps(said), Path("/g")) == "echo 'first one'\necho last"
    assert script_of("", Path("/g")) == ""
