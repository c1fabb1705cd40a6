"""The narrow way to a host: what is there, what is not, and what could not be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host_tree import HostTree
from tests.inventory.build import function, read

from gpucloud.inventory.capture.allowlist import KVM_ANSWER
from gpucloud.inventory.collect.collector import ask_kvm, name_of
from gpucloud.inventory.live import LiveReader
from gpucloud.inventory.paths import follow, link_text
from gpucloud.model.unknown import Unknown


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/text").write_bytes(b"caf\xc3\xa9 \xff\n")
    (tmp_path / "etc/link").symlink_to("text")
    (tmp_path / "lib").symlink_to("etc")
    return tmp_path


def test_what_is_there_is_given_as_it_is(root: Path) -> None:
    reader = LiveReader(root)
    assert reader.label == "this host"
    assert reader.read_bytes("/etc/text") == b"caf\xc3\xa9 \xff\n"
    assert reader.read_text("/lib/link") == "café �\n"
    assert reader.list_dir("/lib") == ("link", "text")
    assert reader.read_link("/etc/link") == "text"


def test_what_is_not_there_is_none(root: Path) -> None:
    reader = LiveReader(root)
    assert reader.read_text("/etc/none") is None
    assert reader.read_text("/etc/text/below") is None
    assert reader.list_dir("/none") is None
    assert reader.read_link("/etc/text") is None
    assert reader.read_link("/none/x") is None
    assert reader.read_text("/etc/a\0b") is None


def test_what_is_too_long_is_unknown_and_never_cut(root: Path) -> None:
    (root / "etc/long").write_bytes(b"x" * 100)
    assert LiveReader(root).read_bytes("/etc/long", limit=100) == b"x" * 100
    assert LiveReader(root).read_bytes("/etc/long", limit=99) == Unknown("longer than 99 bytes: /etc/long")


def test_files_of_proc_that_claim_to_be_empty_are_read_whole() -> None:
    reader = LiveReader()
    status = reader.read_text("/proc/self/status")
    assert isinstance(status, str)
    assert status.startswith("Name:")
    limited = reader.read_bytes("/proc/self/status", limit=10)
    assert isinstance(limited, Unknown)


def test_a_root_is_never_left(root: Path) -> None:
    (root / "etc/up").symlink_to("../../../../../../etc/hostname")
    (root / "etc/abs").symlink_to("/etc/text")
    reader = LiveReader(root)
    assert reader.read_text("/etc/up") is None
    assert reader.read_text("/etc/abs") == reader.read_text("/etc/text")
    assert reader.read_text("/../../../../etc/text") == reader.read_text("/etc/text")


def test_links_in_a_circle_say_so(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    reader = LiveReader(root)
    for answer in (reader.read_text("/a"), reader.list_dir("/a"), reader.read_text("/a/x")):
        assert isinstance(answer, Unknown)
        assert "symbolic links" in answer.why


@given(st.lists(st.sampled_from(["..", ".", "a", "b", "link", "/", ""])), st.text("./ab", max_size=12))
def test_following_links_ends_inside(parts: list[str], target: str) -> None:
    def target_of(place: str) -> str | None:
        return target if place.endswith("/link") else None

    try:
        end = follow("", "/".join(parts), target_of)
    except OSError:
        return
    assert ".." not in end.split("/")
    assert end == "" or end.startswith("/")


@pytest.mark.parametrize(
    ("content", "target"),
    [
        (b"../x\n", "../x"),
        (b"../x", "../x"),
        (b"a\nb\n", None),
        (b"", None),
        (b"a\0b", None),
        (b"x" * 5000, None),
    ],
)
def test_a_file_may_stand_for_a_link_if_it_holds_one_path(content: bytes, target: str | None) -> None:
    assert link_text(content) == target


def test_processes_that_may_not_be_looked_at_leave_holders_unknown(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.function("0000:05:00.0", "1002:73bf", "0300", group=1)
    tree.node("0000:05:00.0", "drm/card0")
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/fd").symlink_to("fd")  # a folder that cannot be listed, for root too
    holders = function(read(tree), "0000:05:00.0").holders
    assert holders == Unknown("1 processes did not let us look; run as root")
    tree.holder(8, "Xorg", "/dev/dri/card0")
    found = function(read(tree), "0000:05:00.0").holders
    assert isinstance(found, tuple)
    assert [holder.process for holder in found] == ["Xorg"]


def test_the_running_host_itself_is_asked_for_a_virtual_machine() -> None:
    answer = LiveReader().read_text(KVM_ANSWER)
    refusal, why = ask_kvm()
    assert answer == (Unknown(f"{why}: {KVM_ANSWER}") if why else refusal)


def test_a_host_without_kvm_says_so(tmp_path: Path) -> None:
    assert ask_kvm(str(tmp_path / "kvm")) == (f"there is no {tmp_path / 'kvm'}", "")


def test_a_device_that_is_no_kvm_refuses() -> None:
    refusal, why = ask_kvm(os.devnull)
    assert (refusal.partition(":")[0], why) == ("KVM_CREATE_VM", "")


@pytest.mark.parametrize(
    ("option", "kept"),
    [("guest=ml1,debug-threads=on", "guest=ml1"), ("ml1", "ml1"), ("ml1,process=x", "ml1")],
)
def test_of_qemus_command_only_the_guests_name_is_kept(option: str, kept: str) -> None:
    assert name_of(["qemu", "-name", option, "-object", "secret,id=x,data=y"]) == ["-name", kept]
