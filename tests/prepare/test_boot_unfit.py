"""Odd hosts: what would not start as it was written is refused, and what only looks odd is planned right."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import BLOCK, GRUB_DEBIAN, build_family, plan_for
from tests.prepare.fake_host import BMC
from tests.prepare.fake_kernel import FakeKernel
from tests.prepare.test_boot_plan import refusal, texts

from gpucloud.model.failure import Failure
from gpucloud.prepare.plan import recheck


@pytest.fixture
def debian(tmp_path: Path) -> FakeKernel:
    return build_family(tmp_path, "debian-12")


def refused(tmp_path: Path, name: str, files: dict[str, str]) -> str:
    """What a host of a family is refused for that has these files besides."""
    kernel = build_family(tmp_path, name)
    for path, text in files.items():
        place = kernel.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return refusal(plan_for(kernel))


LONG = " ".join(f"a{number}={'x' * 40}" for number in range(46))
UNFIT = {
    "ostree": (
        "fedora-41",
        {"proc/cmdline": "ostree=/ostree/boot.1/fedora/1/0 rw\n"},
        "system-read-only: this",
    ),
    "transactional": (
        "sles-15",
        {"proc/self/mountinfo": "25 1 0:24 /@ / ro,relatime - btrfs /dev/sda3 rw\n"},
        "system-read-only: /etc and /usr and /boot are mounted read-only",
    ),
    "usr": (
        "alma-9",
        {"proc/self/mountinfo": "1 0 0:2 / / rw - tmpfs tmpfs rw\n2 1 0:3 / /usr ro - tmpfs tmpfs rw\n"},
        "system-read-only: /usr is mounted read-only; mount -o remount,rw /usr",
    ),
    "closed after an error": (
        "debian-12",
        {"proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/sda1 ro,errors=remount-ro\n"},
        "system-read-only: /etc and /boot are mounted read-only; mount -o remount,rw /etc",
    ),
    "sdbootutil": (
        "sles-15",
        {"boot/efi/loader/entries/a.conf": "title x\noptions quiet\n"},
        "boot-loader-unknown: how this host starts: /boot/efi/loader/entries/a.conf is an entry of",
    ),
    "suse-systemd-boot": (
        "sles-15",
        {"boot/efi/loader/loader.conf": "timeout 3\n"},
        "boot-loader-unknown: how this host starts: suse with grub, systemd-boot is not known here",
    ),
    "dracut-and-systemd-boot": (
        "debian-dracut",
        {"boot/efi/loader/loader.conf": "timeout 3\n", "proc/cmdline": "root=UUID=1 ro\n"},
        "boot-loader-unknown: how this host starts: debian with grub, systemd-boot is not known here",
    ),
    "later drop-in": (
        "debian-12",
        {"etc/default/grub.d/zzz.cfg": "GRUB_CMDLINE_LINUX_DEFAULT='quiet'\n"},
        "arguments-unknown: which arguments the kernel gets is not known: /etc/default/grub.d/zzz.cfg is",
    ),
    "too long": ("debian-12", {"etc/default/grub": f'GRUB_CMDLINE_LINUX="{LONG}"\n'}, "arguments-too-long: "),
    "too long now": ("debian-12", {"proc/cmdline": f"BOOT_IMAGE=/boot/a {LONG}\n"}, "arguments-too-long: "),
    "switched off on a second line": (
        "centos-7",
        {"etc/default/grub": 'GRUB_CMDLINE_LINUX="quiet\nintel_iommu=off"\n'},
        "iommu-switched-off: /etc/default/grub says intel_iommu=off",
    ),
}


@pytest.mark.parametrize("what", UNFIT)
def test_a_start_that_would_not_be_as_written_is_refused(what: str, tmp_path: Path) -> None:
    name, files, why = UNFIT[what]
    assert refused(tmp_path, name, files).startswith(why)


def test_a_plan_for_cards_that_are_not_there_is_not_called_done(debian: FakeKernel, tmp_path: Path) -> None:
    other = plan_for(build_family(tmp_path / "other", "debian-12", functions=(BMC,)))
    assert other.is_empty
    with pytest.raises(Failure, match=r"changed since the plan: 0000:3b:00.0 is no GPU of this host"):
        recheck(plan_for(debian), other)


def test_a_boot_partition_that_is_not_mounted_is_refused(debian: FakeKernel) -> None:
    shutil.rmtree(debian.root / "boot")
    assert refusal(plan_for(debian)).startswith("boot-not-mounted: there is no kernel in /boot")


def test_a_unit_of_its_own_that_cannot_be_read_is_refused(debian: FakeKernel) -> None:
    folder = debian.root / "etc/systemd/system"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "gpucloud-boot.service")
    assert "what is in /etc/systemd/system/gpucloud-boot.service is not known" in refusal(plan_for(debian))


def test_a_later_drop_in_that_adds_hides_nothing(debian: FakeKernel) -> None:
    folder = debian.root / "etc/default/grub.d"
    folder.mkdir()
    (folder / "zzz.cfg").write_text('GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT quiet"\n')
    assert plan_for(debian).steps


def test_grub_that_is_left_beside_systemd_boot_does_not_start_the_host(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-systemd-boot")
    (kernel.root / "etc/default").mkdir(exist_ok=True)
    (kernel.root / "etc/default/grub").write_text(GRUB_DEBIAN)
    assert "/etc/default/grub.d/zz-gpucloud.cfg" in texts(plan_for(kernel))
    (kernel.root / "proc/cmdline").write_text("initrd=\\1\\initrd.img root=UUID=1 ro\n")
    assert "/etc/kernel/cmdline" in texts(plan_for(kernel))


def test_entries_that_would_be_made_of_the_running_kernels_arguments_are_refused(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-systemd-boot")
    (kernel.root / "etc/kernel/cmdline").unlink()
    assert "/etc/kernel/cmdline is not there, so entries are made of what" in refusal(plan_for(kernel))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("netboot.conf", "title Netboot\nefi /EFI/ipxe.efi\noptions nofb console=ttyS0\n"),
        ("single.conf", "title Single\nlinux /vmlinuz-6.12\noptions root=UUID=1 ro single\n"),
        ("9-6.5.6-300.fc39.x86_64.conf", "title Fedora\nlinux /vmlinuz\noptions root=UUID=9 ro\n"),
    ],
)
def test_an_entry_that_nothing_makes_anew_may_say_what_it_likes(name: str, text: str, tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-systemd-boot")
    entry = kernel.root / "boot/efi/loader/entries" / name
    entry.write_text(text)
    plan = plan_for(kernel)
    assert not plan.refusals
    assert set(texts(plan)) & {f"/boot/efi/loader/entries/{name}"} == set()


def test_an_entry_that_would_not_come_back_as_it_is_is_refused(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-systemd-boot")
    entry = kernel.root / "boot/efi/loader/entries/1-6.12.conf"
    entry.write_text(entry.read_text().replace("quiet", "quiet debug"))
    assert refusal(plan_for(kernel)).startswith("entry-edited: /boot/efi/loader/entries/1-6.12.conf says")
    line = kernel.root / "etc/kernel/cmdline"
    line.write_text("root=UUID=1 ro\nquiet debug\n")
    entry.write_text(entry.read_text().replace("debug", "debug systemd.machine_id=1"))
    assert texts(plan_for(kernel))["/etc/kernel/cmdline"] == (
        "root=UUID=1 ro intel_iommu=on iommu=pt\nquiet debug\n"
    )


def test_entries_that_nothing_would_make_anew_are_refused(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-systemd-boot")
    (kernel.root / "etc/initramfs/post-update.d/systemd-boot").unlink()
    assert refusal(plan_for(kernel)) == (
        "entries-not-made: nothing makes boot entries of /etc/kernel/cmdline: "
        "/etc/initramfs/post-update.d has no hook; apt install systemd-boot, then plan again"
    )


def test_the_first_line_of_arguments_is_added_to_and_comments_are_none(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-systemd-boot")
    (kernel.root / "etc/kernel/cmdline").write_text("# intel_iommu=off\nroot=UUID=1 ro\nquiet\n")
    assert texts(plan_for(kernel))["/etc/kernel/cmdline"] == (
        "# intel_iommu=off\nroot=UUID=1 ro intel_iommu=on iommu=pt\nquiet\n"
    )


def test_entries_get_the_arguments_themselves_where_the_variable_that_they_name_is_lost(
    tmp_path: Path,
) -> None:
    kernel = build_family(tmp_path, "rocky-8")
    (kernel.root / "boot/grub2/grubenv").write_text(BLOCK)
    entry = texts(plan_for(kernel))["/boot/loader/entries/a-4.18.conf"]
    assert entry.endswith("options $kernelopts $tuned_params intel_iommu=on iommu=pt\n")


def test_usr_may_be_read_only_where_nothing_is_written_there(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-12")
    mounts = "1 0 0:2 / / rw - tmpfs tmpfs rw\n2 1 0:3 / /usr ro - tmpfs tmpfs rw\n"
    (kernel.root / "proc/self/mountinfo").write_text(mounts)
    assert plan_for(kernel).refusals == ()
