"""Effects in a process of their own: results, errors, and what never ends."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpucloud.prepare.child import StillWaitingError, within
from gpucloud.prepare.system import LiveSystem, run_program


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A pipe whose writer waits, as a write to sysfs may, until the test has ended."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    yield path
    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


def test_a_result_comes_back() -> None:
    assert within(20, lambda: b"value") == b"value"
    assert within(20, lambda: b"") == b""


def test_an_error_comes_back_with_its_number() -> None:
    def refuse() -> bytes:
        raise OSError(errno.ENODEV, "no such device")

    with pytest.raises(OSError, match="No such device") as raised:
        within(20, refuse)
    assert raised.value.errno == errno.ENODEV


def test_a_child_that_dies_is_an_error() -> None:
    def die() -> bytes:
        os._exit(1)

    with pytest.raises(OSError, match="Input/output error"):
        within(20, die)


def test_what_does_not_end_is_left_alone_and_named(gate: Path) -> None:
    with pytest.raises(
        StillWaitingError, match=r"no answer from the kernel for 0.2 s \(process [0-9]+"
    ) as raised:
        within(0.2, lambda: gate.write_bytes(b"x").to_bytes())
    assert Path(f"/proc/{raised.value.pid}").exists()


def test_a_child_that_ends_late_does_not_go_on_as_its_parent(gate: Path, tmp_path: Path) -> None:
    with pytest.raises(StillWaitingError) as raised:
        within(0.2, lambda: gate.write_bytes(b"x").to_bytes())
    if os.getpid() == raised.value.pid:
        (tmp_path / "went-on").touch()
        os._exit(0)
    with gate.open("rb") as reader:
        reader.read()
    os.waitpid(raised.value.pid, 0)
    assert not (tmp_path / "went-on").exists()


def test_the_child_holds_no_lock_of_its_parent(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w"):
        held = within(20, lambda: " ".join(map(str, map(os.readlink, _open_files()))).encode())
    assert b"lock" not in held


def _open_files() -> list[Path]:
    return [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]


def test_the_child_is_out_of_reach_of_the_terminal() -> None:
    assert within(20, lambda: str(os.getsid(0) != os.getppid()).encode()) == b"True"
    assert int(within(20, lambda: str(os.getsid(0)).encode())) != os.getsid(0)


def test_an_attribute_is_written_with_one_write_and_never_created(tmp_path: Path) -> None:
    (tmp_path / "attribute").write_text("was longer")
    system = LiveSystem(tmp_path)
    system.write("/attribute", "now")
    assert (tmp_path / "attribute").read_text() == "now longer"
    with pytest.raises(FileNotFoundError):
        system.write("/nothing", "now")
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
