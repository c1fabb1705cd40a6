"""Scripts that do other work, or that something else still runs, and cards that nothing accounts for."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.prepare.adopt.hosts import adoption, left, site_of
from tests.prepare.adopt.styles import GIVEN, Style

from gpucloud.model.change import RemoveFile
from gpucloud.model.plan import Plan

RC = "/etc/rc.local"
SCRIPT = "/usr/local/sbin/vfio-bind.sh"
HEAD = "#!/bin/sh -e\n"
GIVES = "echo vfio-pci > /sys/bus/pci/devices/0000:3b:00.0/driver_override\n"
RUN = {RC: f"{HEAD}{SCRIPT}\nexit 0\n", SCRIPT: HEAD + GIVES}


def planned(folder: Path, files: dict[str, str]) -> Plan:
    return adoption(site_of(folder, Style("debian-12", files, {}, GIVEN)))


def removed(plan: Plan) -> set[str]:
    return {step.change.path for step in plan.steps if isinstance(step.change, RemoveFile)}


def test_a_script_that_nothing_else_runs_goes(tmp_path: Path) -> None:
    assert SCRIPT in removed(planned(tmp_path, RUN))


@pytest.mark.parametrize(
    ("caller", "text"),
    [
        ("/etc/crontab", f"@reboot root {SCRIPT}\n"),
        ("/etc/cron.d/cards", "PATH=/usr/local/sbin\n* * * * * root vfio-bind.sh\n"),
        ("/var/spool/cron/crontabs/root", f"@reboot {SCRIPT}\n"),
        ("/etc/libvirt/hooks/qemu", f"{HEAD}{SCRIPT}\n"),
        ("/etc/libvirt/hooks/qemu.d/cards", f"{HEAD}{SCRIPT}\n"),
        ("/usr/local/bin/start-vm", f"{HEAD}{SCRIPT}\n"),
    ],
)
def test_a_script_that_something_else_runs_stays_and_says_so(caller: str, text: str, tmp_path: Path) -> None:
    plan = planned(tmp_path, {**RUN, caller: text})
    assert SCRIPT not in removed(plan)
    assert left(plan)["vfio-bind.sh"] == f"{caller} still names it"


@pytest.mark.parametrize(
    "more",
    [
        "for dev in /dev/nvme0n1 /dev/nvme1n1; do mkfs.xfs $dev; done\n",
        "for dev in 0000:3b:00.1; do poweroff & done\n",
        "udevadm trigger --subsystem-match=net\n",
    ],
)
def test_a_script_that_does_other_work_is_not_touched(more: str, tmp_path: Path) -> None:
    dev = "dev=0000:3b:00.0\necho vfio-pci > /sys/bus/pci/devices/$dev/driver_override\n"
    plan = planned(tmp_path, {**RUN, SCRIPT: HEAD + dev + more})
    assert removed(plan) == set()


def test_a_card_that_is_given_away_for_no_known_reason_is_named(tmp_path: Path) -> None:
    plan = planned(tmp_path, {RC: f"{HEAD}virsh nodedev-detach pci_0000_3b_00_0\nexit 0\n"})
    assert plan.notes == ("3b:00.0 is with vfio-pci now, and nothing taken over says so: it stays",)
