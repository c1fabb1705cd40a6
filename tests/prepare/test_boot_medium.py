"""What GRUB's own files lie on: whether it can count tries there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import build_family, plan_for

from gpucloud.inventory.live import LiveReader
from gpucloud.model.boot import BootFiles
from gpucloud.model.change import TryNewStart
from gpucloud.model.plan import Plan
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.fallback import risk_of_trying
from gpucloud.prepare.boot.medium import read_unwritable

PLAIN = "25 1 8:2 / / rw,relatime - ext4 /dev/sda2 rw\n"
VOLUME = "25 1 254:0 / / rw,relatime - ext4 /dev/mapper/vg-root rw\n"
BOOT = "30 25 8:1 / /boot rw,relatime - ext4 /dev/sda1 rw\n"


def add_disk(root: Path, number: str, name: str, uuid: str = "", slaves: Mapping[str, str] = {}) -> None:
    """A disk as the kernel shows it: a link by number, one by name, and what it is made of."""
    folder = root / "sys/devices/virtual/block" / name
    (folder / "slaves").mkdir(parents=True)
    if uuid:
        (folder / "dm").mkdir()
        (folder / "dm/uuid").write_text(uuid + "\n")
    for slave in slaves:
        (folder / "slaves" / slave).symlink_to(f"../../{slave}")
    for place in (f"sys/dev/block/{number}", f"sys/class/block/{name}"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).symlink_to(f"../../devices/virtual/block/{name}")
    for slave, number in slaves.items():
        add_disk(root, number, slave)


def on(root: Path, mounts: str) -> str | None | Unknown:
    (root / "proc/self").mkdir(parents=True, exist_ok=True)
    (root / "proc/self/mountinfo").write_text(mounts)
    return read_unwritable(LiveReader(root), "/boot/grub")


def test_a_plain_disk_can_be_written(tmp_path: Path) -> None:
    add_disk(tmp_path, "8:2", "sda")
    assert on(tmp_path, PLAIN) is None


@pytest.mark.parametrize("kind", ["btrfs", "zfs"])
def test_a_file_system_with_checksums_cannot(kind: str, tmp_path: Path) -> None:
    assert on(tmp_path, f"25 1 0:24 /@ / rw - {kind} none rw\n") == kind


def test_a_volume_cannot_unless_boot_is_a_disk_of_its_own(tmp_path: Path) -> None:
    add_disk(tmp_path, "254:0", "dm-0", "LVM-abc")
    add_disk(tmp_path, "8:1", "sda")
    assert on(tmp_path, VOLUME) == "LVM"
    assert on(tmp_path, VOLUME + BOOT) is None


def test_the_last_mount_at_a_point_is_the_one_that_is_seen(tmp_path: Path) -> None:
    add_disk(tmp_path, "8:1", "sda")
    assert on(tmp_path, PLAIN + BOOT + BOOT.replace("ext4", "btrfs")) == "btrfs"


def test_a_raid_cannot(tmp_path: Path) -> None:
    add_disk(tmp_path, "9:0", "md0", slaves={"sda": "8:0", "sdb": "8:16"})
    assert on(tmp_path, PLAIN.replace("8:2", "9:0")) == "RAID"


def test_what_is_encrypted_is_as_what_lies_below_it(tmp_path: Path) -> None:
    add_disk(tmp_path, "254:0", "dm-0", "CRYPT-LUKS2-abc", slaves={"sda": "8:0"})
    assert on(tmp_path, VOLUME) is None
    other = tmp_path / "other"
    add_disk(other, "254:0", "dm-0", "CRYPT-LUKS2-abc", slaves={"md0": "9:0"})
    assert on(other, VOLUME) == "RAID"


def test_what_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    found = read_unwritable(LiveReader(tmp_path), "/boot/grub")
    assert isinstance(found, Unknown)
    assert found.why == "/proc/self/mountinfo is not there"
    assert isinstance(on(tmp_path, "no mount\n"), Unknown)


def risk_of_the_trial(plan: Plan) -> str:
    (step,) = (step for step in plan.steps if isinstance(step.change, TryNewStart))
    return step.risk


def test_the_plan_names_the_risk_where_grub_cannot_count(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "sles-15")
    assert risk_of_the_trial(plan_for(kernel)) == ""
    mounts = tmp_path / "proc/self/mountinfo"
    mounts.write_text(f"{mounts.read_text()}2 1 0:24 /@/boot/grub2 /boot/grub2 rw - btrfs /dev/sda2 rw\n")
    assert risk_of_the_trial(plan_for(kernel)).startswith(
        "/boot/grub2 is on btrfs, where GRUB cannot write (its manual: The GRUB environment block)"
    )


def test_what_is_not_known_of_it_is_said() -> None:
    assert risk_of_trying(BootFiles({}, {}, {"/boot/grub": Unknown("it is secret")}), "/boot/grub") == (
        "whether GRUB can count the tries in /boot/grub/grubenv is not known: it is secret"
    )
