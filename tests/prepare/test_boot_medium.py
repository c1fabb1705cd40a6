"""What GRUB's own files lie on: whether it can count tries there."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import SPEC, build_family, plan_for

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.inventory.live import LiveReader
from gpucloud.model.boot import BootFiles
from gpucloud.model.change import TryNewStart
from gpucloud.model.plan import Plan
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot import plan_boot, read_boot_files
from gpucloud.prepare.boot.fallback import risk_of_trying
from gpucloud.prepare.boot.medium import read_unwritable
from gpucloud.spec import parse_spec

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


def test_what_a_disk_is_made_of_is_not_known_where_that_cannot_be_read(tmp_path: Path) -> None:
    add_disk(tmp_path, "254:0", "dm-0", "CRYPT-LUKS2-abc", slaves={"sda": "8:0", "md0": "9:0"})
    (tmp_path / "sys/class/block/sda").unlink()
    assert on(tmp_path, VOLUME) == "RAID"
    (tmp_path / "sys/class/block/md0").unlink()
    found = on(tmp_path, VOLUME)
    assert isinstance(found, Unknown)
    assert found.why in ("/sys/class/block/md0 is not there", "/sys/class/block/sda is not there")
    (tmp_path / "sys/devices/virtual/block/dm-0/dm/uuid").unlink()
    assert on(tmp_path, VOLUME) == Unknown("/sys/class/block/dm-0/dm/uuid is not there")
    (tmp_path / "sys/dev/block/254:0").unlink()
    assert on(tmp_path, VOLUME) == Unknown("/sys/dev/block/254:0 is not there")


def test_disks_that_go_round_are_not_followed_for_ever(tmp_path: Path) -> None:
    add_disk(tmp_path, "254:0", "dm-0", "CRYPT-LUKS2-abc")
    (tmp_path / "sys/class/block/dm-0/slaves/dm-0").symlink_to("../../dm-0")
    found = on(tmp_path, VOLUME)
    assert isinstance(found, Unknown)
    assert "deeper than 8 layers" in found.why


def captured(root: Path, path: Path) -> Path:
    path.write_bytes(render_capture(collect_here(str(root))))
    return path


def told_by(capture: Path) -> str:
    reader = open_capture(capture)
    plan = plan_boot(read_host(reader), read_boot_files(reader), parse_spec(SPEC), "gpu01", is_captured=True)
    return "\n".join(step.risk or "" for step in plan.steps)


def test_a_capture_tells_of_a_volume_and_of_nothing_that_identifies_it(tmp_path: Path) -> None:
    root = build_family(tmp_path / "host", "ubuntu-24.04-cloud").root
    (root / "proc/self/mountinfo").write_text(VOLUME)
    volume = "Zq3Vk9Pw7Lm2Xc8R"
    add_disk(root, "254:0", "dm-0", f"LVM-{volume}", slaves={"sda": "8:0"})
    capture = captured(root, tmp_path / "c.tar.gz")
    assert read_unwritable(open_capture(capture), "/boot/grub") == "LVM"
    assert volume.encode() not in gzip.decompress(capture.read_bytes())
    assert "/boot/grub is on LVM, where GRUB cannot write" in told_by(capture)


def test_a_capture_of_a_host_on_a_plain_or_an_encrypted_disk_tells_of_no_risk(tmp_path: Path) -> None:
    root = build_family(tmp_path / "host", "ubuntu-24.04-cloud").root
    (root / "proc/self/mountinfo").write_text(VOLUME)
    add_disk(root, "254:0", "dm-0", "CRYPT-LUKS2-abc", slaves={"sda": "8:0"})
    told = told_by(captured(root, tmp_path / "c.tar.gz"))
    assert "may need a hand" in told
    assert "GRUB can" not in told.replace("what GRUB can do is read on the host itself only", "")


def test_a_capture_keeps_what_is_mounted_at_grubs_folder(tmp_path: Path) -> None:
    root = build_family(tmp_path / "host", "sles-15").root
    mounts = root / "proc/self/mountinfo"
    mounts.write_text(f"{mounts.read_text()}2 1 0:24 /@/boot/grub2 /boot/grub2 rw - btrfs /dev/sda2 rw\n")
    capture = captured(root, tmp_path / "c.tar.gz")
    assert read_unwritable(open_capture(capture), "/boot/grub2") == "btrfs"
    assert "/boot/grub2 is on btrfs, where GRUB cannot write" in told_by(capture)


def test_a_capture_without_mounts_does_not_tell_that_grub_can_write(tmp_path: Path) -> None:
    root = build_family(tmp_path / "host", "sles-15").root
    (root / "proc/self/mountinfo").unlink()
    told = told_by(captured(root, tmp_path / "c.tar.gz"))
    assert "whether GRUB can count the tries in /boot/grub2/grubenv is not known" in told


def test_what_is_not_known_of_it_is_said() -> None:
    assert risk_of_trying(BootFiles({}, {}, {"/boot/grub": Unknown("it is secret")}), "/boot/grub") == (
        "whether GRUB can count the tries in /boot/grub/grubenv is not known: it is secret"
    )
