"""Writes through another process: results, errors, and what never ends."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpucloud.prepare.reach.hand import Hand, StillWaitingError
from gpucloud.prepare.system import LiveSystem, run_program, write_attribute


def by_name(path: Path, data: bytes) -> None:
    """An effect that does what the name of the path says."""
    match path.name:
        case "refuse":
            raise OSError(errno.ENODEV, "no such device")
        case "die":
            os._exit(1)
        case "fail":
            raise ZeroDivisionError
        case "wait":
            with (path.parent / "gate").open("wb"):
                pass
        case "sessions":
            path.with_name("seen").write_text(f"{os.getsid(0) == os.getpid()} {os.getsid(os.getppid())}")
        case "files":
            held = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
            path.with_name("seen").write_text(" ".join(held))
        case _:
            path.write_bytes(data)


@pytest.fixture
def hand() -> Hand:
    return Hand(by_name, 20)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A pipe whose writer waits, as a write to sysfs may, until the test has ended."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    yield path
    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


@pytest.mark.parametrize("data", [b"", b"vfio-pci", bytes(range(256)) * 256])
def test_data_arrives_as_it_is(hand: Hand, tmp_path: Path, data: bytes) -> None:
    hand.write(tmp_path / "attribute", data)
    assert (tmp_path / "attribute").read_bytes() == data


def test_an_error_comes_back_with_its_number_and_the_next_write_goes_on(hand: Hand, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(OSError, match="No such device") as raised:
            hand.write(tmp_path / "refuse", b"")
        assert raised.value.errno == errno.ENODEV
    hand.write(tmp_path / "attribute", b"fine")
    assert (tmp_path / "attribute").read_bytes() == b"fine"


@pytest.mark.parametrize("name", ["die", "fail"])
def test_a_child_that_dies_is_an_error_and_the_next_write_has_another(
    hand: Hand, tmp_path: Path, name: str
) -> None:
    with pytest.raises(OSError, match="Input/output error"):
        hand.write(tmp_path / name, b"")
    hand.write(tmp_path / "attribute", b"fine")


def test_what_does_not_end_is_left_behind_and_named(gate: Path, tmp_path: Path) -> None:
    hand = Hand(by_name, 0.2)
    with pytest.raises(
        StillWaitingError, match=r"no answer from the kernel for 0.2 s \(process [0-9]+"
    ) as raised:
        hand.write(tmp_path / "wait", b"")
    assert Path(f"/proc/{raised.value.pid}").exists()
    hand.write(tmp_path / "attribute", b"fine")
    assert gate.exists()


def test_a_child_that_ends_late_does_not_go_on_as_its_parent(gate: Path, tmp_path: Path) -> None:
    hand = Hand(by_name, 0.2)
    with pytest.raises(StillWaitingError) as raised:
        hand.write(tmp_path / "wait", b"")
    if os.getpid() == raised.value.pid:
        (tmp_path / "went-on").touch()
        os._exit(0)
    with gate.open("rb") as reader:
        reader.read()
    os.waitpid(raised.value.pid, 0)
    assert not (tmp_path / "went-on").exists()


def test_the_child_holds_no_lock_of_its_parent(hand: Hand, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w"):
        hand.write(tmp_path / "files", b"")
    assert "lock" not in (tmp_path / "seen").read_text()


def test_the_child_is_out_of_reach_of_the_terminal(hand: Hand, tmp_path: Path) -> None:
    hand.write(tmp_path / "sessions", b"")
    assert (tmp_path / "seen").read_text() == f"True {os.getsid(0)}"


def test_an_attribute_is_written_with_one_write_and_never_created(tmp_path: Path) -> None:
    (tmp_path / "attribute").write_text("was longer")
    write_attribute(tmp_path / "attribute", b"now")
    assert (tmp_path / "attribute").read_text() == "now longer"
    with pytest.raises(FileNotFoundError):
        LiveSystem(tmp_path).write("/nothing", "now")
    assert not (tmp_path / "nothing").exists()


def test_a_program_that_fails_says_its_last_line() -> None:
    with pytest.raises(OSError, match=r"'sh -c echo why >&2; exit 3' ended with 3: why"):
        run_program(("sh", "-c", "echo why >&2; exit 3"))


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        run_program(("no-such-program",))


def test_waiting_for_the_kernel_ends() -> None:
    answers = iter([False, False, True])
    assert LiveSystem(settle_s=20).settles(lambda: next(answers))
    assert not LiveSystem(settle_s=0).settles(lambda: False)
